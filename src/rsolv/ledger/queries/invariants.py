"""
What must hold of the books, each as a query that yields one row: checked, breaches, example.

The numbers are those of docs/decisions/0003-ledger.md.
"""

from rsolv.db import Connection
from rsolv.ledger.rules import Finding, Invariant

INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "L-1",
        "every posting has two entries or more and they sum to zero per asset",
        """
        WITH posting AS (
            SELECT p.customer_id, p.id, count(e.id) AS entries,
                   (SELECT count(*) FROM (
                        SELECT sum(e2.amount) AS total
                        FROM ledger_entries e2
                        JOIN ledger_accounts a ON a.customer_id = e2.customer_id AND a.id = e2.account_id
                        WHERE e2.customer_id = p.customer_id AND e2.posting_id = p.id
                        GROUP BY a.asset
                    ) per_asset WHERE total <> 0) AS unbalanced
            FROM ledger_postings p
            LEFT JOIN ledger_entries e ON e.customer_id = p.customer_id AND e.posting_id = p.id
            GROUP BY p.customer_id, p.id
        )
        SELECT count(*) AS checked,
               count(*) FILTER (WHERE entries < 2 OR unbalanced > 0) AS breaches,
               min('posting ' || id) FILTER (WHERE entries < 2 OR unbalanced > 0) AS example
        FROM posting
        """,
    ),
    Invariant(
        "L-2",
        "postings and entries are append-only, by trigger and by right",
        """
        WITH guard AS (
            SELECT wanted.name,
                   EXISTS (SELECT FROM pg_trigger t WHERE t.tgname = wanted.name AND t.tgenabled = 'O') AS stands
            FROM (VALUES ('ledger_postings_only_grow'), ('ledger_entries_only_grow'), ('ledger_accounts_stay'),
                         ('ledger_grants_stay'), ('ledger_entries_move_account'), ('ledger_postings_balanced'),
                         ('ledger_accounts_move_only_by_entries'), ('ledger_grants_move_only_by_entries'),
                         ('ledger_accounts_start_empty'), ('ledger_grants_start_empty')) AS wanted (name)
            UNION ALL
            SELECT forbidden.relation || ' UPDATE',
                   NOT has_any_column_privilege('rsolv_app', forbidden.relation, 'UPDATE')
            FROM (VALUES ('ledger_postings'), ('ledger_entries')) AS forbidden (relation)
            UNION ALL
            SELECT relation || ' ' || privilege, NOT has_table_privilege('rsolv_app', relation, privilege)
            FROM (VALUES ('ledger_postings'), ('ledger_entries'), ('ledger_accounts'), ('ledger_grants'))
                 AS kept (relation)
            CROSS JOIN (VALUES ('DELETE'), ('TRUNCATE')) AS removing (privilege)
        )
        SELECT count(*) AS checked, count(*) FILTER (WHERE NOT stands) AS breaches,
               min(name) FILTER (WHERE NOT stands) AS example
        FROM guard
        """,
    ),
    Invariant(
        "L-3",
        "every entry's balance_after is the running sum of its account, and seq has no gap",
        """
        WITH running AS (
            SELECT id, seq, balance_after,
                   sum(amount) OVER account AS expected_balance,
                   row_number() OVER account AS expected_seq
            FROM ledger_entries
            WINDOW account AS (PARTITION BY customer_id, account_id ORDER BY seq)
        )
        SELECT count(*) AS checked,
               count(*) FILTER (WHERE balance_after <> expected_balance OR seq <> expected_seq) AS breaches,
               min('entry ' || id) FILTER (WHERE balance_after <> expected_balance OR seq <> expected_seq) AS example
        FROM running
        """,
    ),
    Invariant(
        "L-5",
        "no cause has posted twice, not even for two customers",
        """
        WITH cause AS (
            SELECT cause_kind, cause_id, leg, count(*) AS postings FROM ledger_postings GROUP BY 1, 2, 3
        )
        SELECT count(*) AS checked, count(*) FILTER (WHERE postings > 1) AS breaches,
               min(cause_kind || ' ' || cause_id) FILTER (WHERE postings > 1) AS example
        FROM cause
        """,
    ),
    Invariant(
        "L-6",
        "available and held are never negative",
        """
        SELECT count(*) AS checked, count(*) FILTER (WHERE balance < 0) AS breaches,
               min('account ' || id) FILTER (WHERE balance < 0) AS example
        FROM ledger_accounts WHERE kind IN ('available', 'held')
        """,
    ),
    Invariant(
        "L-7",
        "per customer: available + held + consumed + expired + reversed = issued",
        """
        WITH customer AS (
            SELECT customer_id, sum(balance) AS rest FROM ledger_accounts WHERE asset = 'credit' GROUP BY customer_id
        )
        SELECT count(*) AS checked, count(*) FILTER (WHERE rest <> 0) AS breaches,
               min('customer ' || customer_id) FILTER (WHERE rest <> 0) AS example
        FROM customer
        """,
    ),
    Invariant(
        "L-8",
        "every grant's remaining is the sum of its entries, and a customer's grants hold what is available",
        """
        WITH bucket AS (
            SELECT g.customer_id, 'grant ' || g.id AS name, g.remaining AS stored,
                   coalesce(sum(e.amount), 0) AS computed
            FROM ledger_grants g
            LEFT JOIN ledger_entries e ON e.customer_id = g.customer_id AND e.grant_id = g.id
            GROUP BY g.customer_id, g.id, g.remaining
            UNION ALL
            SELECT a.customer_id, 'customer ' || a.customer_id, a.balance, coalesce(sum(g.remaining), 0)
            FROM ledger_accounts a
            LEFT JOIN ledger_grants g ON g.customer_id = a.customer_id
            WHERE a.asset = 'credit' AND a.kind = 'available'
            GROUP BY a.customer_id, a.balance
        )
        SELECT count(*) AS checked, count(*) FILTER (WHERE stored <> computed) AS breaches,
               min(name) FILTER (WHERE stored <> computed) AS example
        FROM bucket
        """,
    ),
    Invariant(
        "L-10",
        "every asset sums to zero over all accounts",
        """
        WITH asset AS (SELECT asset, sum(balance) AS total FROM ledger_accounts GROUP BY asset)
        SELECT count(*) AS checked, count(*) FILTER (WHERE total <> 0) AS breaches,
               min(asset) FILTER (WHERE total <> 0) AS example
        FROM asset
        """,
    ),
    Invariant(
        "L-12",
        "every amount is a whole number by its column's type",
        """
        WITH amount AS (
            SELECT table_name || '.' || column_name AS name, data_type FROM information_schema.columns
            WHERE table_schema = current_schema()
              AND column_name ~ '(^|_)(amount|balance|balance_after|credits|remaining|seq|cents)$'
        )
        SELECT count(*) AS checked, count(*) FILTER (WHERE data_type NOT IN ('bigint', 'integer')) AS breaches,
               min(name) FILTER (WHERE data_type NOT IN ('bigint', 'integer')) AS example
        FROM amount
        """,
    ),
    Invariant(
        "L-15",
        "posting times never decrease within an account's seq",
        """
        WITH step AS (
            SELECT id, posted_at, lag(posted_at) OVER (PARTITION BY customer_id, account_id ORDER BY seq) AS before
            FROM ledger_entries
        )
        SELECT count(*) AS checked, count(*) FILTER (WHERE posted_at < before) AS breaches,
               min('entry ' || id) FILTER (WHERE posted_at < before) AS example
        FROM step
        """,
    ),
    Invariant(
        "L-16",
        "every stored balance and count equals the full recomputation from entries",
        """
        WITH account AS (
            SELECT a.id, a.balance, a.seq, coalesce(sum(e.amount), 0) AS computed, count(e.id) AS entries
            FROM ledger_accounts a
            LEFT JOIN ledger_entries e ON e.customer_id = a.customer_id AND e.account_id = a.id
            GROUP BY a.customer_id, a.id, a.balance, a.seq
        )
        SELECT count(*) AS checked, count(*) FILTER (WHERE balance <> computed OR seq <> entries) AS breaches,
               min('account ' || id) FILTER (WHERE balance <> computed OR seq <> entries) AS example
        FROM account
        """,
    ),
)


async def check(connection: Connection, invariant: Invariant) -> Finding:
    """
    Run one invariant over the whole database.
    """
    row = await connection.fetchrow(invariant.sql)  # lint: allow sql-is-literal -- the literals stand above
    assert row is not None, "an invariant yields one row"
    return Finding(invariant.id, invariant.promise, row["checked"], row["breaches"], row["example"])
