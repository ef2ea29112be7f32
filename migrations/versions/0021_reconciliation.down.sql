SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

ALTER TABLE charge_intents DROP COLUMN rebuilt_at;
DROP TABLE restores;
DROP TABLE discrepancies;
DROP FUNCTION discrepancies_obey();
DROP TABLE reconciliation_runs;
