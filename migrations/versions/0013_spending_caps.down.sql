SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

-- squawk-ignore require-concurrent-index-deletion -- inside a transaction there is no other way
DROP INDEX charge_intents_under_way_idx;
-- squawk-ignore require-concurrent-index-deletion -- inside a transaction there is no other way
DROP INDEX charge_intents_settled_idx;
DROP TABLE spending_caps;
