SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

CREATE TABLE payment_methods (
    customer_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    stripe_payment_method_id text NOT NULL,
    brand text NOT NULL,
    last4 text NOT NULL,
    expires_month bigint NOT NULL,
    expires_year bigint NOT NULL,
    fingerprint text,
    is_default boolean NOT NULL,
    added_at timestamptz NOT NULL,
    removed_at timestamptz,
    CONSTRAINT payment_methods_pkey PRIMARY KEY (customer_id, id),
    CONSTRAINT payment_methods_once UNIQUE (customer_id, stripe_payment_method_id),
    CONSTRAINT payment_methods_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id),
    CONSTRAINT payment_methods_removed_is_no_default CHECK (removed_at IS NULL OR NOT is_default),
    CONSTRAINT payment_methods_last4_form CHECK (last4 ~ '^[0-9]{4}$'),
    CONSTRAINT payment_methods_expires_in_a_month CHECK (expires_month BETWEEN 1 AND 12)
);
COMMENT ON COLUMN payment_methods.fingerprint IS 'Of the card''s number: the same wherever the same card is used.';
CREATE UNIQUE INDEX payment_methods_one_default ON payment_methods (customer_id) WHERE is_default;

CREATE FUNCTION refuse_change_after_the_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%: what has ended stays as it is', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER payment_methods_stay_removed BEFORE UPDATE ON payment_methods
FOR EACH ROW WHEN (OLD.removed_at IS NOT NULL) EXECUTE FUNCTION refuse_change_after_the_end();
CREATE TRIGGER payment_methods_stay BEFORE DELETE OR TRUNCATE ON payment_methods
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE card_setups (
    customer_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    state text NOT NULL DEFAULT 'open',
    key text NOT NULL,
    caller_key_hash bytea,
    return_url text,
    stripe_customer_id text NOT NULL,
    text_version text NOT NULL,
    catalog_version_id bigint NOT NULL,
    currency text NOT NULL,
    fix_price_cents bigint NOT NULL,
    actor text NOT NULL,
    ip text,
    user_agent text,
    opened_at timestamptz NOT NULL,
    consent_withdrawn_at timestamptz,
    stripe_card_setup_id text,
    url text,
    expires_at timestamptz,
    payment_method_id bigint,
    ended_at timestamptz,
    CONSTRAINT card_setups_pkey PRIMARY KEY (customer_id, id),
    CONSTRAINT card_setups_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id),
    CONSTRAINT card_setups_version_fkey FOREIGN KEY (catalog_version_id) REFERENCES catalog_versions (id),
    CONSTRAINT card_setups_payment_method_fkey
        FOREIGN KEY (customer_id, payment_method_id) REFERENCES payment_methods (customer_id, id),
    CONSTRAINT card_setups_state_known CHECK (state IN ('open', 'completed', 'expired')),
    CONSTRAINT card_setups_ended_when_not_open CHECK ((state = 'open') = (ended_at IS NULL)),
    CONSTRAINT card_setups_known_whole CHECK ((stripe_card_setup_id IS NULL) = (url IS NULL)
        AND (stripe_card_setup_id IS NULL) = (expires_at IS NULL)),
    CONSTRAINT card_setups_completed_at_stripe CHECK (state <> 'completed' OR stripe_card_setup_id IS NOT NULL),
    CONSTRAINT card_setups_method_of_completed CHECK (payment_method_id IS NULL OR state = 'completed'),
    CONSTRAINT card_setups_price_positive CHECK (fix_price_cents > 0),
    CONSTRAINT card_setups_caller_key_sha256 CHECK (octet_length(caller_key_hash) = 32)
);
COMMENT ON TABLE card_setups IS 'Hosted pages on which a card is entered, each with the consent given on the way there.';
COMMENT ON COLUMN card_setups.key IS 'The idempotency key under which Stripe is asked for the page.';
COMMENT ON COLUMN card_setups.caller_key_hash IS 'Of the caller''s own idempotency key: a repeat leads to the same page.';
COMMENT ON COLUMN card_setups.fix_price_cents IS 'The highest price per fix that was named.';
COMMENT ON COLUMN card_setups.stripe_card_setup_id IS 'NULL until Stripe''s answer was stored.';
COMMENT ON COLUMN card_setups.payment_method_id IS 'NULL in one completed with something that is no card.';
CREATE INDEX card_setups_caller_key_idx ON card_setups (customer_id, caller_key_hash) WHERE caller_key_hash IS NOT NULL;
CREATE INDEX card_setups_open_idx ON card_setups (customer_id) WHERE state = 'open';

CREATE FUNCTION card_setups_keep_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.key, OLD.stripe_customer_id, OLD.text_version, OLD.catalog_version_id, OLD.currency, OLD.fix_price_cents,
        OLD.actor, OLD.ip, OLD.user_agent, OLD.opened_at)
       IS DISTINCT FROM
       (NEW.key, NEW.stripe_customer_id, NEW.text_version, NEW.catalog_version_id, NEW.currency, NEW.fix_price_cents,
        NEW.actor, NEW.ip, NEW.user_agent, NEW.opened_at)
       OR OLD.stripe_card_setup_id <> NEW.stripe_card_setup_id
    THEN
        RAISE EXCEPTION 'what card setup % was opened with stays', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER card_setups_keep_evidence BEFORE UPDATE ON card_setups
FOR EACH ROW EXECUTE FUNCTION card_setups_keep_evidence();
CREATE TRIGGER card_setups_end_once BEFORE UPDATE ON card_setups
FOR EACH ROW WHEN (OLD.state <> 'open') EXECUTE FUNCTION refuse_change_after_the_end();
CREATE TRIGGER card_setups_stay BEFORE DELETE OR TRUNCATE ON card_setups
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A look-up of its own: who comes back from Stripe's page, and Stripe's events, name Stripe's id only.
CREATE TABLE stripe_card_setups (
    stripe_card_setup_id text NOT NULL,
    customer_id bigint NOT NULL,
    card_setup_id bigint NOT NULL,
    CONSTRAINT stripe_card_setups_pkey PRIMARY KEY (stripe_card_setup_id),
    CONSTRAINT stripe_card_setups_card_setup_fkey
        FOREIGN KEY (customer_id, card_setup_id) REFERENCES card_setups (customer_id, id),
    CONSTRAINT stripe_card_setups_id_form CHECK (stripe_card_setup_id ~ '^cs_[0-9A-Za-z_]{1,250}$')
);
CREATE TRIGGER stripe_card_setups_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON stripe_card_setups
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE consents (
    customer_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    withdraws_consent_id bigint,
    text_version text,
    catalog_version_id bigint,
    currency text,
    fix_price_cents bigint,
    payment_method_id bigint,
    card_setup_id bigint,
    stripe_card_setup_id text,
    stripe_setup_intent_id text,
    stripe_mandate_id text,
    actor text NOT NULL,
    ip text,
    user_agent text,
    given_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT consents_pkey PRIMARY KEY (customer_id, id),
    CONSTRAINT consents_withdrawn_once UNIQUE (customer_id, withdraws_consent_id),
    CONSTRAINT consents_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id),
    CONSTRAINT consents_withdraws_fkey
        FOREIGN KEY (customer_id, withdraws_consent_id) REFERENCES consents (customer_id, id),
    CONSTRAINT consents_version_fkey FOREIGN KEY (catalog_version_id) REFERENCES catalog_versions (id),
    CONSTRAINT consents_payment_method_fkey
        FOREIGN KEY (customer_id, payment_method_id) REFERENCES payment_methods (customer_id, id),
    CONSTRAINT consents_card_setup_fkey
        FOREIGN KEY (customer_id, card_setup_id) REFERENCES card_setups (customer_id, id),
    CONSTRAINT consents_give_or_withdraw CHECK (
        num_nonnulls(text_version, catalog_version_id, currency, fix_price_cents, payment_method_id)
        = CASE WHEN withdraws_consent_id IS NULL THEN 5 ELSE 0 END
    ),
    CONSTRAINT consents_price_positive CHECK (fix_price_cents > 0),
    CONSTRAINT consents_currency_form CHECK (currency ~ '^[a-z]{3}$'),
    CONSTRAINT consents_actor_form CHECK (actor ~ '^(customer|operator|system)(:.{1,200})?$')
);
COMMENT ON TABLE consents IS 'Evidence: what was agreed to, when, from where, by whom. A withdrawal is another row that names the one it ends.';
COMMENT ON COLUMN consents.fix_price_cents IS 'The highest price per fix that was named: a charge above it is not covered.';
COMMENT ON COLUMN consents.given_at IS 'When the customer agreed or withdrew; recorded_at is when we wrote it down.';
CREATE TRIGGER consents_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON consents
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A look-up of its own, over all customers: a card earns the credits for adding it once, whoever adds it.
CREATE TABLE card_bonuses (
    fingerprint text NOT NULL,
    customer_id bigint NOT NULL,
    granted_at timestamptz NOT NULL,
    CONSTRAINT card_bonuses_pkey PRIMARY KEY (fingerprint),
    CONSTRAINT card_bonuses_once_per_customer UNIQUE (customer_id),
    CONSTRAINT card_bonuses_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id)
);
CREATE TRIGGER card_bonuses_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON card_bonuses
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

REVOKE UPDATE, DELETE ON consents, stripe_card_setups, card_bonuses FROM rsolv_app;
REVOKE DELETE ON payment_methods, card_setups FROM rsolv_app;
