SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

CREATE TABLE forge_accounts (
    customer_id bigint NOT NULL,
    forge text NOT NULL,
    namespace text NOT NULL,
    claimed_at timestamptz NOT NULL,
    verified_at timestamptz,
    CONSTRAINT forge_accounts_pkey PRIMARY KEY (customer_id, forge, namespace),
    CONSTRAINT forge_accounts_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id),
    CONSTRAINT forge_accounts_forge_known CHECK (forge IN ('github'))
);
COMMENT ON TABLE forge_accounts IS 'Owners of repositories that a customer speaks for; claimed by the first authenticated store.';

CREATE TABLE repositories (
    customer_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    forge text NOT NULL,
    namespace text NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT repositories_pkey PRIMARY KEY (customer_id, id),
    CONSTRAINT repositories_once UNIQUE (customer_id, forge, namespace, name),
    CONSTRAINT repositories_forge_account_fkey
        FOREIGN KEY (customer_id, forge, namespace) REFERENCES forge_accounts (customer_id, forge, namespace)
);
COMMENT ON COLUMN repositories.name IS 'Lower case, like namespace: the forge does not tell cases apart.';

CREATE TABLE phase_results (
    customer_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    repository_id bigint NOT NULL,
    phase text NOT NULL,
    issue_number bigint,
    commit_sha text NOT NULL,
    data jsonb NOT NULL,
    api_key_id bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT phase_results_pkey PRIMARY KEY (customer_id, id),
    -- The repository first: an index that began like the primary key would serve its foreign key's check, badly.
    CONSTRAINT phase_results_once UNIQUE NULLS NOT DISTINCT (repository_id, commit_sha, phase, issue_number, customer_id),
    CONSTRAINT phase_results_repository_fkey
        FOREIGN KEY (customer_id, repository_id) REFERENCES repositories (customer_id, id),
    CONSTRAINT phase_results_api_key_fkey FOREIGN KEY (customer_id, api_key_id) REFERENCES api_keys (customer_id, id),
    CONSTRAINT phase_results_phase_known CHECK (phase IN ('scan', 'validate', 'mitigate')),
    CONSTRAINT phase_results_issue_fits_phase CHECK ((phase = 'scan') = (issue_number IS NULL)),
    CONSTRAINT phase_results_issue_positive CHECK (issue_number > 0)
);
COMMENT ON TABLE phase_results IS 'The outcome of one phase for one repository, issue and commit; storing again replaces it.';

CREATE TABLE fixes (
    customer_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    repository_id bigint NOT NULL,
    issue_number bigint NOT NULL,
    phase_result_id bigint NOT NULL,
    api_key_id bigint NOT NULL,
    state text NOT NULL,
    blocked_reason text,
    recorded_at timestamptz NOT NULL,
    settled_at timestamptz,
    CONSTRAINT fixes_pkey PRIMARY KEY (customer_id, id),
    CONSTRAINT fixes_repository_fkey FOREIGN KEY (customer_id, repository_id) REFERENCES repositories (customer_id, id),
    CONSTRAINT fixes_phase_result_fkey
        FOREIGN KEY (customer_id, phase_result_id) REFERENCES phase_results (customer_id, id),
    CONSTRAINT fixes_api_key_fkey FOREIGN KEY (customer_id, api_key_id) REFERENCES api_keys (customer_id, id),
    CONSTRAINT fixes_issue_positive CHECK (issue_number > 0),
    CONSTRAINT fixes_state_known CHECK (state IN ('consumed', 'blocked', 'reversed')),
    CONSTRAINT fixes_blocked_with_reason CHECK ((state = 'blocked') = (blocked_reason IS NOT NULL)),
    CONSTRAINT fixes_settled_or_blocked CHECK ((state = 'blocked') = (settled_at IS NULL))
);
COMMENT ON TABLE fixes IS 'One fix of one issue, billable once, whichever path reported it first.';
-- A reversed fix frees the identity.
CREATE UNIQUE INDEX fixes_one_live_per_issue ON fixes (customer_id, repository_id, issue_number) WHERE state <> 'reversed';
CREATE INDEX fixes_settled_idx ON fixes (customer_id, settled_at) WHERE state = 'consumed';
