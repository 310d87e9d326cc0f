INSERT INTO event_sequence (id, next_position) VALUES (1, 1);
