SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

-- Long form: docs/decisions/0010-charges.md.
CREATE TABLE charge_debts (
    customer_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    fix_id bigint NOT NULL,
    amount_cents bigint NOT NULL,
    currency text NOT NULL,
    plan text NOT NULL,
    catalog_version_id bigint NOT NULL,
    api_key_id bigint NOT NULL,
    description text NOT NULL,
    state text NOT NULL DEFAULT 'open',
    created_at timestamptz NOT NULL,
    CONSTRAINT charge_debts_pkey PRIMARY KEY (customer_id, id),
    CONSTRAINT charge_debts_once_per_fix UNIQUE (customer_id, fix_id),
    CONSTRAINT charge_debts_fix_fkey FOREIGN KEY (customer_id, fix_id) REFERENCES fixes (customer_id, id),
    CONSTRAINT charge_debts_api_key_fkey FOREIGN KEY (customer_id, api_key_id) REFERENCES api_keys (customer_id, id),
    CONSTRAINT charge_debts_catalog_version_fkey FOREIGN KEY (catalog_version_id) REFERENCES catalog_versions (id),
    CONSTRAINT charge_debts_amount_positive CHECK (amount_cents > 0),
    CONSTRAINT charge_debts_currency_form CHECK (currency ~ '^[a-z]{3}$'),
    CONSTRAINT charge_debts_description_length CHECK (length(description) BETWEEN 1 AND 500),
    CONSTRAINT charge_debts_state_known CHECK (state IN ('open', 'paid', 'canceled', 'uncollectible'))
);
COMMENT ON TABLE charge_debts IS 'What a customer owes for one fix, at the price of its time.';

-- The moves a charge may make, as data: a trigger refuses all others.
CREATE TABLE charge_moves (
    from_state text NOT NULL,
    to_state text NOT NULL,
    CONSTRAINT charge_moves_pkey PRIMARY KEY (from_state, to_state)
);
INSERT INTO charge_moves (from_state, to_state) VALUES
('created', 'preparing'), ('created', 'canceled'),
('preparing', 'prepared'), ('preparing', 'canceled'),
('prepared', 'confirming'), ('prepared', 'canceled'),
('confirming', 'succeeded'), ('confirming', 'requires_action'), ('confirming', 'declined'), ('confirming', 'unknown'),
('requires_action', 'succeeded'), ('requires_action', 'declined'), ('requires_action', 'canceled'),
('declined', 'confirming'), ('declined', 'canceled'), ('declined', 'uncollectible'),
('unknown', 'succeeded'), ('unknown', 'declined'), ('unknown', 'requires_action'), ('unknown', 'prepared'),
('unknown', 'canceled'),
-- Stripe knows better: somebody paid by a page, or we are a restored copy of an earlier time.
('prepared', 'unknown'), ('declined', 'unknown');

CREATE TABLE charge_intents (
    customer_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    debt_id bigint NOT NULL,
    nonce text NOT NULL DEFAULT replace(gen_random_uuid()::text, '-', ''),
    state text NOT NULL DEFAULT 'created',
    fence bigint NOT NULL DEFAULT 0,
    lease_until timestamptz,
    wake_at timestamptz,
    parked_reason text,
    ending text,
    stripe_payment_id text,
    stripe_customer_id text,
    livemode boolean,
    attempts bigint NOT NULL DEFAULT 0,
    consent_id bigint,
    payment_method_id bigint,
    declines bigint NOT NULL DEFAULT 0,
    dunning_began_at timestamptz,
    failure_code text,
    decline_code text,
    advice_code text,
    action_url text,
    money_posting_id bigint,
    credits_posting_id bigint,
    consumed_posting_id bigint,
    settled_at timestamptz,
    unresolved_since timestamptz,
    created_at timestamptz NOT NULL,
    moved_at timestamptz NOT NULL,
    CONSTRAINT charge_intents_pkey PRIMARY KEY (customer_id, id),
    CONSTRAINT charge_intents_debt_fkey FOREIGN KEY (customer_id, debt_id) REFERENCES charge_debts (customer_id, id),
    CONSTRAINT charge_intents_consent_fkey FOREIGN KEY (customer_id, consent_id) REFERENCES consents (customer_id, id),
    CONSTRAINT charge_intents_payment_method_fkey
        FOREIGN KEY (customer_id, payment_method_id) REFERENCES payment_methods (customer_id, id),
    CONSTRAINT charge_intents_money_fkey
        FOREIGN KEY (customer_id, money_posting_id) REFERENCES ledger_postings (customer_id, id),
    CONSTRAINT charge_intents_credits_fkey
        FOREIGN KEY (customer_id, credits_posting_id) REFERENCES ledger_postings (customer_id, id),
    CONSTRAINT charge_intents_consumed_fkey
        FOREIGN KEY (customer_id, consumed_posting_id) REFERENCES ledger_postings (customer_id, id),
    CONSTRAINT charge_intents_nonce_form CHECK (nonce ~ '^[0-9a-f]{32}$'),
    CONSTRAINT charge_intents_state_known CHECK (
        state IN ('created', 'preparing', 'prepared', 'confirming', 'succeeded', 'requires_action', 'declined', 'unknown',
                  'canceled', 'uncollectible')
    ),
    CONSTRAINT charge_intents_ending_known CHECK (ending IN ('canceled', 'uncollectible')),
    CONSTRAINT charge_intents_reason_form CHECK (parked_reason ~ '^[a-z_]{1,60}$'),
    CONSTRAINT charge_intents_payment_form CHECK (stripe_payment_id ~ '^pi_[0-9A-Za-z_]{1,250}$'),
    -- Somebody continues it, or somebody was told.
    CONSTRAINT charge_intents_never_forgotten CHECK (
        state IN ('succeeded', 'canceled', 'uncollectible') OR wake_at IS NOT NULL OR parked_reason IS NOT NULL
    ),
    CONSTRAINT charge_intents_ended_at_rest CHECK (
        state NOT IN ('succeeded', 'canceled', 'uncollectible') OR (wake_at IS NULL AND lease_until IS NULL)
    ),
    CONSTRAINT charge_intents_payment_known CHECK (
        state IN ('created', 'preparing', 'canceled') OR stripe_payment_id IS NOT NULL
    ),
    CONSTRAINT charge_intents_payment_whole CHECK (
        num_nonnulls(stripe_payment_id, stripe_customer_id, livemode) IN (0, 3)
    ),
    -- Nobody is charged without a live card and a consent, written down before the call.
    CONSTRAINT charge_intents_armed CHECK (
        state <> 'confirming' OR (attempts > 0 AND consent_id IS NOT NULL AND payment_method_id IS NOT NULL)
    ),
    CONSTRAINT charge_intents_settled_whole CHECK (
        num_nonnulls(money_posting_id, credits_posting_id, consumed_posting_id, settled_at)
        = CASE WHEN state = 'succeeded' THEN 4 ELSE 0 END
    )
);
COMMENT ON TABLE charge_intents IS 'One try of ours to collect a debt by one payment at Stripe; known outside as a charge.';
COMMENT ON COLUMN charge_intents.nonce IS 'Tells our charge 7 from the 7 of another installation that shares the Stripe account.';
COMMENT ON COLUMN charge_intents.fence IS 'Rises with every claim; who comes with an older one is refused.';
COMMENT ON COLUMN charge_intents.lease_until IS 'By the database''s clock.';
COMMENT ON COLUMN charge_intents.unresolved_since IS 'Since when we do not know the outcome at Stripe.';
-- However many paths try to collect, a debt has one charge alive.
CREATE UNIQUE INDEX charge_intents_one_live_per_debt ON charge_intents (customer_id, debt_id)
WHERE state NOT IN ('canceled', 'uncollectible');
CREATE UNIQUE INDEX charge_intents_money_once ON charge_intents (customer_id, money_posting_id)
WHERE money_posting_id IS NOT NULL;
CREATE INDEX charge_intents_wake_idx ON charge_intents (wake_at) WHERE wake_at IS NOT NULL;

CREATE TABLE charge_attempts (
    customer_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    intent_id bigint NOT NULL,
    kind text NOT NULL,
    number bigint NOT NULL,
    key text NOT NULL,
    parameter_hash text NOT NULL,
    consent_id bigint,
    payment_method_id bigint,
    seen_before text NOT NULL DEFAULT '',
    sent_at timestamptz NOT NULL,
    tries bigint NOT NULL DEFAULT 1,
    server_errors bigint NOT NULL DEFAULT 0,
    outcome text,
    stripe_request_id text,
    answered_at timestamptz,
    CONSTRAINT charge_attempts_pkey PRIMARY KEY (customer_id, id),
    CONSTRAINT charge_attempts_once UNIQUE (customer_id, intent_id, kind, number),
    CONSTRAINT charge_attempts_key_once UNIQUE (customer_id, key),
    CONSTRAINT charge_attempts_intent_fkey
        FOREIGN KEY (customer_id, intent_id) REFERENCES charge_intents (customer_id, id),
    CONSTRAINT charge_attempts_consent_fkey FOREIGN KEY (customer_id, consent_id) REFERENCES consents (customer_id, id),
    CONSTRAINT charge_attempts_payment_method_fkey
        FOREIGN KEY (customer_id, payment_method_id) REFERENCES payment_methods (customer_id, id),
    CONSTRAINT charge_attempts_kind_known CHECK (kind IN ('create', 'confirm')),
    CONSTRAINT charge_attempts_numbers_positive CHECK (number > 0 AND tries > 0 AND server_errors >= 0),
    CONSTRAINT charge_attempts_hash_form CHECK (parameter_hash ~ '^[0-9a-f]{64}$'),
    CONSTRAINT charge_attempts_confirm_with_consent CHECK (
        kind = 'create' OR (consent_id IS NOT NULL AND payment_method_id IS NOT NULL)
    ),
    CONSTRAINT charge_attempts_outcome_known CHECK (
        outcome IN ('made', 'succeeded', 'declined', 'requires_action', 'processing', 'canceled', 'refused', 'not_executed',
                    'unknown')
    ),
    CONSTRAINT charge_attempts_answered_with_outcome CHECK ((outcome IS NULL) = (answered_at IS NULL))
);
COMMENT ON TABLE charge_attempts IS 'A call that may move money, written down before it is made.';
COMMENT ON COLUMN charge_attempts.seen_before IS 'How the payment looked before, so that its own decline is told from the last one''s.';
COMMENT ON COLUMN charge_attempts.server_errors IS 'How often Stripe answered with an error of its own, which it may keep under the key.';

-- A look-up of its own: events name Stripe's id only.
CREATE TABLE stripe_payments (
    stripe_payment_id text NOT NULL,
    customer_id bigint NOT NULL,
    intent_id bigint NOT NULL,
    CONSTRAINT stripe_payments_pkey PRIMARY KEY (stripe_payment_id),
    CONSTRAINT stripe_payments_intent_key UNIQUE (customer_id, intent_id),
    CONSTRAINT stripe_payments_intent_fkey
        FOREIGN KEY (customer_id, intent_id) REFERENCES charge_intents (customer_id, id)
);

CREATE FUNCTION charge_debts_obey() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'open'
       OR (OLD.id, OLD.customer_id, OLD.fix_id, OLD.amount_cents, OLD.currency, OLD.plan, OLD.catalog_version_id,
           OLD.api_key_id, OLD.description, OLD.created_at)
          IS DISTINCT FROM
          (NEW.id, NEW.customer_id, NEW.fix_id, NEW.amount_cents, NEW.currency, NEW.plan, NEW.catalog_version_id,
           NEW.api_key_id, NEW.description, NEW.created_at) THEN
        RAISE EXCEPTION 'debt % may only be closed, once', OLD.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER charge_debts_obey BEFORE UPDATE ON charge_debts
FOR EACH ROW EXECUTE FUNCTION charge_debts_obey();

CREATE FUNCTION charge_intents_begin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> 'created' THEN
        RAISE EXCEPTION 'a charge begins as created, not as %', NEW.state
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER charge_intents_begin BEFORE INSERT ON charge_intents
FOR EACH ROW EXECUTE FUNCTION charge_intents_begin();

CREATE FUNCTION charge_intents_obey() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> OLD.state THEN
        PERFORM FROM charge_moves WHERE from_state = OLD.state AND to_state = NEW.state;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'charge % may not move from % to %', OLD.id, OLD.state, NEW.state
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END IF;
    IF OLD.stripe_payment_id IS NOT NULL
       AND (OLD.stripe_payment_id, OLD.stripe_customer_id, OLD.livemode)
           IS DISTINCT FROM (NEW.stripe_payment_id, NEW.stripe_customer_id, NEW.livemode) THEN
        RAISE EXCEPTION 'charge % has its payment for life', OLD.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.fence < OLD.fence OR NEW.attempts < OLD.attempts
       OR (OLD.id, OLD.customer_id, OLD.debt_id, OLD.nonce, OLD.created_at)
          IS DISTINCT FROM (NEW.id, NEW.customer_id, NEW.debt_id, NEW.nonce, NEW.created_at) THEN
        RAISE EXCEPTION 'what charge % is never changes', OLD.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER charge_intents_obey BEFORE UPDATE ON charge_intents
FOR EACH ROW EXECUTE FUNCTION charge_intents_obey();

CREATE FUNCTION charge_attempts_obey() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.id, OLD.customer_id, OLD.intent_id, OLD.kind, OLD.number, OLD.key, OLD.parameter_hash, OLD.consent_id,
        OLD.payment_method_id, OLD.seen_before, OLD.sent_at)
       IS DISTINCT FROM
       (NEW.id, NEW.customer_id, NEW.intent_id, NEW.kind, NEW.number, NEW.key, NEW.parameter_hash, NEW.consent_id,
        NEW.payment_method_id, NEW.seen_before, NEW.sent_at) THEN
        RAISE EXCEPTION 'what attempt % sent never changes', OLD.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER charge_attempts_obey BEFORE UPDATE ON charge_attempts
FOR EACH ROW EXECUTE FUNCTION charge_attempts_obey();

CREATE TRIGGER charge_debts_stay BEFORE DELETE OR TRUNCATE ON charge_debts
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER charge_intents_stay BEFORE DELETE OR TRUNCATE ON charge_intents
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER charge_attempts_stay BEFORE DELETE OR TRUNCATE ON charge_attempts
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER stripe_payments_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON stripe_payments
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

REVOKE DELETE ON charge_debts, charge_intents, charge_attempts FROM rsolv_app;
REVOKE UPDATE, DELETE ON stripe_payments FROM rsolv_app;
REVOKE INSERT, UPDATE, DELETE ON charge_moves FROM rsolv_app;
