"""
Two at once, readings in the wrong order, dying half-way: books, freeze and stage end where Stripe is.
"""

import asyncio
from datetime import datetime

import asyncpg
import pytest

from charges.stage import NOW
from charges.test_crashes import Died, Sleepy
from disputes.disputing import LATER, Court, moved, reading
from rsolv import disputes
from rsolv.charges import Held, Intent
from rsolv.db import Connection
from rsolv.disputes import DISPUTED
from rsolv.disputes.queries.freezes import find_freeze
from spending_caps.test_races import DEADLINE_SECONDS, slow_when, told


async def test_two_at_once_take_it_back_once(court: Court) -> None:
    """
    The second waits for the first, and finds nothing to do.
    """
    charge = await court.pay()

    settled = await asyncio.gather(*(court.settle(reading(charge)) for _ in range(4)))

    assert sorted(each.believed for each in settled) == ["already"] * 3 + ["settled"]
    assert await court.notices() == ["open"]
    await court.require_withdrawn(charge)


async def test_a_worker_that_read_before_the_win_and_comes_after_it_changes_nothing(court: Court) -> None:
    """
    It slept with the older reading in hand: that has fewer movements, and is passed over.
    """
    charge, dispute_id = await court.disputed()
    asleep, awake = asyncio.Event(), asyncio.Event()
    sleepy = Sleepy(court.stage.gateway, asleep, awake, verb="read_dispute")
    sleeper = asyncio.create_task(
        disputes.look_at_dispute(court.stage.database, sleepy, court.stage.bus, stripe_dispute_id=dispute_id, now=LATER)
    )
    await asleep.wait()
    await court.decide(dispute_id, won=True)
    await court.look(dispute_id)

    awake.set()

    assert (await sleeper).believed == "stale"
    await court.require_untouched(charge)


async def test_planted_bug_believing_whoever_comes_last_takes_it_twice(court: Court) -> None:
    """
    Without the count of movements the older reading would be believed, and the books would lack what is there.
    """
    charge = await court.pay()
    for movements in (1, 2):
        await court.settle(moved(charge, "open", movements))

    uncounted = moved(charge, "open", 3)  # as if the older reading did not say that it is
    await court.settle(uncounted)

    with pytest.raises(AssertionError):
        await court.require_untouched(charge)


async def test_a_stage_that_was_written_in_the_wrong_order_is_mended(court: Court) -> None:
    """
    The money is the same, so both are believed; the last to change anything has it read once more.
    """
    charge, dispute_id = await court.disputed()
    older = await court.theirs(charge)
    await court.decide(dispute_id, won=False)
    await court.look(dispute_id)

    await court.settle(older, at=LATER)
    wrong = await court.dispute(dispute_id)
    assert (wrong.stage, wrong.closed_at) == ("open", None)
    assert wrong.wake_at is not None
    await court.look(dispute_id, at=wrong.wake_at)

    assert (await court.dispute(dispute_id)).stage == "lost"
    await court.require_withdrawn(charge)


async def test_dying_half_way_leaves_nothing(court: Court) -> None:
    """
    Books, freeze, notices and record are one transaction.
    """
    charge = await court.pay()
    before, acts = await court.stage.books(), await court.acts()

    async def settle_and_die() -> None:
        async with court.stage.database.transaction() as connection:
            await disputes.settle_dispute(connection, court.stage.bus, reading(charge), now=NOW)
            raise Died

    with pytest.raises(Died):
        await settle_and_die()

    assert (await court.stage.books(), await court.acts(), await court.notices()) == (before, acts, [])
    await court.require_untouched(charge)


async def test_a_freeze_waits_for_a_charge_in_its_last_look(court: Court) -> None:
    """
    What has been let go is armed before the freeze is there; what looks afterwards is held.
    """
    paid = await court.pay()
    charge_id = await court.stage.fix()
    asked = asyncio.Event()
    machine = court.stage.machine(cap=slow_when(court.stage, told(asked, disputes.hold_disputed), held=False))

    async def freeze() -> None:
        await asked.wait()
        await court.settle(reading(paid))

    charge, _ = await asyncio.gather(court.stage.advance(charge_id, machine=machine), freeze())

    assert charge.state == "succeeded"
    assert (await court.held()).parked_reason == DISPUTED
    assert await court.breaches() == []


async def test_a_last_look_waits_for_a_freeze_that_is_being_written(court: Court) -> None:
    """
    Also where the customer's row is written at that very moment: nothing slips through between.
    """
    paid = await court.pay()
    await court.stage.owner.execute("DELETE FROM charge_freezes")
    charge_id = await court.stage.fix()
    frozen, looked = asyncio.Event(), asyncio.Event()

    async def freeze() -> None:
        async with court.stage.database.transaction() as connection:
            await disputes.settle_dispute(connection, court.stage.bus, reading(paid), now=NOW)
            frozen.set()
            await until_somebody_waits(court)
            looked.set()

    async def charge() -> str | None:
        await frozen.wait()
        return (await court.stage.advance(charge_id, machine=court.machine)).parked_reason

    _, reason = await asyncio.gather(freeze(), charge())

    assert looked.is_set()
    assert reason == DISPUTED


async def until_somebody_waits(court: Court) -> None:
    """
    Return when a transaction waits for the end of another.
    """
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await court.stage.owner.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110 -- the lock is in another process
            await asyncio.sleep(0)


async def test_planted_bug_a_look_without_a_lock_lets_a_charge_slip_through(court: Court) -> None:
    """
    Frozen between looking and arming: where the database did not refuse it, the charge would be made.
    """
    paid = await court.pay()
    charge_id = await court.stage.fix()
    asked, frozen = asyncio.Event(), asyncio.Event()

    async def without_lock(connection: Connection, intent: Intent, _now: datetime) -> Held | None:
        is_frozen = await find_freeze(connection, customer_id=intent.customer_id)
        asked.set()
        async with asyncio.timeout(DEADLINE_SECONDS):
            await frozen.wait()
        return Held(DISPUTED) if is_frozen else None

    async def freeze() -> None:
        await asked.wait()
        await court.settle(reading(paid))
        frozen.set()

    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="are frozen"):
        await asyncio.gather(court.stage.advance(charge_id, machine=court.stage.machine(cap=without_lock)), freeze())


async def test_a_charge_held_while_the_freeze_is_lifted_is_found(court: Court) -> None:
    """
    Who lifts it waits for the charge to rest, and so the promised retry sees it: no wake-up is lost.
    """
    await court.disputed()
    charge_id = await court.stage.fix()
    asked = asyncio.Event()
    machine = court.stage.machine(cap=slow_when(court.stage, told(asked, disputes.hold_disputed), held=True))

    async def release() -> None:
        await asked.wait()
        await court.release()

    held, _ = await asyncio.gather(court.stage.advance(charge_id, machine=machine), release())
    assert held.parked_reason == DISPUTED
    assert await court.retry() == 1

    assert (await court.stage.finish(charge_id, machine=court.machine)).state == "succeeded"


async def test_planted_bug_a_freeze_read_without_a_lock_forgets_a_charge(court: Court) -> None:
    """
    Lifted and retried between reading the freeze and resting: the charge waits for ever.
    """
    await court.disputed()
    charge_id = await court.stage.fix()
    asked, released = asyncio.Event(), asyncio.Event()

    async def without_lock(connection: Connection, intent: Intent, _now: datetime) -> Held | None:
        is_frozen = await find_freeze(connection, customer_id=intent.customer_id)
        asked.set()
        async with asyncio.timeout(DEADLINE_SECONDS):
            await released.wait()
        return Held(DISPUTED) if is_frozen else None

    async def release() -> None:
        await asked.wait()
        await court.release()
        await court.retry()
        released.set()

    await asyncio.gather(court.stage.advance(charge_id, machine=court.stage.machine(cap=without_lock)), release())

    assert (await court.stage.charge(charge_id)).parked_reason == DISPUTED
    assert not await court.is_frozen()
