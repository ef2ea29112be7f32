"""
Tell people what became of a dispute.
"""

import structlog

from rsolv.audit import SYSTEM, record
from rsolv.db import Connection
from rsolv.disputes.rules import Dispute, notice_job
from rsolv.jobs import enqueue

_ALARMING = frozenset({"open", "lost", "unknown"})

log = structlog.get_logger()


async def tell(connection: Connection, after: Dispute, *, known: Dispute | None) -> None:
    """
    Record, log and promise to tell operators each stage that is new, each move of money, and why a dispute is parked.

    *known* is the dispute as it was before; None: it is new.
    """
    if known is None or after.stage != known.stage:
        await _say(connection, after, after.stage, is_alarming=after.stage in _ALARMING)
    if after.money != ("untouched" if known is None else known.money):
        await _note(connection, after, after.money)
    if after.parked_reason is not None and (known is None or after.parked_reason != known.parked_reason):
        await _say(connection, after, "parked", is_alarming=True)


async def _say(connection: Connection, dispute: Dispute, notice: str, *, is_alarming: bool) -> None:
    say = log.error if is_alarming else log.warning
    say(
        f"dispute_{notice}",
        customer_id=dispute.customer_id,
        about=str(dispute.paid),
        stripe_dispute_id=dispute.stripe_dispute_id,
        respond_by=dispute.respond_by and dispute.respond_by.isoformat(),
        reason=dispute.parked_reason,
    )
    await enqueue(connection, notice_job(dispute, notice))
    await _note(connection, dispute, notice)


async def _note(connection: Connection, dispute: Dispute, what: str) -> None:
    await record(
        connection,
        actor=SYSTEM,
        action=f"dispute:{what}",
        subject=f"dispute {dispute.id}",
        customer_id=dispute.customer_id,
        facts=dispute.paid.facts
        | {
            "stripe_dispute_id": dispute.stripe_dispute_id,
            "amount_cents": dispute.amount_cents,
            "parked_reason": dispute.parked_reason,
        },
    )
