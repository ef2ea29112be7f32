"""
What makes a debt overdue, what excuses it, and what mends it: computed from what is owed, at once.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import asyncpg
import pytest

from charges.stage import NOW, SECOND, Stage
from rsolv import charges
from rsolv.audit import SYSTEM
from rsolv.charges import Held, Intent
from rsolv.db import Connection
from rsolv.standing.rules import GRACE
from spending_caps.capped import capped, set_cap
from standing.owing import DAY, DECLINING, OVER, owe, stands

Ender = Callable[..., Awaitable[charges.Charge]]


async def test_a_first_decline_begins_the_grace(stage: Stage) -> None:
    """
    Seven days from that moment; with the amount of the fix.
    """
    charge = await stage.charge(await owe(stage))

    now = await stands(stage, at=NOW)

    assert (now.state, now.owed_cents, now.currency) == ("grace", charge.amount_cents, charge.currency)
    assert (now.since, now.grace_ends_at) == (NOW, OVER)
    assert (await stands(stage, at=OVER)).state == "refused"


async def test_a_charge_on_its_way_makes_nothing_overdue(stage: Stage) -> None:
    """
    However long it takes us.
    """
    await stage.fix()

    assert (await stands(stage, at=NOW + 30 * DAY)).state == "good"


async def test_later_declines_begin_nothing_anew(stage: Stage) -> None:
    """
    Neither those of the schedule, nor that of another card, which begins a schedule of its own.
    """
    charge_id = await owe(stage)
    await stage.advance(charge_id, at=NOW + DAY)
    await stage.add_card(DECLINING, at=NOW + 2 * DAY)
    assert (await stage.advance(charge_id, at=NOW + 2 * DAY)).declines == 1

    assert (await stands(stage, at=NOW + 2 * DAY)).since == NOW
    assert (await stands(stage, at=OVER)).state == "refused"


async def test_the_oldest_unpaid_debt_counts_and_all_are_added_up(stage: Stage) -> None:
    """
    Where another was declined later.
    """
    first = await stage.charge(await owe(stage))
    second = await stage.fix(at=NOW + DAY)
    await stage.advance(second, at=NOW + DAY)

    now = await stands(stage, at=NOW + DAY)

    assert (now.since, now.owed_cents) == (NOW, 2 * first.amount_cents)


@pytest.mark.parametrize("at", [NOW + DAY, OVER, OVER + 30 * DAY])
async def test_a_new_card_that_pays_mends_it_with_that_commit(stage: Stage, at: datetime) -> None:
    """
    In grace and long after; one that was only added does not yet.
    """
    charge_id = await owe(stage)
    await stage.add_card("pm_card_visa", at=at)
    assert (await stands(stage, at=at)).state != "good"

    await stage.finish(charge_id, at=at)

    assert (await stage.charge(charge_id)).state == "succeeded"
    assert (await stands(stage, at=at)).state == "good"


@pytest.mark.parametrize("end", [charges.cancel_debt, charges.give_up])
async def test_a_debt_that_is_dropped_or_written_off_is_owed_no_more(stage: Stage, end: Ender) -> None:
    """
    From the moment on at which somebody says so.
    """
    charge_id = await owe(stage)

    async with stage.database.transaction() as connection:
        await end(connection, customer_id=stage.customer_id, charge_id=charge_id, actor=SYSTEM, reason="ours", now=OVER)

    assert (await stands(stage, at=OVER)).state == "good"
    await stage.finish(charge_id, at=OVER)
    assert (await stands(stage, at=OVER)).state == "good"


async def test_want_of_consent_is_the_customers(stage: Stage) -> None:
    """
    Withdrawn before the charge: overdue from then on.
    """
    charge_id = await stage.fix()
    await stage.withdraw_consent()
    await stage.finish(charge_id)

    assert (await stands(stage, at=OVER)).state == "refused"


async def test_who_never_answers_their_bank_is_overdue_from_the_end_of_the_wait(stage: Stage) -> None:
    """
    A week to authenticate, and then the grace.
    """
    await stage.add_card("pm_card_authenticationRequired", at=NOW + SECOND)
    charge_id = await stage.fix()
    waiting = await stage.advance(charge_id)
    assert (waiting.state, (await stands(stage, at=NOW)).state) == ("requires_action", "good")

    await stage.finish(charge_id)

    now = await stands(stage, at=NOW + 8 * DAY)
    assert (await stage.charge(charge_id)).parked_reason == "action_expired"
    assert now.state == "grace"
    assert now.since is not None
    assert now.since >= NOW + timedelta(days=7)


async def test_what_we_hold_back_ourselves_excuses_the_customer(stage: Stage) -> None:
    """
    Declined, and then billing is switched off: they could not pay if they wanted to.
    """
    charge_id = await owe(stage)

    await stage.advance(charge_id, at=NOW + DAY, machine=stage.machine(billing_enabled=False))

    assert (await stage.charge(charge_id)).parked_reason == "billing_off"
    assert (await stands(stage, at=OVER)).state == "good"


async def test_a_spending_cap_makes_nothing_overdue(stage: Stage) -> None:
    """
    The customer limited what is charged; what is over it waits, and the service goes on.
    """
    await set_cap(stage, 0)
    charge_id = await stage.fix()

    held = await stage.advance(charge_id, machine=capped(stage))

    assert held.parked_reason == "spending_cap"
    assert (await stands(stage, at=OVER)).state == "good"


async def test_a_cap_set_after_a_decline_is_no_way_out(stage: Stage) -> None:
    """
    What was declined before waits for the cap now, and stays overdue.
    """
    charge_id = await owe(stage)
    await set_cap(stage, 0)

    held = await stage.advance(charge_id, at=NOW + DAY, machine=capped(stage))

    assert held.parked_reason == "spending_cap"
    assert (await stands(stage, at=OVER)).state == "refused"


async def test_a_safety_cap_is_ours(stage: Stage) -> None:
    """
    As are all holds that the customer has no say in.
    """

    async def hold(_connection: Connection, _intent: Intent, now: datetime) -> Held:
        return Held("safety_cap", now + DAY)

    charge_id = await owe(stage)
    await stage.advance(charge_id, at=NOW + DAY, machine=stage.machine(cap=hold))

    assert (await stands(stage, at=OVER)).state == "good"


async def test_since_when_a_debt_is_overdue_is_written_once(stage: Stage) -> None:
    """
    The database refuses another time, and none, for its owner too.
    """
    await owe(stage)

    for value in ("NULL", "overdue_since + interval '1 day'"):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="overdue since"):
            await stage.owner.execute(f"UPDATE charge_debts SET overdue_since = {value}")  # noqa: S608 -- as above


@pytest.mark.damages_books("a guard is switched off")
async def test_planted_bug_counting_from_the_schedule_would_never_refuse(stage: Stage) -> None:
    """
    A dead card every few days begins the schedule anew: by that clock there is always grace, and the check notices.
    """
    charge_id = await owe(stage)
    await stage.owner.execute("ALTER TABLE charge_debts DISABLE TRIGGER USER")
    for days in (3, 6):
        await stage.add_card(DECLINING, at=NOW + days * DAY)
        await stage.advance(charge_id, at=NOW + days * DAY)
    await stage.owner.execute("UPDATE charge_debts SET overdue_since = (SELECT dunning_began_at FROM charge_intents)")

    assert (await stands(stage, at=OVER)).state == "grace"
    assert (await stands(stage, at=NOW + 6 * DAY + GRACE)).state == "refused"
