SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

-- Long form: docs/decisions/0011-refunds.md.
ALTER TABLE charge_intents
ADD COLUMN amount_refunded_cents bigint NOT NULL DEFAULT 0,
ADD COLUMN amount_disputed_cents bigint NOT NULL DEFAULT 0,
ADD COLUMN dispute_state text NOT NULL DEFAULT 'none',
ADD COLUMN late_cents bigint,
ADD COLUMN late_posting_id bigint;
-- The new rules need no look at what is there: no charge has been paid back yet.
ALTER TABLE charge_intents ADD CONSTRAINT charge_intents_taken_back_not_negative
CHECK (amount_refunded_cents >= 0 AND amount_disputed_cents >= 0) NOT VALID;
ALTER TABLE charge_intents ADD CONSTRAINT charge_intents_taken_back_when_paid CHECK (
    amount_refunded_cents + amount_disputed_cents = 0 OR state = 'succeeded' OR late_posting_id IS NOT NULL
) NOT VALID;
ALTER TABLE charge_intents ADD CONSTRAINT charge_intents_dispute_state_known
CHECK (dispute_state IN ('none', 'inquiry', 'disputed', 'won', 'lost')) NOT VALID;
ALTER TABLE charge_intents ADD CONSTRAINT charge_intents_late_whole CHECK (
    (late_cents IS NULL) = (late_posting_id IS NULL)
    AND (late_posting_id IS NULL OR (state IN ('canceled', 'uncollectible') AND late_cents > 0))
) NOT VALID;
ALTER TABLE charge_intents ADD CONSTRAINT charge_intents_late_fkey
FOREIGN KEY (customer_id, late_posting_id) REFERENCES ledger_postings (customer_id, id) NOT VALID;
COMMENT ON COLUMN charge_intents.late_cents IS 'What was paid after we had given the charge up.';
COMMENT ON COLUMN charge_intents.amount_refunded_cents IS 'What live reversals have taken back; they are in a table of their own.';

CREATE TABLE reversals (
    customer_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL,
    stripe_object_id text NOT NULL,
    source_kind text NOT NULL,
    source_id bigint NOT NULL,
    charge_id bigint GENERATED ALWAYS AS (CASE source_kind WHEN 'charge' THEN source_id END) STORED,
    paid_cents bigint NOT NULL,
    credits_granted bigint NOT NULL,
    grant_posting_id bigint,
    amount_cents bigint NOT NULL,
    currency text NOT NULL,
    credits_due bigint NOT NULL,
    credits_taken bigint NOT NULL,
    receivable_cents bigint NOT NULL,
    corrections bigint NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT 'taken',
    money_posting_id bigint NOT NULL,
    restoring_posting_id bigint,
    taken_at timestamptz NOT NULL,
    restored_at timestamptz,
    CONSTRAINT reversals_pkey PRIMARY KEY (customer_id, id),
    CONSTRAINT reversals_once UNIQUE (customer_id, stripe_object_id),
    CONSTRAINT reversals_charge_fkey FOREIGN KEY (customer_id, charge_id) REFERENCES charge_intents (customer_id, id),
    CONSTRAINT reversals_grant_fkey
        FOREIGN KEY (customer_id, grant_posting_id) REFERENCES ledger_postings (customer_id, id),
    CONSTRAINT reversals_money_fkey
        FOREIGN KEY (customer_id, money_posting_id) REFERENCES ledger_postings (customer_id, id),
    CONSTRAINT reversals_restoring_fkey
        FOREIGN KEY (customer_id, restoring_posting_id) REFERENCES ledger_postings (customer_id, id),
    CONSTRAINT reversals_kind_known CHECK (kind IN ('refund', 'dispute')),
    CONSTRAINT reversals_source_known CHECK (source_kind IN ('charge', 'invoice_line')),
    CONSTRAINT reversals_object_form CHECK (stripe_object_id ~ '^[0-9A-Za-z_]{1,250}$'),
    CONSTRAINT reversals_currency_form CHECK (currency ~ '^[a-z]{3}$'),
    CONSTRAINT reversals_within_payment CHECK (amount_cents > 0 AND amount_cents <= paid_cents),
    CONSTRAINT reversals_grant_when_credits CHECK (credits_granted >= 0 AND (credits_granted = 0) = (grant_posting_id IS NULL)),
    CONSTRAINT reversals_credits_within CHECK (credits_taken BETWEEN 0 AND credits_due AND credits_due <= credits_granted),
    CONSTRAINT reversals_receivable_within CHECK (receivable_cents BETWEEN 0 AND amount_cents),
    CONSTRAINT reversals_receivable_for_spent CHECK (receivable_cents = 0 OR credits_taken < credits_due),
    CONSTRAINT reversals_state_known CHECK (state IN ('taken', 'restored')),
    CONSTRAINT reversals_restored_whole CHECK (
        num_nonnulls(restoring_posting_id, restored_at) = CASE state WHEN 'restored' THEN 2 ELSE 0 END
        AND (state = 'taken' OR credits_due + credits_taken + receivable_cents = 0)
    )
);
COMMENT ON TABLE reversals IS 'Money and credits of a payment taken back, for one refund or one dispute.';
COMMENT ON COLUMN reversals.credits_due IS 'Its share of the credits that the payment bought; what of it is spent becomes receivable.';
COMMENT ON COLUMN reversals.corrections IS 'How often it was posted to since it was taken.';
CREATE INDEX reversals_source_idx ON reversals (customer_id, source_kind, source_id);
CREATE INDEX reversals_short_idx ON reversals (customer_id) WHERE credits_taken < credits_due;

-- Under the lock that every posting takes: however many reverse at once, a payment never goes back more than once.
CREATE FUNCTION reversals_within_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM ledger_accounts
    WHERE customer_id = NEW.customer_id AND asset = 'credit' AND kind = 'available' FOR NO KEY UPDATE;
    IF (SELECT coalesce(sum(amount_cents), 0) FROM reversals
        WHERE customer_id = NEW.customer_id AND source_kind = NEW.source_kind AND source_id = NEW.source_id
          AND state = 'taken') + NEW.amount_cents > NEW.paid_cents THEN
        RAISE EXCEPTION 'more than % % was paid would be taken back', NEW.source_kind, NEW.source_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER reversals_within_payment BEFORE INSERT ON reversals
FOR EACH ROW EXECUTE FUNCTION reversals_within_payment();

CREATE FUNCTION reversals_obey() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.customer_id, OLD.id, OLD.kind, OLD.stripe_object_id, OLD.source_kind, OLD.source_id, OLD.paid_cents,
        OLD.credits_granted, OLD.grant_posting_id, OLD.amount_cents, OLD.currency, OLD.money_posting_id, OLD.taken_at)
       IS DISTINCT FROM
       (NEW.customer_id, NEW.id, NEW.kind, NEW.stripe_object_id, NEW.source_kind, NEW.source_id, NEW.paid_cents,
        NEW.credits_granted, NEW.grant_posting_id, NEW.amount_cents, NEW.currency, NEW.money_posting_id, NEW.taken_at)
       OR NEW.corrections < OLD.corrections THEN
        RAISE EXCEPTION 'what reversal % took never changes', OLD.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER reversals_obey BEFORE UPDATE ON reversals FOR EACH ROW EXECUTE FUNCTION reversals_obey();
CREATE TRIGGER reversals_stay_restored BEFORE UPDATE ON reversals
FOR EACH ROW WHEN (OLD.state = 'restored') EXECUTE FUNCTION refuse_change_after_the_end();
CREATE TRIGGER reversals_stay BEFORE DELETE OR TRUNCATE ON reversals
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The moves a refund may make, as data: a trigger refuses all others.
CREATE TABLE refund_moves (
    from_state text NOT NULL,
    to_state text NOT NULL,
    CONSTRAINT refund_moves_pkey PRIMARY KEY (from_state, to_state)
);
INSERT INTO refund_moves (from_state, to_state) VALUES
('asked', 'pending'), ('asked', 'succeeded'), ('asked', 'failed'), ('asked', 'canceled'),
('pending', 'succeeded'), ('pending', 'failed'), ('pending', 'canceled'),
-- What a bank accepted may come back.
('succeeded', 'failed'), ('succeeded', 'canceled');

CREATE TABLE refunds (
    customer_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    charge_id bigint NOT NULL,
    nonce text NOT NULL DEFAULT replace(gen_random_uuid()::text, '-', ''),
    amount_cents bigint NOT NULL,
    currency text NOT NULL,
    reason text NOT NULL,
    stripe_reason text,
    asked_by text NOT NULL,
    act text,
    state text NOT NULL DEFAULT 'asked',
    key_number bigint NOT NULL DEFAULT 1,
    tries bigint NOT NULL DEFAULT 0,
    server_errors bigint NOT NULL DEFAULT 0,
    sent_at timestamptz,
    lease_until timestamptz,
    wake_at timestamptz,
    parked_reason text,
    stripe_refund_id text,
    failure_reason text,
    asked_at timestamptz NOT NULL,
    moved_at timestamptz NOT NULL,
    CONSTRAINT refunds_pkey PRIMARY KEY (customer_id, id),
    CONSTRAINT refunds_once_per_act UNIQUE (customer_id, act),
    CONSTRAINT refunds_charge_fkey FOREIGN KEY (customer_id, charge_id) REFERENCES charge_intents (customer_id, id),
    CONSTRAINT refunds_nonce_form CHECK (nonce ~ '^[0-9a-f]{32}$'),
    CONSTRAINT refunds_amount_positive CHECK (amount_cents > 0),
    CONSTRAINT refunds_currency_form CHECK (currency ~ '^[a-z]{3}$'),
    CONSTRAINT refunds_reason_length CHECK (length(reason) BETWEEN 1 AND 500),
    CONSTRAINT refunds_stripe_reason_known CHECK (
        stripe_reason IN ('duplicate', 'fraudulent', 'requested_by_customer')
    ),
    CONSTRAINT refunds_asked_by_form CHECK (asked_by ~ '^(customer|operator|system|stripe)(:.{1,200})?$'),
    CONSTRAINT refunds_act_length CHECK (length(act) BETWEEN 1 AND 200),
    CONSTRAINT refunds_state_known CHECK (state IN ('asked', 'pending', 'succeeded', 'failed', 'canceled')),
    CONSTRAINT refunds_numbers_positive CHECK (key_number > 0 AND tries >= 0 AND server_errors >= 0),
    CONSTRAINT refunds_sent_when_tried CHECK (tries = 0 OR sent_at IS NOT NULL),
    CONSTRAINT refunds_reason_form CHECK (parked_reason ~ '^[a-z_]{1,60}$'),
    CONSTRAINT refunds_object_form CHECK (stripe_refund_id ~ '^[0-9A-Za-z_]{1,250}$'),
    -- Only Stripe can say that money went back. What it refused to make has failed and has no id.
    CONSTRAINT refunds_known_at_stripe CHECK (state IN ('asked', 'failed') OR stripe_refund_id IS NOT NULL),
    -- Somebody continues it, or somebody was told.
    CONSTRAINT refunds_never_forgotten CHECK (
        state IN ('succeeded', 'failed', 'canceled') OR wake_at IS NOT NULL OR parked_reason IS NOT NULL
    ),
    CONSTRAINT refunds_ended_at_rest CHECK (
        state NOT IN ('succeeded', 'failed', 'canceled') OR (wake_at IS NULL AND lease_until IS NULL)
    )
);
COMMENT ON TABLE refunds IS 'Money of a charge on its way back, asked for by us or made at Stripe.';
COMMENT ON COLUMN refunds.nonce IS 'Tells our refund 7 from the 7 of another installation that shares the Stripe account.';
COMMENT ON COLUMN refunds.act IS 'The caller''s id of the act: a repeat asks for nothing more.';
COMMENT ON COLUMN refunds.key_number IS 'Rises when the key before it can be trusted no longer; part of the next one.';
COMMENT ON COLUMN refunds.sent_at IS 'When the present key was first sent.';
COMMENT ON COLUMN refunds.lease_until IS 'By the database''s clock.';
CREATE INDEX refunds_charge_idx ON refunds (customer_id, charge_id);
CREATE INDEX refunds_wake_idx ON refunds (wake_at) WHERE wake_at IS NOT NULL;

-- A look-up of its own: events name Stripe's id only, and an id is one refund's.
CREATE TABLE stripe_refunds (
    stripe_refund_id text NOT NULL,
    customer_id bigint NOT NULL,
    refund_id bigint NOT NULL,
    CONSTRAINT stripe_refunds_pkey PRIMARY KEY (stripe_refund_id),
    CONSTRAINT stripe_refunds_refund_key UNIQUE (customer_id, refund_id),
    CONSTRAINT stripe_refunds_refund_fkey FOREIGN KEY (customer_id, refund_id) REFERENCES refunds (customer_id, id)
);

CREATE FUNCTION refunds_begin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> 'asked' THEN
        RAISE EXCEPTION 'a refund begins as asked, not as %', NEW.state
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refunds_begin BEFORE INSERT ON refunds FOR EACH ROW EXECUTE FUNCTION refunds_begin();

CREATE FUNCTION refunds_obey() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER refunds_obey BEFORE UPDATE ON refunds FOR EACH ROW EXECUTE FUNCTION refunds_obey();
CREATE TRIGGER refunds_stay BEFORE DELETE OR TRUNCATE ON refunds
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER stripe_refunds_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON stripe_refunds
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

REVOKE DELETE ON reversals, refunds FROM rsolv_app;
REVOKE UPDATE, DELETE ON stripe_refunds FROM rsolv_app;
REVOKE INSERT, UPDATE, DELETE ON refund_moves FROM rsolv_app;
