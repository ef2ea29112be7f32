SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

-- Long form: docs/decisions/0017-reconciliation.md.
CREATE TABLE reconciliation_runs (
    id bigint GENERATED ALWAYS AS IDENTITY,
    scope text NOT NULL,
    since timestamptz NOT NULL,
    began_at timestamptz NOT NULL,
    ended_at timestamptz,
    stopped_by text,
    compared bigint NOT NULL DEFAULT 0,
    settled bigint NOT NULL DEFAULT 0,
    rebuilt bigint NOT NULL DEFAULT 0,
    differing bigint NOT NULL DEFAULT 0,
    CONSTRAINT reconciliation_runs_pkey PRIMARY KEY (id),
    CONSTRAINT reconciliation_runs_scope_known CHECK (scope IN ('hour', 'day', 'restore', 'asked')),
    CONSTRAINT reconciliation_runs_counts CHECK (
        settled >= 0 AND rebuilt >= 0 AND differing >= 0 AND compared >= settled + rebuilt + differing
    ),
    CONSTRAINT reconciliation_runs_stopped_is_over CHECK (stopped_by IS NULL OR ended_at IS NOT NULL)
);
COMMENT ON TABLE reconciliation_runs IS 'Each comparison of everything at Stripe with everything here, and what it came to.';
COMMENT ON COLUMN reconciliation_runs.stopped_by IS 'What kept it from its end. NULL with ended_at: everything was compared.';
CREATE INDEX reconciliation_runs_ended_idx ON reconciliation_runs (ended_at) WHERE stopped_by IS NULL;

CREATE TABLE discrepancies (
    id bigint GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL,
    class text NOT NULL,
    stripe_object_id text NOT NULL,
    customer_id bigint,
    ours text NOT NULL,
    theirs text NOT NULL,
    amount_cents bigint NOT NULL,
    currency text,
    found_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    closed_at timestamptz,
    closed_by text,
    close_reason text,
    CONSTRAINT discrepancies_pkey PRIMARY KEY (id),
    CONSTRAINT discrepancies_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id),
    CONSTRAINT discrepancies_kind_known CHECK (kind IN ('payment', 'refund', 'dispute', 'invoice', 'subscription')),
    CONSTRAINT discrepancies_class_known CHECK (
        class IN ('missing_here', 'missing_there', 'amount', 'currency', 'owner', 'duplicate', 'stale')
    ),
    CONSTRAINT discrepancies_object_form CHECK (stripe_object_id ~ '^[0-9A-Za-z_]{1,255}$'),
    CONSTRAINT discrepancies_amount_not_negative CHECK (amount_cents >= 0),
    CONSTRAINT discrepancies_closed_whole CHECK (num_nonnulls(closed_at, closed_by, close_reason) IN (0, 3)),
    CONSTRAINT discrepancies_reason_length CHECK (length(close_reason) BETWEEN 1 AND 500)
);
COMMENT ON TABLE discrepancies IS 'What Stripe and we say differently and nothing of ours may settle by itself: somebody looks.';
COMMENT ON COLUMN discrepancies.amount_cents IS 'The money that may be wrong.';
COMMENT ON COLUMN discrepancies.seen_at IS 'When it was last compared and still differed.';
CREATE UNIQUE INDEX discrepancies_open_once ON discrepancies (kind, class, stripe_object_id) WHERE closed_at IS NULL;
CREATE INDEX discrepancies_object_idx ON discrepancies (stripe_object_id);

CREATE FUNCTION discrepancies_obey() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.closed_at IS NOT NULL
       OR (OLD.id, OLD.kind, OLD.class, OLD.stripe_object_id, OLD.found_at)
          IS DISTINCT FROM (NEW.id, NEW.kind, NEW.class, NEW.stripe_object_id, NEW.found_at)
       OR NEW.seen_at < OLD.seen_at THEN
        RAISE EXCEPTION 'discrepancy % may only be seen again, or closed, once', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER discrepancies_obey BEFORE UPDATE ON discrepancies FOR EACH ROW EXECUTE FUNCTION discrepancies_obey();
CREATE TRIGGER discrepancies_stay BEFORE DELETE OR TRUNCATE ON discrepancies
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Nothing is charged or given back in a restored database before it has been compared with Stripe.
CREATE TABLE restores (
    id bigint GENERATED ALWAYS AS IDENTITY,
    backup_made_at timestamptz NOT NULL,
    restored_at timestamptz NOT NULL,
    reconciled_at timestamptz,
    CONSTRAINT restores_pkey PRIMARY KEY (id),
    CONSTRAINT restores_reconciled_afterwards CHECK (reconciled_at >= restored_at)
);
COMMENT ON TABLE restores IS 'That this database is a copy of an earlier time, and when that had been made good.';
CREATE INDEX restores_awaited_idx ON restores (id) WHERE reconciled_at IS NULL;
CREATE TRIGGER restores_stay BEFORE DELETE OR TRUNCATE ON restores
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE charge_intents ADD COLUMN rebuilt_at timestamptz;
COMMENT ON COLUMN charge_intents.rebuilt_at IS 'When it was made anew from what stands on its payment at Stripe, since this database had lost it.';

REVOKE DELETE ON reconciliation_runs, discrepancies, restores FROM rsolv_app;
