-- Lists go by listed_inspections (0007): nothing reads these indexes any more.
DROP INDEX inspections_by_date;
DROP INDEX inspections_by_state_and_date;
