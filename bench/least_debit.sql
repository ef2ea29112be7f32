-- The least a durable debit can be: once per key, never below zero, and a row of the ledger with the new balance.
\set customer_id random(1, :customers)
\set sequence :sequence + 1
\set key :first_key + :client_id * 500000 + :sequence
WITH once AS (
    INSERT INTO least_keys (customer_id, key) VALUES (:customer_id, :key)
    ON CONFLICT DO NOTHING
    RETURNING customer_id
), debit AS (
    UPDATE least_accounts SET balance = balance - 1
    FROM once
    WHERE least_accounts.customer_id = once.customer_id AND balance >= 1
    RETURNING least_accounts.customer_id, balance
)
INSERT INTO least_ledger (customer_id, amount, balance_after)
SELECT customer_id, -1, balance FROM debit
RETURNING balance_after;
