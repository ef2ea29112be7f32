"""
Damage to the books that our verbs cannot do: most of it needs the owner, who switches a guard off and on again.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Corruption:
    """
    How the books are damaged, and which invariants say so: these and no others.
    """

    name: str
    sql: str
    breached: frozenset[str]


def _without(trigger: str, table: str, sql: str) -> str:
    return f"""
        ALTER TABLE {table} DISABLE TRIGGER {trigger};
        {sql};
        ALTER TABLE {table} ENABLE TRIGGER {trigger};
    """


def _posted(legs: str, *, cause: str = "'by_hand', 'planted'") -> str:
    return f"""
        WITH posting AS (
            INSERT INTO ledger_postings (customer_id, cause_kind, cause_id, leg, source)
            SELECT min(customer_id), {cause}, 'main', 'adjustment' FROM ledger_accounts
            RETURNING customer_id, id
        )
        INSERT INTO ledger_entries (customer_id, posting_id, account_id, amount)
        SELECT posting.customer_id, posting.id, account.id, leg.amount
        FROM posting
        CROSS JOIN (VALUES {legs}) AS leg (kind, amount)
        JOIN ledger_accounts AS account ON account.customer_id = posting.customer_id AND account.kind = leg.kind
    """  # noqa: S608 -- all of it is written in this file


CAUSE_OF_THE_OTHER_CUSTOMER = """
    'example', (
        SELECT min(cause_id) FROM ledger_postings
        WHERE cause_kind = 'example' AND customer_id = (SELECT max(customer_id) FROM ledger_accounts))
"""
LATE_ENTRY = """;
    SET CONSTRAINTS ledger_postings_balanced IMMEDIATE;
    INSERT INTO ledger_entries (customer_id, posting_id, account_id, amount)
    SELECT p.customer_id, p.id, a.id, 1 FROM ledger_postings p JOIN ledger_accounts a USING (customer_id)
    WHERE p.cause_id = 'planted' AND a.kind = 'consumed'
"""

CORRUPTIONS = (
    Corruption(
        "a posting without entries",
        _without(
            "ledger_postings_balanced",
            "ledger_postings",
            """
            INSERT INTO ledger_postings (customer_id, cause_kind, cause_id, leg, source)
            SELECT min(customer_id), 'by_hand', 'planted', 'main', 'adjustment' FROM ledger_accounts
            """,
        ),
        frozenset({"L-1"}),
    ),
    Corruption(
        "a posting that is not balanced",
        _without("ledger_postings_balanced", "ledger_postings", _posted("('issued', -5), ('consumed', 4)")),
        frozenset({"L-1", "L-7", "L-10"}),
    ),
    Corruption(
        "an entry that joined its posting after the check",
        _posted("('issued', -5), ('consumed', 5)") + LATE_ENTRY,
        frozenset({"L-1", "L-7", "L-10"}),
    ),
    Corruption(
        "a guard that is switched off",
        "ALTER TABLE ledger_entries DISABLE TRIGGER ledger_entries_only_grow",
        frozenset({"L-2"}),
    ),
    Corruption(
        "a guard that is gone",
        "DROP TRIGGER ledger_entries_move_account ON ledger_entries",
        frozenset({"L-2"}),
    ),
    Corruption(
        "a right to rewrite history",
        "GRANT UPDATE ON ledger_entries TO rsolv_app",
        frozenset({"L-2"}),
    ),
    Corruption(
        "a right to rewrite one column of history",
        "GRANT UPDATE (metadata) ON ledger_postings TO rsolv_app",
        frozenset({"L-2"}),
    ),
    Corruption(
        "a right to empty a table",
        "GRANT TRUNCATE ON ledger_grants TO rsolv_app",
        frozenset({"L-2"}),
    ),
    Corruption(
        "an entry with another balance after it",
        _without(
            "ledger_entries_only_grow",
            "ledger_entries",
            "UPDATE ledger_entries SET balance_after = balance_after + 1 WHERE seq = 1",
        ),
        frozenset({"L-3"}),
    ),
    Corruption(
        "a gap in the numbers of an account",
        _without(
            "ledger_entries_only_grow",
            "ledger_entries",
            "UPDATE ledger_entries SET seq = seq + 1000 WHERE id = (SELECT min(id) FROM ledger_entries)",
        ),
        frozenset({"L-3", "L-15"}),
    ),
    Corruption(
        "a fix marked as blocked though it was paid for",
        """
        UPDATE fixes SET state = 'blocked', blocked_reason = 'no_billing_info', settled_at = NULL
        WHERE state = 'consumed'
        """,
        frozenset({"L-4"}),
    ),
    Corruption(
        "a fix marked as paid for though nothing was consumed",
        """
        UPDATE fixes SET state = 'consumed', blocked_reason = NULL, settled_at = recorded_at WHERE state = 'blocked'
        """,
        frozenset({"L-4"}),
    ),
    Corruption(
        "a cause that posted twice",
        "ALTER TABLE ledger_postings DROP CONSTRAINT ledger_postings_once_per_cause;"
        + _posted("('issued', -5), ('consumed', 5)")
        + ";"
        + _posted("('issued', -5), ('consumed', 5)"),
        frozenset({"L-5"}),
    ),
    Corruption(
        "a cause of one customer that posted for another",
        _posted("('issued', -5), ('consumed', 5)", cause=CAUSE_OF_THE_OTHER_CUSTOMER),
        frozenset({"L-5"}),
    ),
    Corruption(
        "more spent than there was",
        "ALTER TABLE ledger_accounts DROP CONSTRAINT ledger_accounts_never_overspent;"
        + _posted("('available', -1000), ('consumed', 1000)"),
        frozenset({"L-6", "L-8"}),
    ),
    Corruption(
        "a balance moved without an entry",
        _without(
            "ledger_accounts_move_only_by_entries",
            "ledger_accounts",
            "UPDATE ledger_accounts SET balance = balance + 1 WHERE kind = 'consumed'",
        ),
        frozenset({"L-7", "L-10", "L-16"}),
    ),
    Corruption(
        "credits moved between two customers",
        _without(
            "ledger_accounts_move_only_by_entries",
            "ledger_accounts",
            """
            UPDATE ledger_accounts SET balance = balance + CASE customer_id
                WHEN (SELECT min(customer_id) FROM ledger_accounts) THEN 1 ELSE -1 END
            WHERE kind = 'issued' AND customer_id IN (
                SELECT min(customer_id) FROM ledger_accounts UNION SELECT max(customer_id) FROM ledger_accounts)
            """,
        ),
        frozenset({"L-7", "L-16"}),
    ),
    Corruption(
        "a grant that holds less than its entries say",
        _without(
            "ledger_grants_move_only_by_entries",
            "ledger_grants",
            "UPDATE ledger_grants SET remaining = remaining - 1 WHERE remaining > 0",
        ),
        frozenset({"L-8"}),
    ),
    Corruption(
        "available credits that no grant holds",
        _posted("('issued', -1), ('available', 1)"),
        frozenset({"L-8"}),
    ),
    Corruption(
        "money out of nowhere",
        _without(
            "ledger_accounts_start_empty",
            "ledger_accounts",
            """
            INSERT INTO ledger_accounts (customer_id, asset, kind, balance)
            SELECT min(customer_id), 'usd', 'revenue', 100 FROM ledger_accounts
            """,
        ),
        frozenset({"L-10", "L-16"}),
    ),
    Corruption(
        "credits that need not be whole",
        "ALTER TABLE ledger_grants ALTER COLUMN credits TYPE numeric",
        frozenset({"L-12"}),
    ),
    Corruption(
        "an entry dated before the one it follows",
        _without(
            "ledger_entries_only_grow",
            "ledger_entries",
            "UPDATE ledger_entries SET posted_at = posted_at - interval '1 year' WHERE seq = 2",
        ),
        frozenset({"L-15"}),
    ),
    Corruption(
        "a number of entries that is not theirs",
        _without(
            "ledger_accounts_move_only_by_entries",
            "ledger_accounts",
            "UPDATE ledger_accounts SET seq = seq + 1 WHERE kind = 'consumed'",
        ),
        frozenset({"L-16"}),
    ),
)
