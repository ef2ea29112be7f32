SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

DROP TABLE card_attaches;
-- squawk-ignore require-concurrent-index-deletion -- inside a transaction there is no other way
DROP INDEX card_setups_opened_idx;
DROP TRIGGER charge_debts_overdue_once ON charge_debts;
DROP FUNCTION charge_debts_overdue_once();
-- squawk-ignore require-concurrent-index-deletion -- inside a transaction there is no other way
DROP INDEX charge_intents_parked_idx;
-- squawk-ignore require-concurrent-index-deletion -- inside a transaction there is no other way
DROP INDEX charge_debts_overdue_idx;
ALTER TABLE charge_debts DROP COLUMN overdue_since;
