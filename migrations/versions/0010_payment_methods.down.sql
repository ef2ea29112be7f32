SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

DROP TABLE card_bonuses;
DROP TABLE consents;
DROP TABLE stripe_card_setups;
DROP TABLE card_setups;
DROP TABLE payment_methods;
DROP FUNCTION card_setups_keep_evidence();
DROP FUNCTION refuse_change_after_the_end();
