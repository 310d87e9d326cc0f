INSERT INTO event_sequence (id, next_position, incarnation) VALUES (1, 1, '');
