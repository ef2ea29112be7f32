SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

ALTER TABLE charge_debts ADD COLUMN overdue_since timestamptz;
COMMENT ON COLUMN charge_debts.overdue_since IS
'When it first could not be collected for a reason that is the customer''s; stays, whatever is tried afterwards.';
UPDATE charge_debts AS d SET overdue_since = coalesce(i.dunning_began_at, i.moved_at)
FROM charge_intents AS i
WHERE i.customer_id = d.customer_id AND i.debt_id = d.id AND d.state = 'open'
  AND (i.state = 'declined'
       OR i.parked_reason IN ('no_consent', 'no_payment_method', 'card_refused', 'dunning_exhausted', 'action_expired'));

-- Asked with every scan: for a customer who owes nothing overdue there is nothing in it.
-- squawk-ignore require-concurrent-index-creation -- inside a transaction there is no other way, and it is nearly empty
CREATE INDEX charge_debts_overdue_idx ON charge_debts (customer_id, overdue_since)
WHERE state = 'open' AND overdue_since IS NOT NULL;
-- squawk-ignore require-concurrent-index-creation -- as above
CREATE INDEX charge_intents_parked_idx ON charge_intents (customer_id, parked_reason) WHERE parked_reason IS NOT NULL;

CREATE FUNCTION charge_debts_overdue_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'debt % is overdue since %, and that stays', OLD.id, OLD.overdue_since
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER charge_debts_overdue_once BEFORE UPDATE ON charge_debts
FOR EACH ROW WHEN (OLD.overdue_since IS NOT NULL AND NEW.overdue_since IS DISTINCT FROM OLD.overdue_since)
EXECUTE FUNCTION charge_debts_overdue_once();

-- squawk-ignore require-concurrent-index-creation -- as above; a customer opens few
CREATE INDEX card_setups_opened_idx ON card_setups (customer_id, opened_at);

CREATE TABLE card_attaches (
    customer_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    stripe_payment_method_id text NOT NULL,
    asked_at timestamptz NOT NULL,
    CONSTRAINT card_attaches_pkey PRIMARY KEY (customer_id, id),
    CONSTRAINT card_attaches_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id)
);
COMMENT ON TABLE card_attaches IS
'Which cards set up elsewhere customers asked to add, written down before Stripe is asked: nobody tries out cards here.';
CREATE INDEX card_attaches_asked_idx ON card_attaches (customer_id, asked_at);
CREATE TRIGGER card_attaches_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON card_attaches
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

REVOKE UPDATE, DELETE ON card_attaches FROM rsolv_app;
