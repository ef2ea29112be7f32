SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

DROP TABLE stripe_payments;
DROP TABLE charge_attempts;
DROP TABLE charge_intents;
DROP TABLE charge_moves;
DROP TABLE charge_debts;
DROP FUNCTION charge_attempts_obey();
DROP FUNCTION charge_intents_obey();
DROP FUNCTION charge_intents_begin();
DROP FUNCTION charge_debts_obey();
