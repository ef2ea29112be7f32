SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

CREATE TABLE api_keys (
    customer_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    prefix text NOT NULL,
    last_four text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    replaces_api_key_id bigint,
    last_used_at timestamptz,
    CONSTRAINT api_keys_pkey PRIMARY KEY (customer_id, id),
    CONSTRAINT api_keys_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id),
    CONSTRAINT api_keys_replaces_fkey
        FOREIGN KEY (customer_id, replaces_api_key_id) REFERENCES api_keys (customer_id, id),
    CONSTRAINT api_keys_name_length CHECK (length(name) BETWEEN 1 AND 100),
    CONSTRAINT api_keys_shown_parts CHECK (length(prefix) = 11 AND length(last_four) = 4)
);
COMMENT ON COLUMN api_keys.last_used_at IS 'Coarse: written about once a minute, never on the path of a request.';

CREATE TABLE api_key_hashes (
    key_hash bytea NOT NULL,
    customer_id bigint NOT NULL,
    api_key_id bigint NOT NULL,
    CONSTRAINT api_key_hashes_pkey PRIMARY KEY (key_hash),
    CONSTRAINT api_key_hashes_key_fkey FOREIGN KEY (customer_id, api_key_id) REFERENCES api_keys (customer_id, id),
    CONSTRAINT api_key_hashes_sha256 CHECK (octet_length(key_hash) = 32)
);
COMMENT ON TABLE api_key_hashes IS 'SHA-256 of the whole key; the key itself is nowhere.';
CREATE INDEX api_key_hashes_key_idx ON api_key_hashes (customer_id, api_key_id);

CREATE FUNCTION notify_api_key_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('authentication_changed', 'key ' || OLD.id);
    RETURN NULL;
END $$;
CREATE TRIGGER api_keys_notify_change
AFTER DELETE OR UPDATE OF name, expires_at, revoked_at ON api_keys
FOR EACH ROW EXECUTE FUNCTION notify_api_key_change();
