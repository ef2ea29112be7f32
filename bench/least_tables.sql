CREATE TABLE least_accounts (
    customer_id bigint PRIMARY KEY,
    balance bigint NOT NULL CHECK (balance >= 0)
) WITH (fillfactor = 70);
CREATE TABLE least_keys (
    customer_id bigint NOT NULL,
    key bigint NOT NULL,
    PRIMARY KEY (customer_id, key)
);
CREATE TABLE least_ledger (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL,
    amount bigint NOT NULL,
    balance_after bigint NOT NULL,
    posted_at timestamptz NOT NULL DEFAULT now()
);
