SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

-- Stripe's own page is asked for when the customer comes, so the column that kept its address is given another meaning.
-- squawk-ignore renaming-column -- nobody reads it but the code that comes with this step
ALTER TABLE charge_intents RENAME COLUMN action_url TO link_token;
-- 244 bits of the server's generator for secrets; charges that wait for their customer already get theirs here, too.
ALTER TABLE charge_intents ALTER COLUMN link_token
SET DEFAULT replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
UPDATE charge_intents SET link_token = DEFAULT;
ALTER TABLE charge_intents ADD CONSTRAINT charge_intents_link_form
CHECK (link_token IS NOT NULL AND link_token ~ '^[0-9a-f]{64}$') NOT VALID;
COMMENT ON COLUMN charge_intents.link_token IS 'Whoever has it may pay this one charge and nothing else.';

ALTER TABLE charge_attempts ADD COLUMN customer_present boolean NOT NULL DEFAULT false;
ALTER TABLE charge_attempts ADD CONSTRAINT charge_attempts_present_confirms
CHECK (kind = 'confirm' OR NOT customer_present) NOT VALID;
COMMENT ON COLUMN charge_attempts.customer_present IS 'The customer was there: a bank may send them to a page.';
CREATE OR REPLACE FUNCTION charge_attempts_obey() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.id, OLD.customer_id, OLD.intent_id, OLD.kind, OLD.number, OLD.key, OLD.parameter_hash, OLD.consent_id,
        OLD.payment_method_id, OLD.seen_before, OLD.sent_at, OLD.customer_present)
       IS DISTINCT FROM
       (NEW.id, NEW.customer_id, NEW.intent_id, NEW.kind, NEW.number, NEW.key, NEW.parameter_hash, NEW.consent_id,
        NEW.payment_method_id, NEW.seen_before, NEW.sent_at, NEW.customer_present) THEN
        RAISE EXCEPTION 'what attempt % sent never changes', OLD.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
