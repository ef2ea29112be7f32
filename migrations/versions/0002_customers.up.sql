SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

CREATE TABLE customers (
    id bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    email text NOT NULL,
    subscription_type text NOT NULL,
    subscription_state text,
    source text NOT NULL,
    utm_source text,
    utm_medium text,
    utm_campaign text,
    utm_content text,
    auto_provisioned boolean NOT NULL,
    created_at timestamptz NOT NULL,
    first_scan_at timestamptz,
    deactivated_at timestamptz,
    CONSTRAINT customers_pkey PRIMARY KEY (id),
    CONSTRAINT customers_name_length CHECK (length(name) BETWEEN 1 AND 200),
    CONSTRAINT customers_email_length CHECK (length(email) BETWEEN 3 AND 254),
    CONSTRAINT customers_subscription_type_form CHECK (subscription_type ~ '^[a-z][a-z0-9_]{0,39}$'),
    CONSTRAINT customers_subscription_state_known CHECK (
        subscription_state IN ('active', 'past_due', 'canceled', 'unpaid', 'incomplete', 'trialing', 'paused')
    ),
    CONSTRAINT customers_source_known CHECK (source IN ('direct', 'gh_marketplace', 'early_access'))
);
COMMENT ON TABLE customers IS 'Who holds keys and credits and whom we bill.';
COMMENT ON COLUMN customers.subscription_type IS 'The name of a plan in the customer''s catalogue version.';

-- A look-up of its own, so that an address stays unique when customers are spread over nodes by id.
CREATE TABLE customer_emails (
    email_folded text NOT NULL,
    customer_id bigint NOT NULL,
    CONSTRAINT customer_emails_pkey PRIMARY KEY (email_folded),
    CONSTRAINT customer_emails_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id)
);
CREATE INDEX customer_emails_customer_idx ON customer_emails (customer_id);
COMMENT ON COLUMN customer_emails.email_folded IS 'The address case-folded: no two customers share one.';

CREATE TABLE customer_onboarding_events (
    customer_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    event_type text NOT NULL,
    status text NOT NULL,
    occurred_at timestamptz NOT NULL,
    CONSTRAINT customer_onboarding_events_pkey PRIMARY KEY (customer_id, id),
    CONSTRAINT customer_onboarding_events_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id),
    CONSTRAINT customer_onboarding_events_type_known CHECK (
        event_type IN ('customer_created', 'api_key_generated', 'credits_allocated', 'stripe_customer_promised',
                       'emails_promised', 'stripe_customer_created', 'email_sent')
    ),
    CONSTRAINT customer_onboarding_events_status_known CHECK (status IN ('success', 'failed', 'retrying'))
);

CREATE FUNCTION notify_customer_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('authentication_changed', 'customer ' || OLD.id);
    RETURN NULL;
END $$;

-- Every process holds authenticated keys in memory; this is how it hears that one may be stale.
CREATE TRIGGER customers_notify_change
AFTER DELETE OR UPDATE OF name, email, subscription_type, subscription_state, deactivated_at ON customers
FOR EACH ROW EXECUTE FUNCTION notify_customer_change();
