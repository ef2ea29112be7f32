SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

-- Refuses to go back, whole, once something of an invoice was given back: there is no place for it before this step.
-- squawk-ignore require-concurrent-index-deletion -- inside a transaction there is no other way
DROP INDEX disputes_invoice_idx;
ALTER TABLE disputes DROP CONSTRAINT disputes_invoice_fkey;
ALTER TABLE disputes DROP CONSTRAINT disputes_of_one_thing;
CREATE OR REPLACE FUNCTION disputes_obey() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.movements < OLD.movements
       OR (OLD.id, OLD.customer_id, OLD.charge_id, OLD.stripe_dispute_id, OLD.opened_at)
          IS DISTINCT FROM (NEW.id, NEW.customer_id, NEW.charge_id, NEW.stripe_dispute_id, NEW.opened_at) THEN
        RAISE EXCEPTION 'dispute % may not go back, nor become another', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF (OLD.money, NEW.money) IN (('taken', 'untouched'), ('restored', 'untouched'), ('untouched', 'restored')) THEN
        RAISE EXCEPTION 'the money of dispute % may not move from % to %', OLD.id, OLD.money, NEW.money
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
ALTER TABLE disputes DROP COLUMN invoice_id;
-- squawk-ignore adding-not-nullable-field -- going back stops the installation anyway
ALTER TABLE disputes ALTER COLUMN charge_id SET NOT NULL;

-- squawk-ignore require-concurrent-index-deletion -- as above
DROP INDEX refunds_invoice_idx;
ALTER TABLE refunds DROP CONSTRAINT refunds_invoice_fkey;
ALTER TABLE refunds DROP CONSTRAINT refunds_of_one_thing;
CREATE OR REPLACE FUNCTION refunds_obey() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> OLD.state THEN
        PERFORM FROM refund_moves WHERE from_state = OLD.state AND to_state = NEW.state;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'refund % may not move from % to %', OLD.id, OLD.state, NEW.state
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END IF;
    IF (OLD.customer_id, OLD.id, OLD.charge_id, OLD.nonce, OLD.amount_cents, OLD.currency, OLD.reason, OLD.asked_by,
        OLD.act, OLD.asked_at)
       IS DISTINCT FROM
       (NEW.customer_id, NEW.id, NEW.charge_id, NEW.nonce, NEW.amount_cents, NEW.currency, NEW.reason, NEW.asked_by,
        NEW.act, NEW.asked_at)
       OR NEW.key_number < OLD.key_number
       OR (OLD.stripe_refund_id IS NOT NULL AND OLD.stripe_refund_id IS DISTINCT FROM NEW.stripe_refund_id) THEN
        RAISE EXCEPTION 'what refund % is never changes', OLD.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
ALTER TABLE refunds DROP COLUMN invoice_id;
-- squawk-ignore adding-not-nullable-field -- as above
ALTER TABLE refunds ALTER COLUMN charge_id SET NOT NULL;

ALTER TABLE reversals DROP CONSTRAINT reversals_invoice_fkey;
ALTER TABLE reversals DROP CONSTRAINT reversals_invoice_is_source;
ALTER TABLE reversals DROP CONSTRAINT reversals_source_known;
-- squawk-ignore constraint-missing-not-valid -- this is what refuses to go back
ALTER TABLE reversals ADD CONSTRAINT reversals_source_known CHECK (source_kind IN ('charge', 'invoice_line'));
ALTER TABLE reversals DROP COLUMN invoice_id;

DROP TRIGGER stripe_payments_are_for_one ON stripe_payments;
DROP TABLE stripe_invoice_payments;
DROP FUNCTION stripe_payments_are_for_one();

ALTER TABLE subscription_invoices DROP CONSTRAINT subscription_invoices_dispute_state_known;
ALTER TABLE subscription_invoices DROP CONSTRAINT subscription_invoices_taken_back_within_paid;
ALTER TABLE subscription_invoices DROP CONSTRAINT subscription_invoices_taken_back_not_negative;
ALTER TABLE subscription_invoices
DROP COLUMN dispute_state,
DROP COLUMN amount_disputed_cents,
DROP COLUMN amount_refunded_cents;
