SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

DROP TABLE audit_entries;
DROP TABLE idempotent_answers;
