SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

-- A look-up of its own: events name Stripe's id only, and one of theirs is one of ours for ever.
CREATE TABLE stripe_customers (
    stripe_customer_id text NOT NULL,
    customer_id bigint NOT NULL,
    stripe_request_id text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT stripe_customers_pkey PRIMARY KEY (stripe_customer_id),
    CONSTRAINT stripe_customers_customer_key UNIQUE (customer_id),
    CONSTRAINT stripe_customers_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id),
    CONSTRAINT stripe_customers_id_form CHECK (stripe_customer_id ~ '^cus_[0-9A-Za-z]{1,250}$')
);
COMMENT ON COLUMN stripe_customers.stripe_request_id IS 'The request that made it or found it, for a talk with Stripe''s support.';
CREATE TRIGGER stripe_customers_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON stripe_customers
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
REVOKE UPDATE, DELETE ON stripe_customers FROM rsolv_app;
