SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

-- Long form: docs/decisions/0016-invoices-taken-back.md.
ALTER TABLE subscription_invoices
ADD COLUMN amount_refunded_cents bigint NOT NULL DEFAULT 0,
ADD COLUMN amount_disputed_cents bigint NOT NULL DEFAULT 0,
ADD COLUMN dispute_state text NOT NULL DEFAULT 'none';
-- The new rules need no look at what is there: no invoice has been paid back yet.
ALTER TABLE subscription_invoices ADD CONSTRAINT subscription_invoices_taken_back_not_negative
CHECK (amount_refunded_cents >= 0 AND amount_disputed_cents >= 0) NOT VALID;
ALTER TABLE subscription_invoices ADD CONSTRAINT subscription_invoices_taken_back_within_paid CHECK (
    amount_refunded_cents + amount_disputed_cents <= CASE state WHEN 'paid' THEN amount_paid_cents ELSE 0 END
) NOT VALID;
ALTER TABLE subscription_invoices ADD CONSTRAINT subscription_invoices_dispute_state_known
CHECK (dispute_state IN ('none', 'inquiry', 'disputed', 'won', 'lost')) NOT VALID;
COMMENT ON COLUMN subscription_invoices.amount_refunded_cents IS 'What live reversals have taken back; they are in a table of their own.';

-- A look-up of its own: refunds and disputes name Stripe's payment only. An invoice may be paid in parts.
CREATE TABLE stripe_invoice_payments (
    stripe_payment_id text NOT NULL,
    customer_id bigint NOT NULL,
    invoice_id bigint NOT NULL,
    CONSTRAINT stripe_invoice_payments_pkey PRIMARY KEY (stripe_payment_id),
    CONSTRAINT stripe_invoice_payments_invoice_fkey
        FOREIGN KEY (customer_id, invoice_id) REFERENCES subscription_invoices (customer_id, id),
    CONSTRAINT stripe_invoice_payments_id_form CHECK (stripe_payment_id ~ '^[0-9A-Za-z_]{1,250}$')
);
COMMENT ON TABLE stripe_invoice_payments IS 'Which payment at Stripe paid which invoice.';
CREATE INDEX stripe_invoice_payments_invoice_idx ON stripe_invoice_payments (customer_id, invoice_id);

-- The posting of an invoice's money names its payments. One that was canceled may be among them: nothing of it can
-- come back. What Stripe tells of an invoice later adds what is missing.
INSERT INTO stripe_invoice_payments (stripe_payment_id, customer_id, invoice_id)
SELECT named.stripe_payment_id, i.customer_id, i.id
FROM subscription_invoices AS i
JOIN ledger_postings AS p ON p.customer_id = i.customer_id AND p.id = i.money_posting_id
CROSS JOIN LATERAL jsonb_array_elements_text(
    CASE jsonb_typeof(p.metadata -> 'payments') WHEN 'array' THEN p.metadata -> 'payments' ELSE '[]' END
) AS named (stripe_payment_id)
WHERE named.stripe_payment_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM stripe_payments AS c WHERE c.stripe_payment_id = named.stripe_payment_id)
ORDER BY i.customer_id, i.id
ON CONFLICT DO NOTHING;

-- A payment is for a charge or for an invoice. Two tables cannot share a key, so who writes to either locks the id.
CREATE FUNCTION stripe_payments_are_for_one() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('stripe payment ' || NEW.stripe_payment_id, 0));
    IF (TG_TABLE_NAME = 'stripe_payments'
        AND EXISTS (SELECT FROM stripe_invoice_payments WHERE stripe_payment_id = NEW.stripe_payment_id))
       OR (TG_TABLE_NAME = 'stripe_invoice_payments'
           AND EXISTS (SELECT FROM stripe_payments WHERE stripe_payment_id = NEW.stripe_payment_id)) THEN
        RAISE EXCEPTION 'payment % is for something else already', NEW.stripe_payment_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER stripe_payments_are_for_one BEFORE INSERT ON stripe_payments
FOR EACH ROW EXECUTE FUNCTION stripe_payments_are_for_one();
CREATE TRIGGER stripe_invoice_payments_are_for_one BEFORE INSERT ON stripe_invoice_payments
FOR EACH ROW EXECUTE FUNCTION stripe_payments_are_for_one();
CREATE TRIGGER stripe_invoice_payments_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON stripe_invoice_payments
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What was paid is a charge or an invoice. Nothing has been taken back of an invoice or one of its lines yet.
ALTER TABLE reversals ADD COLUMN invoice_id bigint;
-- squawk-ignore ban-drop-constraint -- put in other words at once
ALTER TABLE reversals DROP CONSTRAINT reversals_source_known;
ALTER TABLE reversals ADD CONSTRAINT reversals_source_known CHECK (source_kind IN ('charge', 'invoice')) NOT VALID;
ALTER TABLE reversals ADD CONSTRAINT reversals_invoice_is_source CHECK (
    invoice_id IS NOT DISTINCT FROM CASE source_kind WHEN 'invoice' THEN source_id END
) NOT VALID;
ALTER TABLE reversals ADD CONSTRAINT reversals_invoice_fkey
FOREIGN KEY (customer_id, invoice_id) REFERENCES subscription_invoices (customer_id, id) NOT VALID;

-- squawk-ignore ban-drop-not-null -- only the code that comes with this step writes such rows
ALTER TABLE refunds ALTER COLUMN charge_id DROP NOT NULL;
ALTER TABLE refunds ADD COLUMN invoice_id bigint;
ALTER TABLE refunds ADD CONSTRAINT refunds_of_one_thing CHECK (num_nonnulls(charge_id, invoice_id) = 1) NOT VALID;
ALTER TABLE refunds ADD CONSTRAINT refunds_invoice_fkey
FOREIGN KEY (customer_id, invoice_id) REFERENCES subscription_invoices (customer_id, id) NOT VALID;
-- squawk-ignore require-concurrent-index-creation -- inside a transaction there is no other way, and it is empty
CREATE INDEX refunds_invoice_idx ON refunds (customer_id, invoice_id) WHERE invoice_id IS NOT NULL;
CREATE OR REPLACE FUNCTION refunds_obey() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> OLD.state THEN
        PERFORM FROM refund_moves WHERE from_state = OLD.state AND to_state = NEW.state;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'refund % may not move from % to %', OLD.id, OLD.state, NEW.state
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END IF;
    IF (OLD.customer_id, OLD.id, OLD.charge_id, OLD.invoice_id, OLD.nonce, OLD.amount_cents, OLD.currency, OLD.reason,
        OLD.asked_by, OLD.act, OLD.asked_at)
       IS DISTINCT FROM
       (NEW.customer_id, NEW.id, NEW.charge_id, NEW.invoice_id, NEW.nonce, NEW.amount_cents, NEW.currency, NEW.reason,
        NEW.asked_by, NEW.act, NEW.asked_at)
       OR NEW.key_number < OLD.key_number
       OR (OLD.stripe_refund_id IS NOT NULL AND OLD.stripe_refund_id IS DISTINCT FROM NEW.stripe_refund_id) THEN
        RAISE EXCEPTION 'what refund % is never changes', OLD.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

-- squawk-ignore ban-drop-not-null -- as above
ALTER TABLE disputes ALTER COLUMN charge_id DROP NOT NULL;
ALTER TABLE disputes ADD COLUMN invoice_id bigint;
ALTER TABLE disputes ADD CONSTRAINT disputes_of_one_thing CHECK (num_nonnulls(charge_id, invoice_id) = 1) NOT VALID;
ALTER TABLE disputes ADD CONSTRAINT disputes_invoice_fkey
FOREIGN KEY (customer_id, invoice_id) REFERENCES subscription_invoices (customer_id, id) NOT VALID;
-- squawk-ignore require-concurrent-index-creation -- as above
CREATE INDEX disputes_invoice_idx ON disputes (customer_id, invoice_id) WHERE invoice_id IS NOT NULL;
CREATE OR REPLACE FUNCTION disputes_obey() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.movements < OLD.movements
       OR (OLD.id, OLD.customer_id, OLD.charge_id, OLD.invoice_id, OLD.stripe_dispute_id, OLD.opened_at)
          IS DISTINCT FROM
          (NEW.id, NEW.customer_id, NEW.charge_id, NEW.invoice_id, NEW.stripe_dispute_id, NEW.opened_at) THEN
        RAISE EXCEPTION 'dispute % may not go back, nor become another', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF (OLD.money, NEW.money) IN (('taken', 'untouched'), ('restored', 'untouched'), ('untouched', 'restored')) THEN
        RAISE EXCEPTION 'the money of dispute % may not move from % to %', OLD.id, OLD.money, NEW.money
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

REVOKE UPDATE, DELETE ON stripe_invoice_payments FROM rsolv_app;
