"""
Take a charge up, alone.
"""

from datetime import datetime, timedelta

from rsolv.charges.errors import UnknownCharge
from rsolv.charges.queries import attempts, intents
from rsolv.charges.rules import FINAL, Intent, advance_job, create_hash
from rsolv.db import Connection
from rsolv.jobs import enqueue

_AFTER_THE_LEASE = timedelta(seconds=1)


async def claim(
    connection: Connection, *, customer_id: int, charge_id: int, lease: timedelta, now: datetime
) -> Intent | None:
    """
    Take up a charge that is due and that nobody holds, for as long as the lease; None when there is nothing to do now.

    Who comes while another holds it, or too early, promises to come again. The first claim writes down the attempt to
    create the payment, before anybody is called.

    Raises:
        UnknownCharge: the customer has no such charge.
    """
    intent = await intents.lock_intent(connection, customer_id=customer_id, charge_id=charge_id)
    if intent is None:
        raise UnknownCharge(charge_id=charge_id)
    if intent.state in FINAL or intent.wake_at is None:
        return None
    wake_at = now + intent.lease_left + _AFTER_THE_LEASE if intent.lease_left else intent.wake_at
    if wake_at > now:
        why = f"early {now.timestamp()}"  # or the job that runs now, if it came early before, would hold the key
        job = advance_job(customer_id=customer_id, charge_id=charge_id, wake_at=wake_at, now=now, why=why)
        await enqueue(connection, job)
        return None
    claimed = await intents.claim_intent(connection, intent, lease=lease, now=now)
    if intent.state == "created":
        await attempts.insert_attempt(
            connection, claimed, kind="create", number=1, parameter_hash=create_hash(claimed), sent_at=now
        )
    return claimed
