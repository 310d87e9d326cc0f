-- Lists go by listed_inspections (0007): nothing reads these indexes any more.
ALTER TABLE inspections DROP KEY inspections_by_date, DROP KEY inspections_by_state_and_date;
