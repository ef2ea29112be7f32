"""
Postings made by hand: what a mistaken program, or a person with a database console, would write past our verbs.
"""

from collections.abc import Sequence

from rsolv.db import Connection

Leg = tuple[str, int]
"""
The kind of a credit account, and by how much it is moved.
"""


async def insert_posting(connection: Connection, *, customer_id: int, cause_id: str = "by hand") -> int:
    """
    Insert a posting row without entries and return its id.
    """
    posting_id: int = await connection.fetchval(
        """
        INSERT INTO ledger_postings (customer_id, cause_kind, cause_id, leg, source)
        VALUES ($1, 'by_hand', $2, 'main', 'adjustment') RETURNING id
        """,
        customer_id,
        cause_id,
    )
    return posting_id


async def insert_entries(
    connection: Connection, *, customer_id: int, posting_id: int, legs: Sequence[Leg], grant_id: int | None = None
) -> None:
    """
    Insert one entry for each leg, those of available out of or into the grant, if one is named.
    """
    await connection.executemany(
        """
        INSERT INTO ledger_entries (customer_id, posting_id, account_id, grant_id, amount)
        SELECT customer_id, $2, id, CASE kind WHEN 'available' THEN $5::bigint END, $4 FROM ledger_accounts
        WHERE customer_id = $1 AND asset || ' ' || kind = $3
        """,
        [(customer_id, posting_id, kind if " " in kind else f"credit {kind}", by, grant_id) for kind, by in legs],
    )


async def post(
    connection: Connection,
    *,
    customer_id: int,
    legs: Sequence[Leg],
    cause_id: str = "by hand",
    grant_id: int | None = None,
) -> int:
    """
    Insert a posting with its entries, looking at nothing before, and return its id.
    """
    posting_id = await insert_posting(connection, customer_id=customer_id, cause_id=cause_id)
    await insert_entries(connection, customer_id=customer_id, posting_id=posting_id, legs=legs, grant_id=grant_id)
    return posting_id
