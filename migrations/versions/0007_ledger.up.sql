SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

-- Long form: docs/decisions/0003-ledger.md.
CREATE TABLE ledger_accounts (
    customer_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    asset text NOT NULL,
    kind text NOT NULL,
    balance bigint NOT NULL DEFAULT 0,
    seq bigint NOT NULL DEFAULT 0,
    last_posted_at timestamptz NOT NULL DEFAULT '-infinity',
    CONSTRAINT ledger_accounts_pkey PRIMARY KEY (customer_id, id),
    CONSTRAINT ledger_accounts_once UNIQUE (customer_id, asset, kind),
    CONSTRAINT ledger_accounts_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id),
    CONSTRAINT ledger_accounts_kind_fits_asset CHECK (
        CASE asset
            WHEN 'credit' THEN kind IN ('available', 'held', 'issued', 'consumed', 'expired', 'reversed')
            ELSE asset ~ '^[a-z]{3}$' AND kind IN ('receivable', 'revenue', 'processor', 'refunded', 'disputed')
        END
    ),
    CONSTRAINT ledger_accounts_never_overspent CHECK (kind NOT IN ('available', 'held') OR balance >= 0)
) WITH (fillfactor = 70); -- room for the updates of a row to stay on its page
COMMENT ON COLUMN ledger_accounts.balance IS 'Whole credits, or minor units of the currency that asset names.';
COMMENT ON COLUMN ledger_accounts.seq IS 'How many entries the account has.';

CREATE TABLE ledger_postings (
    customer_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    cause_kind text NOT NULL,
    cause_id text NOT NULL,
    leg text NOT NULL,
    source text NOT NULL,
    corrects_posting_id bigint,
    catalog_version_id bigint,
    price_cents bigint,
    consent_id bigint,
    api_key_id bigint,
    fix_id bigint,
    metadata jsonb NOT NULL DEFAULT '{}',
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT ledger_postings_pkey PRIMARY KEY (customer_id, id),
    CONSTRAINT ledger_postings_once_per_cause UNIQUE (customer_id, cause_kind, cause_id, leg),
    CONSTRAINT ledger_postings_corrects_fkey
        FOREIGN KEY (customer_id, corrects_posting_id) REFERENCES ledger_postings (customer_id, id),
    CONSTRAINT ledger_postings_fix_fkey FOREIGN KEY (customer_id, fix_id) REFERENCES fixes (customer_id, id),
    CONSTRAINT ledger_postings_source_known CHECK (
        source IN ('trial_signup', 'trial_billing_added', 'pro_subscription_payment', 'purchased', 'consumed',
                   'adjustment', 'expired', 'refund_reversal', 'dispute_reversal')
    ),
    CONSTRAINT ledger_postings_cause_form CHECK (cause_kind ~ '^[a-z_]{1,40}$' AND length(cause_id) BETWEEN 1 AND 255),
    CONSTRAINT ledger_postings_not_its_own_correction CHECK (corrects_posting_id <> id)
);
COMMENT ON CONSTRAINT ledger_postings_once_per_cause ON ledger_postings IS 'What happened posts at most once, for ever.';
COMMENT ON COLUMN ledger_postings.price_cents IS 'The price that was decided on, where the posting was decided by one.';
COMMENT ON COLUMN ledger_postings.catalog_version_id IS
'No foreign key: its check would lock one global row in every debit, and versions can never be deleted.';
COMMENT ON COLUMN ledger_postings.transaction_id IS 'Entries may join only within the transaction that made the posting.';
CREATE INDEX ledger_postings_corrections ON ledger_postings (customer_id, corrects_posting_id)
WHERE corrects_posting_id IS NOT NULL;

CREATE TABLE ledger_grants (
    customer_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    posting_id bigint NOT NULL,
    credits bigint NOT NULL,
    remaining bigint NOT NULL DEFAULT 0,
    effective_at timestamptz,
    expires_at timestamptz,
    CONSTRAINT ledger_grants_pkey PRIMARY KEY (customer_id, id),
    CONSTRAINT ledger_grants_once_per_posting UNIQUE (customer_id, posting_id),
    CONSTRAINT ledger_grants_posting_fkey
        FOREIGN KEY (customer_id, posting_id) REFERENCES ledger_postings (customer_id, id),
    CONSTRAINT ledger_grants_credits_positive CHECK (credits > 0),
    CONSTRAINT ledger_grants_remaining_within CHECK (remaining BETWEEN 0 AND credits),
    CONSTRAINT ledger_grants_expire_later CHECK (expires_at > effective_at)
) WITH (fillfactor = 70);
COMMENT ON TABLE ledger_grants IS 'Buckets of credits, spent earliest expiry first, then oldest.';
COMMENT ON COLUMN ledger_grants.effective_at IS 'NULL: at once, so that clocks of nodes that differ cannot delay a grant.';

CREATE TABLE ledger_entries (
    customer_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    posting_id bigint NOT NULL,
    account_id bigint NOT NULL,
    grant_id bigint,
    amount bigint NOT NULL,
    seq bigint NOT NULL,
    balance_after bigint NOT NULL,
    posted_at timestamptz NOT NULL,
    CONSTRAINT ledger_entries_pkey PRIMARY KEY (customer_id, id),
    CONSTRAINT ledger_entries_gapless UNIQUE (customer_id, account_id, seq),
    CONSTRAINT ledger_entries_posting_fkey
        FOREIGN KEY (customer_id, posting_id) REFERENCES ledger_postings (customer_id, id),
    CONSTRAINT ledger_entries_account_fkey
        FOREIGN KEY (customer_id, account_id) REFERENCES ledger_accounts (customer_id, id),
    CONSTRAINT ledger_entries_grant_fkey FOREIGN KEY (customer_id, grant_id) REFERENCES ledger_grants (customer_id, id),
    CONSTRAINT ledger_entries_move_something CHECK (amount <> 0),
    CONSTRAINT ledger_entries_seq_positive CHECK (seq > 0)
);
CREATE INDEX ledger_entries_posting_idx ON ledger_entries (customer_id, posting_id);
CREATE INDEX ledger_entries_grant_idx ON ledger_entries (customer_id, grant_id) WHERE grant_id IS NOT NULL;

-- The database keeps the books: an entry moves its account (and its grant) by being inserted, and is numbered
-- by it. Nothing else moves either, so a balance cannot part from its entries, whatever the code does.
-- A posting is closed when its transaction ends: what joined it later would escape the check at commit.
CREATE FUNCTION ledger_move_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM ledger_postings
    WHERE customer_id = NEW.customer_id AND id = NEW.posting_id AND transaction_id = pg_current_xact_id();
    IF NOT FOUND THEN
        RAISE EXCEPTION 'posting % is closed', NEW.posting_id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    UPDATE ledger_accounts
    SET balance = balance + NEW.amount,
        seq = seq + 1,
        last_posted_at = GREATEST(last_posted_at, clock_timestamp())
    WHERE customer_id = NEW.customer_id AND id = NEW.account_id
    RETURNING seq, balance, last_posted_at INTO NEW.seq, NEW.balance_after, NEW.posted_at;
    IF NEW.grant_id IS NOT NULL THEN
        UPDATE ledger_grants SET remaining = remaining + NEW.amount
        WHERE customer_id = NEW.customer_id AND id = NEW.grant_id;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_entries_move_account BEFORE INSERT ON ledger_entries
FOR EACH ROW EXECUTE FUNCTION ledger_move_account();

CREATE FUNCTION ledger_refuse_direct_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% moves only by inserting entries', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER ledger_accounts_move_only_by_entries BEFORE UPDATE ON ledger_accounts
FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION ledger_refuse_direct_move();
CREATE TRIGGER ledger_grants_move_only_by_entries BEFORE UPDATE ON ledger_grants
FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION ledger_refuse_direct_move();

CREATE FUNCTION ledger_start_empty() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% starts empty', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER ledger_accounts_start_empty BEFORE INSERT ON ledger_accounts
FOR EACH ROW WHEN (NEW.balance <> 0 OR NEW.seq <> 0) EXECUTE FUNCTION ledger_start_empty();
CREATE TRIGGER ledger_grants_start_empty BEFORE INSERT ON ledger_grants
FOR EACH ROW WHEN (NEW.remaining <> 0) EXECUTE FUNCTION ledger_start_empty();

-- Checked at commit, when all entries of the posting are there.
CREATE FUNCTION ledger_require_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entries bigint;
    unbalanced_assets bigint;
BEGIN
    SELECT coalesce(sum(asset_entries), 0), count(*) FILTER (WHERE asset_sum <> 0)
    INTO entries, unbalanced_assets
    FROM (
        SELECT count(*) AS asset_entries, sum(e.amount) AS asset_sum
        FROM ledger_entries e
        JOIN ledger_accounts a ON a.customer_id = e.customer_id AND a.id = e.account_id
        WHERE e.customer_id = NEW.customer_id AND e.posting_id = NEW.id
        GROUP BY a.asset
    ) per_asset;
    IF entries < 2 OR unbalanced_assets > 0 THEN
        RAISE EXCEPTION 'posting % of customer % is not balanced', NEW.id, NEW.customer_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_postings_balanced AFTER INSERT ON ledger_postings
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_require_balanced();

CREATE TRIGGER ledger_postings_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_postings
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_entries_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_accounts_stay BEFORE DELETE OR TRUNCATE ON ledger_accounts
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_grants_stay BEFORE DELETE OR TRUNCATE ON ledger_grants
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

REVOKE UPDATE, DELETE ON ledger_postings, ledger_entries FROM rsolv_app;
REVOKE DELETE ON ledger_accounts, ledger_grants FROM rsolv_app;

CREATE VIEW credit_transactions AS
SELECT
    e.customer_id,
    e.id,
    e.amount,
    e.balance_after,
    p.source,
    p.metadata,
    e.posted_at AS inserted_at,
    e.posting_id,
    e.seq
FROM ledger_entries e
JOIN ledger_accounts a ON a.customer_id = e.customer_id AND a.id = e.account_id
JOIN ledger_postings p ON p.customer_id = e.customer_id AND p.id = e.posting_id
WHERE a.asset = 'credit' AND a.kind = 'available';
COMMENT ON VIEW credit_transactions IS 'What customers and operators see of the ledger: every move of the credits available.';
