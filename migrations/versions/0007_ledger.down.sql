SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

DROP VIEW credit_transactions;
DROP TABLE ledger_entries;
DROP TABLE ledger_grants;
DROP TABLE ledger_postings;
DROP TABLE ledger_accounts;
DROP FUNCTION ledger_require_balanced();
DROP FUNCTION ledger_start_empty();
DROP FUNCTION ledger_refuse_direct_move();
DROP FUNCTION ledger_move_account();
