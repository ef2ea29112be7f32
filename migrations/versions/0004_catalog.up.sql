SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

CREATE TABLE catalog_versions (
    id bigint GENERATED ALWAYS AS IDENTITY,
    effective_at timestamptz NOT NULL,
    currency text NOT NULL,
    low_credits bigint NOT NULL,
    last_credits bigint NOT NULL,
    fingerprint text NOT NULL,
    applied_at timestamptz NOT NULL,
    CONSTRAINT catalog_versions_pkey PRIMARY KEY (id),
    CONSTRAINT catalog_versions_fingerprint_form CHECK (fingerprint ~ '^[0-9a-f]{64}$'),
    CONSTRAINT catalog_versions_currency_form CHECK (currency ~ '^[a-z]{3}$'),
    CONSTRAINT catalog_versions_warnings_ordered CHECK (low_credits >= last_credits AND last_credits >= 1)
);
COMMENT ON COLUMN catalog_versions.effective_at IS 'New customers are pinned to the latest version in effect.';
COMMENT ON COLUMN catalog_versions.low_credits IS 'At this balance or below a customer is warned.';
COMMENT ON COLUMN catalog_versions.last_credits IS 'At this balance or below the warning is stronger.';

CREATE TABLE catalog_plans (
    version_id bigint NOT NULL,
    plan text NOT NULL,
    kind text NOT NULL,
    label text NOT NULL,
    monthly_price_cents bigint,
    fix_price_cents bigint,
    signup_credits bigint NOT NULL DEFAULT 0,
    payment_method_credits bigint NOT NULL DEFAULT 0,
    period_credits bigint NOT NULL DEFAULT 0,
    CONSTRAINT catalog_plans_pkey PRIMARY KEY (version_id, plan),
    CONSTRAINT catalog_plans_version_fkey FOREIGN KEY (version_id) REFERENCES catalog_versions (id),
    CONSTRAINT catalog_plans_plan_form CHECK (plan ~ '^[a-z][a-z0-9_]{0,39}$'),
    CONSTRAINT catalog_plans_kind_known CHECK (kind IN ('trial', 'pay_as_you_go', 'subscription')),
    CONSTRAINT catalog_plans_amounts_positive CHECK (
        monthly_price_cents > 0 AND fix_price_cents > 0
        AND signup_credits >= 0 AND payment_method_credits >= 0 AND period_credits >= 0
    ),
    CONSTRAINT catalog_plans_prices_fit_kind CHECK (
        CASE kind
            WHEN 'trial' THEN monthly_price_cents IS NULL AND fix_price_cents IS NULL
            WHEN 'pay_as_you_go' THEN monthly_price_cents IS NULL AND fix_price_cents IS NOT NULL
            ELSE monthly_price_cents IS NOT NULL AND fix_price_cents IS NOT NULL
        END
    )
);
COMMENT ON COLUMN catalog_plans.fix_price_cents IS 'Charged for a fix once the credits are gone; a trial has none of its own.';
-- A version speaks of one trial and of one price for paying as you go.
CREATE UNIQUE INDEX catalog_plans_one_trial ON catalog_plans (version_id) WHERE kind = 'trial';
CREATE UNIQUE INDEX catalog_plans_one_pay_as_you_go ON catalog_plans (version_id) WHERE kind = 'pay_as_you_go';

CREATE TABLE catalog_pins (
    customer_id bigint NOT NULL,
    version_id bigint NOT NULL,
    pinned_at timestamptz NOT NULL,
    CONSTRAINT catalog_pins_pkey PRIMARY KEY (customer_id),
    CONSTRAINT catalog_pins_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id),
    CONSTRAINT catalog_pins_version_fkey FOREIGN KEY (version_id) REFERENCES catalog_versions (id)
);
COMMENT ON TABLE catalog_pins IS 'The version a customer agreed to; it changes only when they agree to another.';

CREATE TRIGGER catalog_versions_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON catalog_versions
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER catalog_plans_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON catalog_plans
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
REVOKE UPDATE, DELETE ON catalog_versions, catalog_plans FROM rsolv_app;
