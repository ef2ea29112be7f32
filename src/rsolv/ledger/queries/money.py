"""
The statements that move money: minor units of a currency, in accounts of their own beside the credits.
"""

from collections.abc import Mapping

from rsolv.db import Connection
from rsolv.ledger.queries.moves import PostingFacts
from rsolv.ledger.rules import Cause


async def insert_money_accounts_once(
    connection: Connection, *, customer_id: int, currency: str, kinds: list[str]
) -> None:
    """
    Open the accounts of these kinds that the customer does not have in this currency yet.
    """
    await connection.execute(
        """
        INSERT INTO ledger_accounts (customer_id, asset, kind)
        SELECT $1, $2, kind FROM unnest($3::text[]) AS kind
        ON CONFLICT ON CONSTRAINT ledger_accounts_once DO NOTHING
        """,
        customer_id,
        currency,
        kinds,
    )


async def insert_money_posting_once(
    connection: Connection, facts: PostingFacts, *, currency: str, moves: Mapping[str, int]
) -> int | None:
    """
    Post exactly these moves, accounts in the order of their names, and return the posting's id.

    None when the cause has posted before.
    """
    posting_id: int | None = await connection.fetchval(
        """
        WITH posting AS (
            INSERT INTO ledger_postings (
                customer_id, cause_kind, cause_id, leg, source, corrects_posting_id, catalog_version_id, price_cents,
                consent_id, api_key_id, fix_id, metadata)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::jsonb)
            ON CONFLICT ON CONSTRAINT ledger_postings_once_per_cause DO NOTHING
            RETURNING id
        ), entries AS (
            INSERT INTO ledger_entries (customer_id, posting_id, account_id, amount)
            SELECT $1, posting.id, account.id, move.amount
            FROM posting
            CROSS JOIN unnest($14::text[], $15::bigint[]) AS move (kind, amount)
            JOIN ledger_accounts AS account
              ON account.customer_id = $1 AND account.asset = $13 AND account.kind = move.kind
            ORDER BY move.kind
        )
        SELECT id FROM posting
        """,
        *facts.arguments(),
        currency,
        list(moves),
        list(moves.values()),
    )
    return posting_id


async def find_money_posting(
    connection: Connection, *, customer_id: int, cause: Cause
) -> tuple[int, str, dict[str, dict[str, int]]] | None:
    """
    Return what a cause posted: the posting's id, its source, and per asset what moved on each account.
    """
    rows = await connection.fetch(
        """
        SELECT p.id, p.source, a.asset, a.kind, e.amount
        FROM ledger_postings p
        JOIN ledger_entries e ON e.customer_id = p.customer_id AND e.posting_id = p.id
        JOIN ledger_accounts a ON a.customer_id = e.customer_id AND a.id = e.account_id
        WHERE p.customer_id = $1 AND p.cause_kind = $2 AND p.cause_id = $3 AND p.leg = $4
        """,
        customer_id,
        cause.kind,
        cause.id,
        cause.leg,
    )
    if not rows:
        return None
    moved: dict[str, dict[str, int]] = {}
    for row in rows:
        moved.setdefault(row["asset"], {})[row["kind"]] = row["amount"]
    return rows[0]["id"], rows[0]["source"], moved


async def list_money_balances(connection: Connection, *, customer_id: int) -> dict[str, dict[str, int]]:
    """
    Return a customer's balances in minor units, by currency and kind of account.
    """
    rows = await connection.fetch(
        """
        SELECT asset, kind, balance FROM ledger_accounts
        WHERE customer_id = $1 AND asset <> 'credit' ORDER BY asset, kind LIMIT 1000
        """,
        customer_id,
    )
    balances: dict[str, dict[str, int]] = {}
    for row in rows:
        balances.setdefault(row["asset"], {})[row["kind"]] = row["balance"]
    return balances
