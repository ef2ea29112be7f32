SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

DROP TRIGGER charge_intents_not_while_frozen ON charge_intents;
DROP FUNCTION charge_intents_not_while_frozen();
DROP TABLE stripe_disputes;
DROP TABLE disputes;
DROP TABLE charge_freezes;
DROP FUNCTION disputes_obey();
