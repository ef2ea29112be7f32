SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

CREATE TABLE idempotent_answers (
    scope text NOT NULL,
    key_hash bytea NOT NULL,
    id uuid NOT NULL,
    fingerprint bytea NOT NULL,
    status bigint NOT NULL,
    sealed_body bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    CONSTRAINT idempotent_answers_pkey PRIMARY KEY (scope, key_hash),
    CONSTRAINT idempotent_answers_sha256 CHECK (octet_length(key_hash) = 32 AND octet_length(fingerprint) = 32)
);
COMMENT ON COLUMN idempotent_answers.sealed_body IS 'Opens only with our master key and the caller''s own key, which is not kept.';
CREATE INDEX idempotent_answers_expiry_idx ON idempotent_answers (expires_at);

CREATE TABLE audit_entries (
    id bigint GENERATED ALWAYS AS IDENTITY,
    customer_id bigint,
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    facts jsonb NOT NULL,
    occurred_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT audit_entries_pkey PRIMARY KEY (id),
    CONSTRAINT audit_entries_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id),
    CONSTRAINT audit_entries_action_form CHECK (action ~ '^[a-z_]+:[a-z_]+$'),
    CONSTRAINT audit_entries_actor_form CHECK (actor ~ '^(customer|operator|system)(:.{1,200})?$')
);
CREATE INDEX audit_entries_customer_idx ON audit_entries (customer_id, id);
CREATE TRIGGER audit_entries_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
REVOKE UPDATE, DELETE ON audit_entries FROM rsolv_app;
