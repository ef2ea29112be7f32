"""
Two workers at once, and a cap changed meanwhile: no cap is exceeded, and nothing that waits is forgotten.
"""

import asyncio
from datetime import datetime

import pytest

from charges.stage import NOW, Stage
from rsolv import charges
from rsolv.charges import Cap, Held, Intent
from rsolv.db import Connection
from rsolv.spending_caps import SAFETY_CAP, SPENDING_CAP, SafetyCaps, cap_charges
from rsolv.spending_caps.queries import find_cap
from rsolv.spending_caps.rules import month_start, over_spending_cap
from spending_caps.capped import capped, price, retry_by_job, set_cap, status, taken

DEADLINE_SECONDS = 30.0
AT_ONCE = 6


async def until_somebody_waits(stage: Stage) -> None:
    """
    Return when a transaction waits for the end of another.
    """
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await stage.owner.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110 -- the lock is in another process
            await asyncio.sleep(0)


def slow_when(stage: Stage, cap: Cap, *, held: bool) -> Cap:
    """
    Have whoever is held, or is not, rest after asking the cap until somebody else stands before the same door.
    """

    async def ask(connection: Connection, intent: Intent, now: datetime) -> Held | None:
        found = await cap(connection, intent, now)
        if (found is not None) is held:
            await until_somebody_waits(stage)
        return found

    return ask


def told(asked: asyncio.Event, cap: Cap) -> Cap:
    """
    Tell when a cap has answered.
    """

    async def ask(connection: Connection, intent: Intent, now: datetime) -> Held | None:
        found = await cap(connection, intent, now)
        asked.set()
        return found

    return ask


async def at_once(stage: Stage, cap: Cap, *, number: int = 2) -> list[charges.Charge]:
    """
    Charge so many fixes at the same moment.
    """
    made = [await stage.fix() for _ in range(number)]
    machine = stage.machine(cap=cap)
    return list(await asyncio.gather(*(stage.advance(charge_id, machine=machine) for charge_id in made)))


async def require_within(stage: Stage, cap_cents: int) -> None:
    """
    Insist that no more was taken than the cap allows, and on sound books.
    """
    assert taken(stage) <= cap_cents
    assert await stage.breaches() == []


async def test_of_two_charges_armed_at_once_one_fits(stage: Stage) -> None:
    """
    The second waits for the first to commit, counts it, and rests.
    """
    cost = await price(stage)
    await set_cap(stage, cost)

    ended = await at_once(stage, slow_when(stage, cap_charges(SafetyCaps()), held=False))

    assert sorted(charge.state for charge in ended) == ["prepared", "succeeded"]
    assert [charge.parked_reason for charge in ended if charge.state == "prepared"] == [SPENDING_CAP]
    assert taken(stage) == cost
    await require_within(stage, cost)


async def test_of_two_charges_armed_at_once_one_fits_the_safety_cap(stage: Stage) -> None:
    """
    Also where the customer has no cap, so that the row to lock is written at that very moment.
    """
    cost = await price(stage)

    ended = await at_once(stage, slow_when(stage, cap_charges(SafetyCaps(per_hour_max_cents=cost)), held=False))

    assert [charge.parked_reason for charge in ended if charge.state == "prepared"] == [SAFETY_CAP]
    assert taken(stage) == cost
    await require_within(stage, cost)


async def test_of_many_charges_at_once_as_many_are_made_as_fit(stage: Stage) -> None:
    """
    However they fall.
    """
    cost = await price(stage)
    await set_cap(stage, 2 * cost)

    ended = await at_once(stage, cap_charges(SafetyCaps()), number=AT_ONCE)

    assert sorted(charge.state for charge in ended) == ["prepared"] * (AT_ONCE - 2) + ["succeeded"] * 2
    await require_within(stage, 2 * cost)


async def test_planted_bug_a_cap_without_a_lock_lets_both_through(stage: Stage) -> None:
    """
    Both add up before either is armed, both find room, and the check above notices.
    """
    cost = await price(stage)
    await set_cap(stage, cost)
    both_looked = asyncio.Barrier(2)

    async def without_lock(connection: Connection, intent: Intent, now: datetime) -> Held | None:
        cap = await find_cap(connection, customer_id=intent.customer_id)
        assert cap is not None
        spent = await charges.spent_since(
            connection, customer_id=intent.customer_id, currency=intent.currency, since=month_start(now)
        )
        async with asyncio.timeout(DEADLINE_SECONDS):
            await both_looked.wait()
        return over_spending_cap(cap, amount_cents=intent.amount_cents, currency="usd", spent=spent, now=now)

    await at_once(stage, without_lock)

    assert taken(stage) == 2 * cost
    with pytest.raises(AssertionError):
        await require_within(stage, cost)


async def test_a_cap_raised_while_a_charge_is_held_by_the_old_one_finds_it(stage: Stage) -> None:
    """
    Who raises it waits for the charge to rest, and so the promised retry sees it: no wake-up is lost.
    """
    cost = await price(stage)
    await set_cap(stage, 0)
    await retry_by_job(stage)
    charge_id = await stage.fix()
    asked = asyncio.Event()
    machine = stage.machine(cap=slow_when(stage, told(asked, cap_charges(SafetyCaps())), held=True))

    async def raise_it() -> None:
        await asked.wait()
        await set_cap(stage, cost)

    held, _ = await asyncio.gather(stage.advance(charge_id, machine=machine), raise_it())
    assert held.parked_reason == SPENDING_CAP
    assert await retry_by_job(stage) == 1

    assert (await stage.charge(charge_id)).wake_at == NOW
    assert (await stage.advance(charge_id, machine=capped(stage))).state == "succeeded"


async def test_planted_bug_a_cap_read_without_a_lock_forgets_a_charge(stage: Stage) -> None:
    """
    Raised and retried between reading the old cap and resting: the charge waits for the next month all the same.
    """
    cost = await price(stage)
    await set_cap(stage, 0)
    asked, raised = asyncio.Event(), asyncio.Event()

    async def without_lock(connection: Connection, intent: Intent, now: datetime) -> Held | None:
        cap = await find_cap(connection, customer_id=intent.customer_id)
        assert cap is not None
        asked.set()
        async with asyncio.timeout(DEADLINE_SECONDS):
            await raised.wait()
        spent = charges.Spent(0, 0)
        return over_spending_cap(cap, amount_cents=intent.amount_cents, currency="usd", spent=spent, now=now)

    async def raise_it() -> None:
        await asked.wait()
        await set_cap(stage, cost)
        await retry_by_job(stage)
        raised.set()

    charge_id = await stage.fix()
    await asyncio.gather(stage.advance(charge_id, machine=stage.machine(cap=without_lock)), raise_it())

    assert (await stage.charge(charge_id)).parked_reason == SPENDING_CAP
    assert not (await status(stage)).is_reached


async def test_adding_a_card_and_charging_at_once_do_not_block_each_other(stage: Stage) -> None:
    """
    Who adds a card has the customer and then wakes charges; who charges has the charge and then asks the cap.
    """
    cost = await price(stage)
    await set_cap(stage, 2 * cost)
    made = [await stage.fix() for _ in range(2)]

    await asyncio.gather(
        stage.add_card("pm_card_mastercard"),
        *(stage.advance(charge_id, machine=capped(stage)) for charge_id in made),
    )
    for charge_id in made:
        await stage.finish(charge_id, machine=capped(stage))

    assert (await status(stage)).spent_cents == 2 * cost
    await require_within(stage, 2 * cost)
