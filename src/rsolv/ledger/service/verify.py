"""
Recompute the books from their entries and say what differs. Nothing is repaired here.
"""

from collections.abc import Iterable

from rsolv.db import Connection
from rsolv.ledger.queries.invariants import INVARIANTS, check
from rsolv.ledger.rules import Finding, Invariant

__all__ = ["INVARIANTS", "verify"]


async def verify(connection: Connection, invariants: Iterable[Invariant] = INVARIANTS) -> list[Finding]:
    """
    Check each invariant over the whole database, in one snapshot if *connection* has one open.

    Other rooms hand in invariants of their own beside ours. Reads only.
    """
    return [await check(connection, invariant) for invariant in invariants]
