"""
A spending cap on the real machine: what is over it waits, is shown and told, and is charged once there is room.
"""

from datetime import datetime, timedelta

import asyncpg
import pytest
from structlog.testing import capture_logs

from charges.stage import NOW, SECOND, Stage
from charges.test_crashes import Died, dying
from charges.test_declines import notices
from rsolv import charges, spending_caps
from rsolv.charges import Held, Intent
from rsolv.customers import UnknownCustomer
from rsolv.db import Connection, RejectedByDatabase
from rsolv.spending_caps import SAFETY_CAP, SPENDING_CAP, SafetyCaps, SpendingCapInvalid, cap_charges
from rsolv.spending_caps.rules import (
    LOOK_AGAIN_WHEN_UNSAFE,
    LOOK_AGAIN_WHILE_UNDER_WAY,
    Cap,
    month_start,
    next_month_start,
    over_spending_cap,
)
from spending_caps.capped import ADA, capped, go_on_before, price, queued, retry_by_job, set_cap, status, taken
from stripe_twin.core.faults import Fault

JULY = next_month_start(NOW)
CONFIRM = "/v1/payment_intents/{intent}/confirm"


async def test_charges_up_to_the_cap_are_made_and_the_rest_waits(stage: Stage) -> None:
    """
    The one over it rests until the next month, says why, and its customer is told.
    """
    await set_cap(stage, 2 * await price(stage))
    made = [await stage.fix() for _ in range(3)]

    states = [await stage.advance(charge_id, machine=capped(stage)) for charge_id in made]

    assert [(charge.state, charge.parked_reason) for charge in states] == [
        ("succeeded", None),
        ("succeeded", None),
        ("prepared", SPENDING_CAP),
    ]
    assert states[2].wake_at == JULY
    assert taken(stage) == 2 * await price(stage)
    assert (await notices(stage)).count(SPENDING_CAP) == 1
    assert await stage.breaches() == []


async def test_the_cap_shows_what_the_month_has_taken(stage: Stage) -> None:
    """
    What succeeded, what is under way, what is left, and what waits.
    """
    cost = await price(stage)
    await set_cap(stage, 2 * cost)
    first, second, third = [await stage.fix() for _ in range(3)]
    await stage.advance(first, machine=capped(stage))
    stage.twin.faults.plan([Fault("timeout_before", method="POST", template=CONFIRM)])
    await stage.advance(second, machine=capped(stage))
    await stage.advance(third, machine=capped(stage))

    shown = await status(stage)

    assert (shown.spent_cents, shown.under_way_cents, shown.remaining_cents) == (cost, cost, 0)
    assert (shown.is_reached, shown.charges_waiting, shown.resets_at) == (True, 1, JULY)


async def test_a_new_month_charges_what_waited(stage: Stage) -> None:
    """
    By itself: its job waits in the queue until then.
    """
    cost = await price(stage)
    await set_cap(stage, cost)
    first, second, third = [await stage.fix() for _ in range(3)]
    for charge_id in (first, second, third):
        await stage.advance(charge_id, machine=capped(stage))

    assert (await stage.advance(second, at=JULY - SECOND, machine=capped(stage))).state == "prepared"
    assert (await stage.advance(second, at=JULY, machine=capped(stage))).state == "succeeded"
    waiting = await stage.advance(third, at=JULY, machine=capped(stage))

    assert (waiting.parked_reason, waiting.wake_at) == (SPENDING_CAP, next_month_start(JULY))
    assert taken(stage) == 2 * cost


@pytest.mark.parametrize("times_the_price", [2, None], ids=["raised", "taken-away"])
async def test_raising_the_cap_retries_at_once(stage: Stage, times_the_price: int | None) -> None:
    """
    In the transaction that raises it the retry is promised; it finds what waits, and that is charged.
    """
    cost = await price(stage)
    await set_cap(stage, cost)
    await retry_by_job(stage)
    first, second = [await stage.fix() for _ in range(2)]
    for charge_id in (first, second):
        await stage.advance(charge_id, machine=capped(stage))

    await set_cap(stage, times_the_price and times_the_price * cost)
    assert await retry_by_job(stage) == 1
    assert (await stage.charge(second)).wake_at == NOW

    assert (await stage.advance(second, machine=capped(stage))).state == "succeeded"
    assert taken(stage) == 2 * cost
    assert (await status(stage)).charges_waiting == 0


async def test_a_retry_that_finds_no_room_waits_on(stage: Stage) -> None:
    """
    Raised, but not enough: nothing is charged, and it waits as before.
    """
    cost = await price(stage)
    await set_cap(stage, cost)
    first, second = [await stage.fix() for _ in range(2)]
    for charge_id in (first, second):
        await stage.advance(charge_id, machine=capped(stage))

    await set_cap(stage, 2 * cost - 1)
    await retry_by_job(stage)
    again = await stage.advance(second, machine=capped(stage))

    assert (await stage.charge(first)).state == "succeeded"
    assert (again.state, again.parked_reason) == ("prepared", SPENDING_CAP)
    assert taken(stage) == cost


async def test_a_cap_of_nothing_charges_nothing(stage: Stage) -> None:
    """
    Fixes are recorded all the same.
    """
    await set_cap(stage, 0)
    charge_id = await stage.fix()

    charge = await stage.advance(charge_id, machine=capped(stage))

    assert (charge.parked_reason, charge.wake_at) == (SPENDING_CAP, JULY)
    await stage.require_nothing_moved()


async def test_a_cap_does_not_bind_another_customer_or_the_last_month(stage: Stage) -> None:
    """
    Without a cap of one's own nothing waits; what May took is not June's.
    """
    cost = await price(stage)
    may = NOW - timedelta(days=2)
    await stage.finish(await stage.fix(at=may), at=may, machine=capped(stage))

    await set_cap(stage, cost)
    charge = await stage.advance(await stage.fix(), machine=capped(stage))

    assert charge.state == "succeeded"
    assert (await status(stage)).spent_cents == cost


async def test_a_charge_under_way_that_fails_makes_room(stage: Stage) -> None:
    """
    Who waits for it looks again within the hour, not in the next month.
    """
    cost = await price(stage)
    await set_cap(stage, cost)
    first, second = [await stage.fix() for _ in range(2)]
    with pytest.raises(Died):
        await stage.advance(first, machine=stage.machine(at=dying("X9")))

    held = await stage.advance(second, machine=capped(stage))
    assert (held.parked_reason, held.wake_at) == (SPENDING_CAP, NOW + LOOK_AGAIN_WHILE_UNDER_WAY)
    async with stage.database.transaction() as connection:
        await charges.cancel_debt(
            connection, customer_id=stage.customer_id, charge_id=first, actor=ADA, reason="test", now=NOW
        )
    await stage.end_leases()
    await stage.finish(first, machine=capped(stage))
    charge = await stage.advance(second, at=NOW + LOOK_AGAIN_WHILE_UNDER_WAY, machine=capped(stage))

    assert (await stage.charge(first)).state == "canceled"
    assert charge.state == "succeeded"
    assert taken(stage) == cost


@pytest.mark.parametrize("point", ["X8", "X9", "X10", "X11", "X12"])
async def test_dying_half_way_never_exceeds_the_cap(stage: Stage, point: str) -> None:
    """
    What a dead worker may have sent counts until its outcome is known; in the end one is paid and one waits.
    """
    cost = await price(stage)
    await set_cap(stage, cost)
    first, second = [await stage.fix() for _ in range(2)]
    with pytest.raises(Died):
        await stage.advance(first, machine=stage.machine(cap=cap_charges(SafetyCaps()), at=dying(point)))

    await stage.advance(second, machine=capped(stage))
    await stage.end_leases()
    ended = [await go_on_before(stage, charge_id, JULY) for charge_id in (first, second)]

    states = sorted(charge.state for charge in ended)
    assert states == ["prepared", "succeeded"]
    assert taken(stage) == cost
    assert await stage.breaches() == []


async def test_planted_bug_a_cap_that_counts_only_what_succeeded_is_exceeded(stage: Stage) -> None:
    """
    A charge whose answer was lost has been paid, and the next one is paid too: the check above notices.
    """
    cost = await price(stage)
    await set_cap(stage, cost)
    first, second = [await stage.fix() for _ in range(2)]
    with pytest.raises(Died):
        await stage.advance(first, machine=stage.machine(at=dying("X10")))

    async def blind(connection: Connection, intent: Intent, now: datetime) -> Held | None:
        spent = await charges.spent_since(
            connection, customer_id=intent.customer_id, currency=intent.currency, since=month_start(now)
        )
        seen = charges.Spent(spent.settled_cents, 0)
        return over_spending_cap(Cap(cost, "usd"), amount_cents=cost, currency="usd", spent=seen, now=now)

    await stage.advance(second, machine=stage.machine(cap=blind))

    assert taken(stage) == 2 * cost


async def test_dying_before_the_commit_leaves_the_old_cap(stage: Stage) -> None:
    """
    Neither cap, nor record, nor promise.
    """
    with pytest.raises(Died):
        await set_cap_and_die(stage)

    assert (await status(stage)).monthly_cap_cents is None
    assert await acts(stage.owner) == []
    assert await queued(stage.owner, "spending_cap.retry") == []


async def set_cap_and_die(stage: Stage) -> None:
    """
    Die between the last statement and the commit.
    """
    async with stage.database.transaction() as connection:
        await spending_caps.set_cap(connection, customer_id=stage.customer_id, monthly_cap_cents=0, actor=ADA, now=NOW)
        raise Died


async def test_a_change_is_recorded_once_and_a_repeat_changes_nothing(stage: Stage) -> None:
    """
    Who, from what, to what.
    """
    cost = await price(stage)

    for cents in (cost, cost, None, None):
        await set_cap(stage, cents)

    assert [(act["actor"], act["facts"]) for act in await acts(stage.owner)] == [
        ("customer:api key 1", f'{{"currency": "usd", "new_cents": {cost}, "old_cents": null}}'),
        ("customer:api key 1", f'{{"currency": "usd", "new_cents": null, "old_cents": {cost}}}'),
    ]
    assert len(await queued(stage.owner, "spending_cap.retry")) == 2


async def acts(owner: asyncpg.Connection) -> list[asyncpg.Record]:
    """
    Return what is recorded of caps.
    """
    return list(
        await owner.fetch(
            "SELECT actor, facts::text AS facts FROM audit_entries WHERE action = 'spending_cap:set' ORDER BY id"
        )
    )


async def test_a_cap_too_low_for_one_fix_is_refused_and_leaves_no_trace(stage: Stage) -> None:
    """
    It would stop everything without saying so.
    """
    with pytest.raises(SpendingCapInvalid):
        await set_cap(stage, await price(stage) - 1)

    assert (await status(stage)).monthly_cap_cents is None
    assert await acts(stage.owner) == []


async def test_nobody_sets_a_cap_of_no_customer(stage: Stage) -> None:
    """
    There is no such customer to charge.
    """
    with pytest.raises(UnknownCustomer):
        async with stage.database.transaction() as connection:
            await spending_caps.set_cap(connection, customer_id=404, monthly_cap_cents=0, actor=ADA, now=NOW)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO spending_caps (customer_id, monthly_cap_cents, currency) VALUES ($1, -1, 'usd')",
        "INSERT INTO spending_caps (customer_id, monthly_cap_cents, currency) VALUES ($1, 1, 'Dollars')",
        "INSERT INTO spending_caps (customer_id, monthly_cap_cents) VALUES ($1, 1)",
        "INSERT INTO spending_caps (customer_id, currency) VALUES ($1, 'usd')",
        "INSERT INTO spending_caps (customer_id) VALUES ($1 + 1000)",
    ],
    ids=["negative", "no-currency", "without-currency", "without-cap", "of-nobody"],
)
async def test_the_database_refuses_what_is_no_cap(stage: Stage, statement: str) -> None:
    """
    Also when the code is bypassed.
    """
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await stage.owner.execute(statement, stage.customer_id)


async def test_the_application_may_not_delete_the_row_that_is_locked(stage: Stage) -> None:
    """
    Without the row there would be no lock.
    """
    await set_cap(stage, 0)

    with pytest.raises((asyncpg.InsufficientPrivilegeError, RejectedByDatabase)):
        async with stage.database.transaction() as connection:
            await connection.execute("DELETE FROM spending_caps")


@pytest.mark.parametrize("window", ["hour", "day"])
async def test_a_safety_cap_holds_with_an_alert_and_lets_go_when_the_window_has_passed(
    stage: Stage, window: str
) -> None:
    """
    One of us is told by the log, the customer sees why it waits, and later it is charged.
    """
    cost = await price(stage)
    safety = SafetyCaps(per_hour_max_cents=cost) if window == "hour" else SafetyCaps(per_day_max_cents=cost)
    length = timedelta(hours=1) if window == "hour" else timedelta(days=1)
    machine = capped(stage, safety)
    first, second = [await stage.fix() for _ in range(2)]
    await stage.advance(first, machine=machine)

    with capture_logs() as logs:
        held = await stage.advance(second, machine=machine)

    assert (held.parked_reason, held.wake_at) == (SAFETY_CAP, NOW + LOOK_AGAIN_WHEN_UNSAFE)
    alerts = [entry for entry in logs if entry["event"] == "safety_cap_reached"]
    assert [(entry["log_level"], entry["window_seconds"]) for entry in alerts] == [("error", length.total_seconds())]
    assert SAFETY_CAP in await notices(stage)
    assert (await stage.advance(second, at=NOW + length, machine=machine)).state == "prepared"
    assert (await stage.advance(second, at=NOW + length + timedelta(hours=1), machine=machine)).state == "succeeded"


async def test_a_dunning_schedule_goes_on_as_it_was_when_the_cap_is_raised(stage: Stage) -> None:
    """
    A declined charge whose next day is over the cap has not got a new row of tries by the raise.
    """
    cost = await price(stage)
    await stage.add_card("pm_card_chargeCustomerFail", at=NOW + SECOND)
    charge_id = await stage.fix()
    declined = await stage.advance(charge_id, at=NOW + 2 * SECOND, machine=capped(stage))
    assert (declined.state, declined.declines) == ("declined", 1)
    await set_cap(stage, 0)
    assert declined.wake_at is not None
    held = await stage.advance(charge_id, at=declined.wake_at, machine=capped(stage))
    assert held.parked_reason == SPENDING_CAP

    await set_cap(stage, cost)
    await retry_by_job(stage)

    woken = await stage.charge(charge_id)
    assert (woken.state, woken.declines, woken.parked_reason) == ("declined", 1, None)


async def test_another_card_does_not_open_the_cap(stage: Stage) -> None:
    """
    It cures what waits for a card, not what waits for the cap.
    """
    await set_cap(stage, 0)
    charge_id = await stage.fix()
    await stage.advance(charge_id, machine=capped(stage))

    await stage.add_card("pm_card_mastercard", at=NOW + SECOND)

    assert (await stage.charge(charge_id)).wake_at == JULY
