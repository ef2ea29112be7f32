SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

-- The wider rules need no look at what is there: it obeys the narrower ones.
-- squawk-ignore ban-drop-constraint
ALTER TABLE fixes DROP CONSTRAINT fixes_state_known;
ALTER TABLE fixes ADD CONSTRAINT fixes_state_known
CHECK (state IN ('consumed', 'charging', 'blocked', 'recorded', 'reversed')) NOT VALID;
-- squawk-ignore ban-drop-constraint
ALTER TABLE fixes DROP CONSTRAINT fixes_settled_or_blocked;
ALTER TABLE fixes ADD CONSTRAINT fixes_settled_or_open
CHECK ((state IN ('blocked', 'charging', 'recorded')) = (settled_at IS NULL)) NOT VALID;

ALTER TABLE fixes ADD COLUMN recorded_plan text, ADD COLUMN recorded_catalog_version_id bigint;
ALTER TABLE fixes ADD CONSTRAINT fixes_recorded_with_price
CHECK (state <> 'recorded' OR num_nonnulls(recorded_plan, recorded_catalog_version_id) = 2) NOT VALID;
-- squawk-ignore require-concurrent-index-creation -- no row has this state yet, so it is built in no time
CREATE INDEX fixes_recorded_idx ON fixes (customer_id, id) WHERE state = 'recorded';
COMMENT ON COLUMN fixes.state IS
'charging: a debt is open, and when it is paid a credit is bought and consumed. recorded: billing was switched off.';
COMMENT ON COLUMN fixes.recorded_plan IS 'With the catalogue version: the price of its time, where billing was off.';
