-- For the check of everything stored, which reads tables of messages: the second message in a row of responses.
CREATE VIEW response_summaries AS
SELECT body, inspection, version, summary_checksum AS checksum, summary AS content FROM responses;
