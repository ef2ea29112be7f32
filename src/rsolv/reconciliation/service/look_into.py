"""
Look into discrepancies and runs, and close what has been dealt with.
"""

from datetime import datetime

from rsolv.audit import Actor, record
from rsolv.db import Connection
from rsolv.reconciliation.errors import DiscrepancyClosed, UnknownDiscrepancy
from rsolv.reconciliation.queries import discrepancies, runs
from rsolv.reconciliation.rules import Discrepancy, Run


async def list_discrepancies_for_operator(
    connection: Connection, *, with_closed: bool = False, customer_id: int | None = None, limit: int
) -> list[Discrepancy]:
    """
    Return open discrepancies, and closed ones too if asked, newest first, at most *limit*.
    """
    return await discrepancies.list_discrepancies_for_operator(
        connection, with_closed=with_closed, customer_id=customer_id, limit=limit
    )


async def get_discrepancy_for_operator(connection: Connection, discrepancy_id: int) -> Discrepancy:
    """
    Return a discrepancy.

    Raises:
        UnknownDiscrepancy: there is none of this id.
    """
    found = await discrepancies.find_discrepancy_for_operator(connection, discrepancy_id)
    if found is None:
        raise UnknownDiscrepancy(discrepancy_id=discrepancy_id)
    return found


async def close_discrepancy(
    connection: Connection, discrepancy_id: int, *, actor: Actor, reason: str, now: datetime
) -> Discrepancy:
    """
    Close a discrepancy for a *reason*: it is not told again as long as both sides say what they say now.

    Raises:
        UnknownDiscrepancy: there is none of this id.
        DiscrepancyClosed: it is closed already.
    """
    found = await discrepancies.lock_discrepancy_for_operator(connection, discrepancy_id)
    if found is None:
        raise UnknownDiscrepancy(discrepancy_id=discrepancy_id)
    if found.closed_at is not None:
        raise DiscrepancyClosed(discrepancy_id=discrepancy_id)
    await discrepancies.close_discrepancy(connection, discrepancy_id, closed_by=str(actor), reason=reason, now=now)
    await record(
        connection,
        actor=actor,
        action="discrepancy:closed",
        subject=f"discrepancy {discrepancy_id}",
        customer_id=found.customer_id,
        facts={"reason": reason, "kind": found.kind, "class": found.klass, "stripe_object_id": found.stripe_object_id},
    )
    return await get_discrepancy_for_operator(connection, discrepancy_id)


async def list_runs_for_operator(connection: Connection, *, limit: int) -> list[Run]:
    """
    Return the latest comparisons, newest first, at most *limit*.
    """
    return await runs.list_runs_for_operator(connection, limit=limit)
