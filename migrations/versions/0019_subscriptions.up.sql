SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

-- Long form: docs/decisions/0014-subscriptions.md.
CREATE TABLE subscriptions (
    customer_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    nonce text NOT NULL DEFAULT replace(gen_random_uuid()::text, '-', ''),
    plan text NOT NULL,
    catalog_version_id bigint NOT NULL,
    price_cents bigint NOT NULL,
    currency text NOT NULL,
    period_credits bigint NOT NULL,
    stripe_customer_id text NOT NULL,
    stripe_price_id text NOT NULL,
    payment_method_id bigint NOT NULL,
    text_version text NOT NULL,
    consent_id bigint NOT NULL,
    actor text NOT NULL,
    ip text,
    user_agent text,
    caller_key_hash bytea,
    asked_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'opening',
    version bigint NOT NULL DEFAULT 0,
    lease_until timestamptz,
    look_at timestamptz,
    refused_code text,
    stripe_subscription_id text,
    period_starts_at timestamptz,
    period_ends_at timestamptz,
    cancel_at timestamptz,
    cancel_at_period_end boolean NOT NULL DEFAULT false,
    canceled_at timestamptz,
    latest_invoice_id text,
    action_url text,
    started_at timestamptz,
    past_due_since timestamptz,
    churned_at timestamptz,
    ended_at timestamptz,
    CONSTRAINT subscriptions_pkey PRIMARY KEY (customer_id, id),
    CONSTRAINT subscriptions_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id),
    CONSTRAINT subscriptions_version_fkey FOREIGN KEY (catalog_version_id) REFERENCES catalog_versions (id),
    CONSTRAINT subscriptions_payment_method_fkey
        FOREIGN KEY (customer_id, payment_method_id) REFERENCES payment_methods (customer_id, id),
    CONSTRAINT subscriptions_consent_fkey FOREIGN KEY (customer_id, consent_id) REFERENCES consents (customer_id, id),
    CONSTRAINT subscriptions_nonce_form CHECK (nonce ~ '^[0-9a-f]{32}$'),
    CONSTRAINT subscriptions_price_positive CHECK (price_cents > 0 AND period_credits >= 0),
    CONSTRAINT subscriptions_currency_form CHECK (currency ~ '^[a-z]{3}$'),
    CONSTRAINT subscriptions_caller_key_sha256 CHECK (octet_length(caller_key_hash) = 32),
    CONSTRAINT subscriptions_stripe_id_form CHECK (stripe_subscription_id ~ '^sub_[0-9A-Za-z_]{1,250}$'),
    CONSTRAINT subscriptions_state_known CHECK (
        state IN ('opening', 'refused', 'incomplete', 'incomplete_expired', 'trialing', 'active', 'past_due', 'unpaid',
                  'paused', 'canceled')
    ),
    CONSTRAINT subscriptions_known_at_stripe CHECK (
        state IN ('opening', 'refused') OR stripe_subscription_id IS NOT NULL
    ),
    CONSTRAINT subscriptions_refused_at_stripe CHECK (
        state <> 'refused' OR (stripe_subscription_id IS NULL AND refused_code IS NOT NULL)
    ),
    CONSTRAINT subscriptions_ended_with_time CHECK (
        (state IN ('canceled', 'incomplete_expired', 'refused')) = (ended_at IS NOT NULL)
    ),
    -- Somebody looks at it again, or it has ended.
    CONSTRAINT subscriptions_never_forgotten CHECK (ended_at IS NOT NULL OR look_at IS NOT NULL),
    CONSTRAINT subscriptions_past_due_since CHECK (state NOT IN ('past_due', 'unpaid') OR past_due_since IS NOT NULL)
);
COMMENT ON TABLE subscriptions IS 'Standing purchases, each asked for here and then as Stripe says.';
COMMENT ON COLUMN subscriptions.version IS 'Rises with every word of Stripe''s that was applied: who read before that comes too late.';
COMMENT ON COLUMN subscriptions.lease_until IS 'Until when one process alone may be asking Stripe to open it.';
COMMENT ON COLUMN subscriptions.look_at IS 'When Stripe is asked again, whether or not an event arrives.';
COMMENT ON COLUMN subscriptions.text_version IS 'The wording agreed to for the monthly price; consent_id is the one for the fixes beyond the credits.';
-- What may still be charged, or may become so: one per customer.
CREATE UNIQUE INDEX subscriptions_one_live ON subscriptions (customer_id)
WHERE state NOT IN ('canceled', 'incomplete_expired', 'refused');
CREATE INDEX subscriptions_look_idx ON subscriptions (look_at) WHERE look_at IS NOT NULL;

CREATE TABLE subscription_attempts (
    customer_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    subscription_id bigint NOT NULL,
    number bigint NOT NULL,
    key text NOT NULL,
    sent_at timestamptz NOT NULL,
    tries bigint NOT NULL DEFAULT 1,
    outcome text,
    stripe_request_id text,
    answered_at timestamptz,
    CONSTRAINT subscription_attempts_pkey PRIMARY KEY (customer_id, id),
    CONSTRAINT subscription_attempts_once UNIQUE (customer_id, subscription_id, number),
    CONSTRAINT subscription_attempts_subscription_fkey
        FOREIGN KEY (customer_id, subscription_id) REFERENCES subscriptions (customer_id, id),
    CONSTRAINT subscription_attempts_outcome_known CHECK (
        outcome IN ('made', 'refused', 'not_executed', 'unknown', 'server_error')
    ),
    CONSTRAINT subscription_attempts_answered_with_outcome CHECK ((outcome IS NULL) = (answered_at IS NULL))
);
COMMENT ON TABLE subscription_attempts IS 'A call that may open a subscription and take its first payment, written down before it is made.';

-- A look-up of its own: events name Stripe's id only.
CREATE TABLE stripe_subscriptions (
    stripe_subscription_id text NOT NULL,
    customer_id bigint NOT NULL,
    subscription_id bigint NOT NULL,
    CONSTRAINT stripe_subscriptions_pkey PRIMARY KEY (stripe_subscription_id),
    CONSTRAINT stripe_subscriptions_subscription_key UNIQUE (customer_id, subscription_id),
    CONSTRAINT stripe_subscriptions_subscription_fkey
        FOREIGN KEY (customer_id, subscription_id) REFERENCES subscriptions (customer_id, id)
);

CREATE TABLE subscription_invoices (
    customer_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    subscription_id bigint NOT NULL,
    stripe_invoice_id text NOT NULL,
    state text NOT NULL,
    billing_reason text,
    number text,
    currency text NOT NULL,
    total_cents bigint NOT NULL,
    amount_due_cents bigint NOT NULL,
    amount_paid_cents bigint NOT NULL,
    attempt_count bigint NOT NULL,
    next_attempt_at timestamptz,
    hosted_url text,
    pdf_url text,
    created_at timestamptz NOT NULL,
    money_posting_id bigint,
    paid_at timestamptz,
    CONSTRAINT subscription_invoices_pkey PRIMARY KEY (customer_id, id),
    CONSTRAINT subscription_invoices_once UNIQUE (customer_id, stripe_invoice_id),
    CONSTRAINT subscription_invoices_subscription_fkey
        FOREIGN KEY (customer_id, subscription_id) REFERENCES subscriptions (customer_id, id),
    CONSTRAINT subscription_invoices_money_fkey
        FOREIGN KEY (customer_id, money_posting_id) REFERENCES ledger_postings (customer_id, id),
    CONSTRAINT subscription_invoices_state_known CHECK (state IN ('draft', 'open', 'paid', 'uncollectible', 'void')),
    CONSTRAINT subscription_invoices_id_form CHECK (stripe_invoice_id ~ '^in_[0-9A-Za-z_]{1,250}$'),
    CONSTRAINT subscription_invoices_currency_form CHECK (currency ~ '^[a-z]{3}$'),
    CONSTRAINT subscription_invoices_paid_with_time CHECK ((state = 'paid') = (paid_at IS NOT NULL)),
    CONSTRAINT subscription_invoices_posted_when_paid CHECK (
        (money_posting_id IS NOT NULL) = (state = 'paid' AND amount_paid_cents > 0)
    )
);
COMMENT ON TABLE subscription_invoices IS 'Stripe''s invoices of subscriptions, as last read; paid ones with the posting of their money.';

CREATE TABLE subscription_invoice_lines (
    customer_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    invoice_id bigint NOT NULL,
    stripe_line_id text NOT NULL,
    amount_cents bigint NOT NULL,
    currency text NOT NULL,
    quantity bigint,
    stripe_price_id text,
    is_proration boolean NOT NULL,
    period_starts_at timestamptz NOT NULL,
    period_ends_at timestamptz NOT NULL,
    credits bigint NOT NULL DEFAULT 0,
    credits_posting_id bigint,
    CONSTRAINT subscription_invoice_lines_pkey PRIMARY KEY (customer_id, id),
    CONSTRAINT subscription_invoice_lines_once UNIQUE (customer_id, stripe_line_id),
    CONSTRAINT subscription_invoice_lines_invoice_fkey
        FOREIGN KEY (customer_id, invoice_id) REFERENCES subscription_invoices (customer_id, id),
    CONSTRAINT subscription_invoice_lines_credits_fkey
        FOREIGN KEY (customer_id, credits_posting_id) REFERENCES ledger_postings (customer_id, id),
    CONSTRAINT subscription_invoice_lines_credited_whole CHECK (
        credits >= 0 AND (credits > 0) = (credits_posting_id IS NOT NULL)
    )
);
CREATE INDEX subscription_invoice_lines_invoice_idx ON subscription_invoice_lines (customer_id, invoice_id);
COMMENT ON TABLE subscription_invoice_lines IS 'What a finalised invoice bills, line by line, and the credits that a line brought.';

CREATE FUNCTION subscriptions_obey() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.id, OLD.customer_id, OLD.nonce, OLD.plan, OLD.catalog_version_id, OLD.price_cents, OLD.currency,
        OLD.period_credits, OLD.stripe_customer_id, OLD.stripe_price_id, OLD.text_version, OLD.consent_id, OLD.actor,
        OLD.ip, OLD.user_agent, OLD.asked_at)
       IS DISTINCT FROM
       (NEW.id, NEW.customer_id, NEW.nonce, NEW.plan, NEW.catalog_version_id, NEW.price_cents, NEW.currency,
        NEW.period_credits, NEW.stripe_customer_id, NEW.stripe_price_id, NEW.text_version, NEW.consent_id, NEW.actor,
        NEW.ip, NEW.user_agent, NEW.asked_at)
       OR (OLD.stripe_subscription_id IS NOT NULL
           AND OLD.stripe_subscription_id IS DISTINCT FROM NEW.stripe_subscription_id)
       OR OLD.started_at <> NEW.started_at THEN
        RAISE EXCEPTION 'what subscription % was asked with stays', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.version < OLD.version OR (OLD.state <> 'opening' AND NEW.state IN ('opening', 'refused') AND NEW.state <> OLD.state)
    THEN
        RAISE EXCEPTION 'subscription % does not go back', OLD.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER subscriptions_obey BEFORE UPDATE ON subscriptions
FOR EACH ROW EXECUTE FUNCTION subscriptions_obey();
-- A deletion wins over every late update. One that was given up may yet turn out to be there.
CREATE TRIGGER subscriptions_end_once BEFORE UPDATE ON subscriptions
FOR EACH ROW WHEN (OLD.state IN ('canceled', 'incomplete_expired') AND NEW.state IS DISTINCT FROM OLD.state)
EXECUTE FUNCTION refuse_change_after_the_end();

CREATE FUNCTION subscription_invoices_obey() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF array_position(ARRAY['draft', 'open', 'uncollectible', 'paid'], replace(NEW.state, 'void', 'paid'))
       < array_position(ARRAY['draft', 'open', 'uncollectible', 'paid'], replace(OLD.state, 'void', 'paid'))
       OR (OLD.state IN ('paid', 'void') AND NEW.state <> OLD.state)
       OR NEW.attempt_count < OLD.attempt_count
       OR OLD.money_posting_id <> NEW.money_posting_id
       OR (OLD.id, OLD.customer_id, OLD.subscription_id, OLD.stripe_invoice_id, OLD.created_at)
          IS DISTINCT FROM (NEW.id, NEW.customer_id, NEW.subscription_id, NEW.stripe_invoice_id, NEW.created_at)
       OR (OLD.state = 'paid' AND NEW.amount_paid_cents <> OLD.amount_paid_cents) THEN
        RAISE EXCEPTION 'invoice % does not go back', OLD.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER subscription_invoices_obey BEFORE UPDATE ON subscription_invoices
FOR EACH ROW EXECUTE FUNCTION subscription_invoices_obey();

CREATE FUNCTION subscription_invoice_lines_obey() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.credits_posting_id IS NOT NULL
       OR to_jsonb(OLD) - 'credits' - 'credits_posting_id' <> to_jsonb(NEW) - 'credits' - 'credits_posting_id' THEN
        RAISE EXCEPTION 'invoice line % may only bring its credits, once', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER subscription_invoice_lines_obey BEFORE UPDATE ON subscription_invoice_lines
FOR EACH ROW EXECUTE FUNCTION subscription_invoice_lines_obey();

CREATE TRIGGER subscriptions_stay BEFORE DELETE OR TRUNCATE ON subscriptions
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER subscription_attempts_stay BEFORE DELETE OR TRUNCATE ON subscription_attempts
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER stripe_subscriptions_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON stripe_subscriptions
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER subscription_invoices_stay BEFORE DELETE OR TRUNCATE ON subscription_invoices
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER subscription_invoice_lines_stay BEFORE DELETE OR TRUNCATE ON subscription_invoice_lines
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

REVOKE DELETE ON subscriptions, subscription_attempts, subscription_invoices, subscription_invoice_lines FROM rsolv_app;
REVOKE UPDATE, DELETE ON stripe_subscriptions FROM rsolv_app;
