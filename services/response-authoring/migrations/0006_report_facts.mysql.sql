-- For the check of everything stored, which reads tables of messages: the second message in a row of reports.
CREATE VIEW report_facts AS
SELECT inspection, revision, version, facts_checksum AS checksum, facts AS content FROM reports;
