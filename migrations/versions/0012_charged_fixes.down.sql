SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

-- A fix that is recorded and not paid: in the older words, blocked.
UPDATE fixes SET state = 'blocked', blocked_reason = 'no_billing_info' WHERE state IN ('charging', 'recorded');
-- squawk-ignore require-concurrent-index-deletion -- inside a transaction there is no other way, and it is tiny
DROP INDEX fixes_recorded_idx;
ALTER TABLE fixes DROP CONSTRAINT fixes_recorded_with_price;
ALTER TABLE fixes DROP COLUMN recorded_plan, DROP COLUMN recorded_catalog_version_id;
ALTER TABLE fixes DROP CONSTRAINT fixes_settled_or_open;
ALTER TABLE fixes ADD CONSTRAINT fixes_settled_or_blocked
CHECK ((state = 'blocked') = (settled_at IS NULL)) NOT VALID;
-- squawk-ignore constraint-missing-not-valid -- going back stops the installation anyway
ALTER TABLE fixes VALIDATE CONSTRAINT fixes_settled_or_blocked;
ALTER TABLE fixes DROP CONSTRAINT fixes_state_known;
ALTER TABLE fixes ADD CONSTRAINT fixes_state_known CHECK (state IN ('consumed', 'blocked', 'reversed')) NOT VALID;
-- squawk-ignore constraint-missing-not-valid -- see above
ALTER TABLE fixes VALIDATE CONSTRAINT fixes_state_known;
COMMENT ON COLUMN fixes.state IS NULL;
