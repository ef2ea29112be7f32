SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

-- Long form: docs/decisions/0012-disputes.md.
CREATE TABLE disputes (
    customer_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    charge_id bigint NOT NULL,
    stripe_dispute_id text NOT NULL,
    stage text NOT NULL,
    stripe_state text NOT NULL,
    movements bigint NOT NULL DEFAULT 0,
    is_withdrawn boolean NOT NULL DEFAULT false,
    money text NOT NULL DEFAULT 'untouched',
    taken_at_movement bigint,
    freezes_charges boolean NOT NULL DEFAULT false,
    parked_reason text,
    amount_cents bigint NOT NULL,
    currency text NOT NULL,
    reason text NOT NULL,
    respond_by timestamptz,
    wake_at timestamptz,
    opened_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    closed_at timestamptz,
    released_at timestamptz,
    released_by text,
    release_reason text,
    CONSTRAINT disputes_pkey PRIMARY KEY (customer_id, id),
    CONSTRAINT disputes_once UNIQUE (customer_id, stripe_dispute_id),
    CONSTRAINT disputes_charge_fkey FOREIGN KEY (customer_id, charge_id) REFERENCES charge_intents (customer_id, id),
    CONSTRAINT disputes_stage_known CHECK (stage IN ('inquiry', 'prevented', 'open', 'won', 'lost', 'unknown')),
    CONSTRAINT disputes_money_known CHECK (money IN ('untouched', 'taken', 'restored')),
    CONSTRAINT disputes_movements_not_negative CHECK (movements >= 0),
    CONSTRAINT disputes_amount_not_negative CHECK (amount_cents >= 0),
    CONSTRAINT disputes_currency_form CHECK (currency ~ '^[a-z]{3}$'),
    CONSTRAINT disputes_reason_form CHECK (parked_reason ~ '^[a-z_]{1,60}$'),
    CONSTRAINT disputes_taken_at_a_movement CHECK ((money = 'untouched') = (taken_at_movement IS NULL)),
    -- An inquiry takes nothing, and so it stops nobody.
    CONSTRAINT disputes_freeze_needs_withdrawal CHECK (is_withdrawn OR NOT freezes_charges),
    -- Where our books differ from Stripe, somebody was told.
    CONSTRAINT disputes_money_follows CHECK (is_withdrawn = (money = 'taken') OR parked_reason IS NOT NULL),
    CONSTRAINT disputes_never_forgotten CHECK (closed_at IS NOT NULL OR wake_at IS NOT NULL),
    CONSTRAINT disputes_released_whole CHECK (num_nonnulls(released_at, released_by, release_reason) IN (0, 3)),
    CONSTRAINT disputes_release_reason_length CHECK (length(release_reason) BETWEEN 1 AND 500)
);
COMMENT ON TABLE disputes IS 'What a customer''s bank asked, took, kept or returned of one of our charges, as last read at Stripe.';
COMMENT ON COLUMN disputes.movements IS 'How often money moved for it at Stripe. They only grow: who read fewer read earlier.';
COMMENT ON COLUMN disputes.money IS 'What our books have of it.';
COMMENT ON COLUMN disputes.taken_at_movement IS 'The movement that our newest reversal of it stands for.';
COMMENT ON COLUMN disputes.reason IS 'The bank''s, in Stripe''s word.';
CREATE INDEX disputes_wake_idx ON disputes (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX disputes_charge_idx ON disputes (customer_id, charge_id);
CREATE INDEX disputes_freezing_idx ON disputes (customer_id) WHERE freezes_charges;

-- A look-up of its own: events name Stripe's id only.
CREATE TABLE stripe_disputes (
    stripe_dispute_id text NOT NULL,
    customer_id bigint NOT NULL,
    dispute_id bigint NOT NULL,
    CONSTRAINT stripe_disputes_pkey PRIMARY KEY (stripe_dispute_id),
    CONSTRAINT stripe_disputes_dispute_key UNIQUE (customer_id, dispute_id),
    CONSTRAINT stripe_disputes_dispute_fkey FOREIGN KEY (customer_id, dispute_id) REFERENCES disputes (customer_id, id)
);

CREATE TABLE charge_freezes (
    customer_id bigint NOT NULL,
    is_frozen boolean NOT NULL DEFAULT false,
    changed_at timestamptz NOT NULL,
    CONSTRAINT charge_freezes_pkey PRIMARY KEY (customer_id),
    CONSTRAINT charge_freezes_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id)
);
COMMENT ON TABLE charge_freezes IS 'Whether a customer may be charged at all; the row is also the lock: shared by who arms a charge, exclusive for who freezes.';

CREATE FUNCTION disputes_obey() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER disputes_obey BEFORE UPDATE ON disputes
FOR EACH ROW EXECUTE FUNCTION disputes_obey();

-- Whoever arms a charge asks before; this is for those who forget to.
CREATE FUNCTION charge_intents_not_while_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM charge_freezes WHERE customer_id = NEW.customer_id AND is_frozen;
    IF FOUND THEN
        RAISE EXCEPTION 'charge % may not be made: charges of customer % are frozen', NEW.id, NEW.customer_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER charge_intents_not_while_frozen BEFORE UPDATE OF state ON charge_intents
FOR EACH ROW WHEN (new.state = 'confirming' AND old.state <> 'confirming')
EXECUTE FUNCTION charge_intents_not_while_frozen();

CREATE TRIGGER disputes_stay BEFORE DELETE OR TRUNCATE ON disputes
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER stripe_disputes_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON stripe_disputes
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

REVOKE DELETE ON disputes, charge_freezes FROM rsolv_app;
REVOKE UPDATE, DELETE ON stripe_disputes FROM rsolv_app;
