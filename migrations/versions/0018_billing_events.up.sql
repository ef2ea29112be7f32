SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

-- Long form: docs/decisions/0013-billing-events.md. Stripe's id is unique for ever, so no row is ever deleted.
CREATE TABLE billing_events (
    id bigint GENERATED ALWAYS AS IDENTITY,
    stripe_event_id text NOT NULL,
    type text NOT NULL,
    api_version text,
    is_thin boolean NOT NULL,
    livemode boolean NOT NULL,
    happened_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    source text NOT NULL,
    object_id text,
    object_kind text,
    stripe_customer_id text,
    amount_cents bigint,
    currency text,
    payload text,
    customer_id bigint,
    outcome text NOT NULL DEFAULT 'waiting',
    reason text,
    attempts bigint NOT NULL DEFAULT 0,
    failures bigint NOT NULL DEFAULT 0,
    wake_at timestamptz,
    handled_at timestamptz,
    duration_ms bigint,
    CONSTRAINT billing_events_pkey PRIMARY KEY (id),
    CONSTRAINT billing_events_once UNIQUE (stripe_event_id),
    CONSTRAINT billing_events_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id),
    CONSTRAINT billing_events_id_form CHECK (stripe_event_id ~ '^[0-9A-Za-z_]{1,255}$'),
    CONSTRAINT billing_events_type_form CHECK (type ~ '^[0-9A-Za-z_.]{1,255}$'),
    CONSTRAINT billing_events_source_known CHECK (source IN ('webhook', 'poll')),
    CONSTRAINT billing_events_outcome_known CHECK (outcome IN ('waiting', 'processed', 'ignored', 'parked')),
    CONSTRAINT billing_events_reason_form CHECK (reason ~ '^[0-9A-Za-z_]{1,60}$'),
    -- What waits goes on by itself; what was ignored or parked says why.
    CONSTRAINT billing_events_never_forgotten CHECK ((outcome = 'waiting') = (wake_at IS NOT NULL)),
    CONSTRAINT billing_events_ended_with_a_time CHECK (outcome = 'waiting' OR handled_at IS NOT NULL),
    CONSTRAINT billing_events_says_why CHECK (outcome NOT IN ('ignored', 'parked') OR reason IS NOT NULL),
    CONSTRAINT billing_events_attempts_not_negative CHECK (attempts >= failures AND failures >= 0)
);
COMMENT ON TABLE billing_events IS 'The inbox of Stripe''s events: each stored once, before anything is done about it.';
COMMENT ON COLUMN billing_events.happened_at IS 'By Stripe''s clock, to the second.';
COMMENT ON COLUMN billing_events.amount_cents IS 'As the event says: a hint, like all of it. Money is read from Stripe by the object''s id.';
COMMENT ON COLUMN billing_events.payload IS 'The exact text. NULL: erased, since it may name a person.';
COMMENT ON COLUMN billing_events.reason IS 'Why it was ignored or parked; of a waiting one, what went wrong last.';
COMMENT ON COLUMN billing_events.failures IS 'Attempts that count towards parking: not those when somebody else''s system was away.';
CREATE INDEX billing_events_wake_idx ON billing_events (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX billing_events_parked_idx ON billing_events (id) WHERE outcome = 'parked';
CREATE INDEX billing_events_type_idx ON billing_events (type, id);
CREATE INDEX billing_events_customer_idx ON billing_events (customer_id, id) WHERE customer_id IS NOT NULL;

CREATE FUNCTION billing_events_keep_what_came() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.stripe_event_id, OLD.type, OLD.api_version, OLD.is_thin, OLD.livemode, OLD.happened_at, OLD.received_at,
        OLD.source, OLD.object_id, OLD.object_kind, OLD.stripe_customer_id, OLD.amount_cents, OLD.currency)
       IS DISTINCT FROM
       (NEW.stripe_event_id, NEW.type, NEW.api_version, NEW.is_thin, NEW.livemode, NEW.happened_at, NEW.received_at,
        NEW.source, NEW.object_id, NEW.object_kind, NEW.stripe_customer_id, NEW.amount_cents, NEW.currency)
       OR (NEW.payload IS NOT NULL AND NEW.payload IS DISTINCT FROM OLD.payload)
    THEN
        RAISE EXCEPTION 'what came as billing event % stays', OLD.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER billing_events_keep_what_came BEFORE UPDATE ON billing_events
FOR EACH ROW EXECUTE FUNCTION billing_events_keep_what_came();
CREATE TRIGGER billing_events_stay BEFORE DELETE OR TRUNCATE ON billing_events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE billing_event_polls (
    is_only boolean NOT NULL DEFAULT true,
    listed_until timestamptz NOT NULL,
    CONSTRAINT billing_event_polls_pkey PRIMARY KEY (is_only),
    CONSTRAINT billing_event_polls_one_row CHECK (is_only)
);
COMMENT ON TABLE billing_event_polls IS 'Up to when, by Stripe''s clock, all events have been listed.';

-- A look-up of its own: an event names Stripe's id only, and of a detached card not even whose it was.
CREATE TABLE stripe_payment_methods (
    stripe_payment_method_id text NOT NULL,
    customer_id bigint NOT NULL,
    payment_method_id bigint NOT NULL,
    CONSTRAINT stripe_payment_methods_pkey PRIMARY KEY (stripe_payment_method_id),
    CONSTRAINT stripe_payment_methods_method_fkey
        FOREIGN KEY (customer_id, payment_method_id) REFERENCES payment_methods (customer_id, id)
);
INSERT INTO stripe_payment_methods (stripe_payment_method_id, customer_id, payment_method_id)
SELECT stripe_payment_method_id, customer_id, id FROM payment_methods ON CONFLICT DO NOTHING;
CREATE TRIGGER stripe_payment_methods_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON stripe_payment_methods
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

REVOKE DELETE ON billing_events, billing_event_polls FROM rsolv_app;
REVOKE UPDATE, DELETE ON stripe_payment_methods FROM rsolv_app;
