SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

DROP TABLE stripe_refunds;
DROP TABLE refunds;
DROP FUNCTION refunds_obey;
DROP FUNCTION refunds_begin;
DROP TABLE refund_moves;
DROP TABLE reversals;
DROP FUNCTION reversals_obey;
DROP FUNCTION reversals_within_payment;
ALTER TABLE charge_intents DROP CONSTRAINT charge_intents_late_fkey;
ALTER TABLE charge_intents DROP CONSTRAINT charge_intents_late_whole;
ALTER TABLE charge_intents DROP CONSTRAINT charge_intents_dispute_state_known;
ALTER TABLE charge_intents DROP CONSTRAINT charge_intents_taken_back_when_paid;
ALTER TABLE charge_intents DROP CONSTRAINT charge_intents_taken_back_not_negative;
ALTER TABLE charge_intents
DROP COLUMN late_posting_id,
DROP COLUMN late_cents,
DROP COLUMN dispute_state,
DROP COLUMN amount_disputed_cents,
DROP COLUMN amount_refunded_cents;
