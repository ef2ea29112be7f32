SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

CREATE TABLE spending_caps (
    customer_id bigint NOT NULL,
    monthly_cap_cents bigint,
    currency text,
    set_at timestamptz,
    CONSTRAINT spending_caps_pkey PRIMARY KEY (customer_id),
    CONSTRAINT spending_caps_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id),
    CONSTRAINT spending_caps_not_negative CHECK (monthly_cap_cents >= 0),
    CONSTRAINT spending_caps_currency_form CHECK (currency ~ '^[a-z]{3}$'),
    CONSTRAINT spending_caps_in_a_currency CHECK ((monthly_cap_cents IS NULL) = (currency IS NULL))
);
COMMENT ON TABLE spending_caps IS 'The most a customer lets us charge in a calendar month (UTC); the row is also the lock under which charges are armed.';
COMMENT ON COLUMN spending_caps.monthly_cap_cents IS 'NULL: no cap.';

-- Asked with every charge: what a customer was charged lately, and what is under way.
-- squawk-ignore require-concurrent-index-creation -- inside a transaction there is no other way, and the table is new
CREATE INDEX charge_intents_settled_idx ON charge_intents (customer_id, settled_at) WHERE settled_at IS NOT NULL;
-- squawk-ignore require-concurrent-index-creation -- as above
CREATE INDEX charge_intents_under_way_idx ON charge_intents (customer_id)
WHERE state IN ('confirming', 'requires_action', 'unknown');

REVOKE DELETE ON spending_caps FROM rsolv_app;
