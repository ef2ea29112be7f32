"""
Have somebody look at what nothing of ours may settle.
"""

from datetime import datetime

import structlog

from rsolv.audit import SYSTEM, record
from rsolv.db import Connection
from rsolv.jobs import enqueue
from rsolv.reconciliation.queries import discrepancies
from rsolv.reconciliation.rules import AGREES_NOW, Difference, notice_job

log = structlog.get_logger()


async def note_difference(connection: Connection, difference: Difference, *, now: datetime) -> None:
    """
    Park a difference: written down, recorded, alerted and promised to be told; once, however often it is seen.

    What an operator closed with these very words on both sides is accepted and stays closed.
    """
    discrepancy_id = await discrepancies.note_difference(connection, difference, now=now)
    if discrepancy_id is None:
        return
    found = await discrepancies.find_discrepancy_for_operator(connection, discrepancy_id)
    assert found is not None, "just written"
    await enqueue(connection, notice_job(found))
    await record(
        connection,
        actor=SYSTEM,
        action="discrepancy:found",
        subject=f"discrepancy {discrepancy_id}",
        customer_id=difference.customer_id,
        facts={
            "kind": difference.kind,
            "class": difference.klass,
            "stripe_object_id": difference.stripe_object_id,
            "ours": difference.ours,
            "theirs": difference.theirs,
            "amount_cents": difference.amount_cents,
        },
    )
    log.error(
        "discrepancy_found",
        discrepancy_id=discrepancy_id,
        kind=difference.kind,
        klass=difference.klass,
        stripe_object_id=difference.stripe_object_id,
        customer_id=difference.customer_id,
        amount_cents=difference.amount_cents,
    )


async def note_agreeing(connection: Connection, stripe_object_ids: list[str], *, now: datetime) -> None:
    """
    Close what was open about objects on which both sides agree by now.
    """
    closed = await discrepancies.close_agreeing(
        connection, stripe_object_ids=stripe_object_ids, reason=AGREES_NOW, closed_by=str(SYSTEM), now=now
    )
    if closed:
        log.info("discrepancies_gone", count=closed)
