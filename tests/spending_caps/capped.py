"""
A stage whose machine asks the caps, and what a test of them does and sees.
"""

from datetime import datetime

import asyncpg
import msgspec

from charges.stage import NOW, Stage
from rsolv import spending_caps
from rsolv.audit import Actor
from rsolv.charges import Charge
from rsolv.charges.jobs import Machine
from rsolv.spending_caps import CapStatus, SafetyCaps, cap_charges
from rsolv.spending_caps.service import wake_waiting

ADA = Actor("customer", "api key 1")


def capped(stage: Stage, safety: SafetyCaps | None = None) -> Machine:
    """
    Return the machine as the worker has it.
    """
    return stage.machine(cap=cap_charges(safety or SafetyCaps()))


async def set_cap(stage: Stage, cents: int | None) -> CapStatus:
    """
    Set acme's cap.
    """
    async with stage.database.transaction() as connection:
        return await spending_caps.set_cap(
            connection, customer_id=stage.customer_id, monthly_cap_cents=cents, actor=ADA, now=NOW
        )


async def status(stage: Stage) -> CapStatus:
    """
    Return acme's cap and what it has taken.
    """
    async with stage.database.reading() as connection:
        return await spending_caps.get_status(connection, customer_id=stage.customer_id, now=NOW)


async def price(stage: Stage) -> int:
    """
    Return what a fix costs acme.
    """
    return (await status(stage)).fix_price_cents


async def go_on_before(stage: Stage, charge_id: int, end: datetime) -> Charge:
    """
    Go on with a charge at each of its times before the end, and return it as it then is.
    """
    charge = await stage.charge(charge_id)
    while charge.wake_at is not None and charge.wake_at < end:
        charge = await stage.advance(charge_id, at=max(NOW, charge.wake_at), machine=capped(stage))
    return charge


async def retry_by_job(stage: Stage) -> int:
    """
    Do the promised retries at the time of these tests, and return how many there were. The charges are then due.
    """
    jobs = await queued(stage.owner, "spending_cap.retry")
    for job in jobs:
        ids = msgspec.json.decode(job["payload"])
        async with stage.database.transaction() as connection:
            await wake_waiting(connection, customer_id=ids["customer_id"], now=NOW)
        await stage.owner.execute("DELETE FROM pgqueuer WHERE id = $1", job["id"])
    return len(jobs)


async def queued(owner: asyncpg.Connection, kind: str) -> list[asyncpg.Record]:
    """
    Return the jobs of a kind that wait.
    """
    return list(await owner.fetch("SELECT id, payload FROM pgqueuer WHERE entrypoint = $1 AND status = 'queued'", kind))


def taken(stage: Stage) -> int:
    """
    Add up what Stripe took.
    """
    return sum(int(payment["amount"]) for payment in stage.paid())
