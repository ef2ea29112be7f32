"""
Keep customers from being charged who have taken a charge back, and let them go again.
"""

from datetime import datetime

from rsolv import charges
from rsolv.audit import SYSTEM, Actor, record
from rsolv.charges import Held, Intent
from rsolv.db import Connection
from rsolv.disputes.queries import disputes, freezes
from rsolv.disputes.rules import DISPUTED, retry_job
from rsolv.jobs import enqueue


async def hold_disputed(connection: Connection, intent: Intent, now: datetime) -> Held | None:
    """
    Hold a charge whose customer is frozen, until somebody lifts that: what charges ask before they are made.

    Runs in the arming transaction under a lock that arming shares: a freeze committed before is seen, and one that
    comes later waits until the charge is armed, or rests where the lifting finds it.
    """
    is_frozen = await freezes.share_freeze(connection, customer_id=intent.customer_id)
    if is_frozen is None:
        await freezes.insert_freeze_once(connection, customer_id=intent.customer_id, now=now)
        is_frozen = await freezes.share_freeze(connection, customer_id=intent.customer_id)
    return Held(DISPUTED) if is_frozen else None


async def is_frozen(connection: Connection, *, customer_id: int) -> bool:
    """
    Say whether a customer is not charged now because of a dispute.
    """
    return await freezes.find_freeze(connection, customer_id=customer_id)


async def release(connection: Connection, *, customer_id: int, actor: Actor, reason: str, now: datetime) -> int:
    """
    Charge a customer again in spite of their disputes so far, for a reason; what waited goes on at once.

    Returns how many disputes had frozen them. The next withdrawal freezes them anew. A repeat changes nothing.
    """
    released = await disputes.release_disputes(
        connection, customer_id=customer_id, released_by=str(actor), reason=reason, now=now
    )
    if released:
        await follow_disputes(connection, customer_id=customer_id, actor=actor, reason=reason, now=now)
    return released


async def follow_disputes(
    connection: Connection, *, customer_id: int, now: datetime, actor: Actor = SYSTEM, reason: str | None = None
) -> None:
    """
    Freeze a customer, or lift it, as their disputes in this transaction say; what waited is then promised to go on.

    Not in this transaction: charges lock themselves and then the freeze, so who has that must not wait for charges.
    """
    await freezes.insert_freeze_once(connection, customer_id=customer_id, now=now)
    was_frozen = await freezes.lock_freeze(connection, customer_id=customer_id)
    is_frozen = await freezes.update_freeze(connection, customer_id=customer_id, now=now)
    if is_frozen == was_frozen:
        return
    if not is_frozen:
        await enqueue(connection, retry_job(customer_id))
    await record(
        connection,
        actor=actor,
        action="charges:frozen" if is_frozen else "charges:released",
        subject=f"customer {customer_id}",
        customer_id=customer_id,
        facts={"reason": reason},
    )


async def wake_waiting(connection: Connection, *, customer_id: int, now: datetime) -> None:
    """
    Have what waited for a freeze to be lifted go on now; if that is very much, the rest is promised.
    """
    woken = await charges.retry_held(connection, customer_id=customer_id, reason=DISPUTED, now=now)
    if woken == charges.HELD_AT_A_TIME:
        await enqueue(connection, retry_job(customer_id))
