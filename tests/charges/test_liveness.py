"""
Nothing is forgotten: every charge goes on by itself, through the real queue, also when its job was lost.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest

from charges.stage import NOW, Stage
from charges.test_crashes import Died, dying
from cli.waiting import DEADLINE_SECONDS, eventually
from rsolv import charges
from rsolv.audit import SYSTEM
from rsolv.charges.jobs import advance_charge, wake_schedule
from rsolv.jobs import work
from rsolv.kernel import clock
from stripe_twin.core.faults import Fault


@asynccontextmanager
async def working(stage: Stage, database_url: str) -> AsyncIterator[None]:
    """
    Work as the worker does, until the block ends.
    """
    stop = asyncio.Event()
    handlers = {"charge.advance": advance_charge(stage.database, stage.gateway, stage.bus)}
    task = asyncio.create_task(work(database_url, handlers=handlers, stop=stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, DEADLINE_SECONDS)


async def test_the_worker_charges_what_was_reported(stage: Stage, database_url: str, owner: asyncpg.Connection) -> None:
    """
    Debt and job are written together; the worker takes the job from there, also over a fault.
    """
    now = clock.now()
    stage.twin.faults.plan([Fault("timeout_before", method="POST", template="/v1/payment_intents/{intent}/confirm")])

    async def done() -> bool:
        await owner.execute("UPDATE pgqueuer SET execute_after = now() WHERE status = 'queued'")
        return await owner.fetchval("SELECT count(*) FROM charge_intents WHERE state = 'succeeded'") == 3

    async with working(stage, database_url):
        ids = [await stage.fix(at=now) for _ in range(3)]
        await eventually(done, "all are paid")

    assert len(stage.paid()) == len(ids)
    assert await stage.breaches() == []


async def test_a_charge_rests_only_with_a_job_at_its_time(stage: Stage, owner: asyncpg.Connection) -> None:
    """
    Written in the transaction that lets it rest, under a key that the running job does not hold.
    """
    await stage.add_card("pm_card_chargeCustomerFail")
    charge_id = await stage.fix()
    await owner.execute("DELETE FROM pgqueuer")

    charge = await stage.advance(charge_id)

    run_after = await owner.fetchval("SELECT execute_after - updated FROM pgqueuer WHERE entrypoint = 'charge.advance'")
    assert charge.wake_at is not None
    assert run_after == charge.wake_at - NOW == timedelta(days=1)


async def test_a_charge_whose_job_was_lost_is_found(stage: Stage, owner: asyncpg.Connection) -> None:
    """
    By the schedule, once its time is past and nobody holds it.
    """
    charge_id = await stage.fix()
    await owner.execute("DELETE FROM pgqueuer")
    jobs = "SELECT count(*) FROM pgqueuer WHERE entrypoint = 'charge.advance'"

    async def wake(minutes: int) -> int:
        async with stage.database.transaction() as connection:
            return await charges.wake_overdue(connection, now=NOW + timedelta(minutes=minutes))

    assert [await wake(0), await wake(2), await wake(2)] == [0, 1, 1]
    assert await owner.fetchval(jobs) == 1
    with pytest.raises(Died):
        await stage.advance(charge_id, machine=stage.machine(at=dying("X9")))
    assert await wake(60) == 0, "a worker holds it"
    await stage.end_leases()
    assert await wake(60) == 1
    await stage.finish(charge_id)
    assert await wake(10_000) == 0


async def test_the_schedule_runs_each_minute(stage: Stage, owner: asyncpg.Connection) -> None:
    """
    It enqueues for what is overdue now.
    """
    await stage.fix(at=clock.now() - timedelta(hours=1))
    await owner.execute("DELETE FROM pgqueuer")
    schedule = wake_schedule(stage.database)

    await schedule.run()

    assert schedule.cron == "* * * * *"
    assert await owner.fetchval("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'charge.advance'") == 1


async def test_an_operator_has_a_parked_charge_go_on(stage: Stage, owner: asyncpg.Connection) -> None:
    """
    Whatever it was parked for; it is recorded who did it.
    """
    charge_id = await stage.fix()
    await stage.withdraw_consent()
    await stage.finish(charge_id)

    async with stage.database.transaction() as connection:
        charge = await charges.retry_charge(
            connection, customer_id=stage.customer_id, charge_id=charge_id, actor=SYSTEM, now=NOW
        )

    assert (charge.parked_reason, charge.wake_at) == (None, NOW)
    assert await owner.fetchval("SELECT count(*) FROM audit_entries WHERE action = 'charge:retried'") == 1
    assert (await stage.finish(charge_id)).parked_reason == "no_consent", "still without consent"


async def test_a_charge_that_has_ended_cannot_go_on(stage: Stage) -> None:
    """
    Paid is paid.
    """
    charge_id = await stage.fix()
    await stage.advance(charge_id)

    async with stage.database.transaction() as connection:
        with pytest.raises(charges.ChargeCannotEnd):
            await charges.retry_charge(
                connection, customer_id=stage.customer_id, charge_id=charge_id, actor=SYSTEM, now=NOW
            )


@pytest.mark.damages_books("a charge is forgotten")
async def test_planted_bug_a_charge_that_nobody_wakes_is_refused_and_noticed(
    stage: Stage, owner: asyncpg.Connection
) -> None:
    """
    The database refuses it; without that constraint the books say so.
    """
    await stage.fix()
    forget = "UPDATE charge_intents SET wake_at = NULL"

    with pytest.raises(asyncpg.CheckViolationError):
        await owner.execute(forget)
    await owner.execute("ALTER TABLE charge_intents DROP CONSTRAINT charge_intents_never_forgotten")
    await owner.execute(forget)

    assert [finding.id for finding in await stage.breaches()] == ["C-9"]
