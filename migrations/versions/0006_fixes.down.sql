SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

DROP TABLE fixes;
DROP TABLE phase_results;
DROP TABLE repositories;
DROP TABLE forge_accounts;
