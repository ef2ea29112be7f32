"""
Whatever goes wrong once, at any call to Stripe: in the end there is what was asked for, exactly once.
"""

from contextlib import suppress
from datetime import timedelta

import pytest

from rsolv.stripe_gateway import GatewayFailure
from stripe_twin.core.faults import KINDS, Fault, FaultKind
from subscriptions.stage import HOUR, Stage

EVERY_FAULT = pytest.mark.parametrize("kind", KINDS)
KEYS = pytest.mark.parametrize("keys", ["kept", "forgotten"])
CALLS = {"find-price": 0, "create-price": 1, "open": 2, "read-invoice": 3}


@KEYS
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@EVERY_FAULT
async def test_any_single_fault_ends_with_one_subscription(stage: Stage, kind: FaultKind, call: int, keys: str) -> None:
    """
    The customer repeats the request until it is answered, then we look; also where Stripe remembers no keys.
    """
    stage.twin.api.keys.is_on = keys == "kept"
    fault = Fault(kind, skip=call)
    stage.twin.faults.plan([fault])

    await stage.until_it_works(stage.subscribe)
    await stage.live(timedelta(minutes=5))

    assert fault.times == 0
    await stage.require_one_period()
    assert stage.twin.store.count("price") == 1


@KEYS
@EVERY_FAULT
async def test_who_does_not_come_back_has_what_happened_and_no_more(stage: Stage, kind: FaultKind, keys: str) -> None:
    """
    A look finds a subscription whose answer was lost; one that was never made is given up, and bought by nobody.
    """
    stage.twin.api.keys.is_on = keys == "kept"
    stage.twin.faults.plan([Fault(kind, skip=2)])
    await try_once(stage)

    await stage.end_leases()
    await stage.live(2 * HOUR)

    live = await stage.owner.fetch("SELECT state FROM subscriptions WHERE ended_at IS NULL")
    assert [row["state"] for row in live] == [each["status"] for each in stage.theirs()]
    assert await stage.credits() == sum(row["period_credits"] for row in await periods(stage))
    await stage.require_sound_books()


@EVERY_FAULT
@pytest.mark.parametrize("call", range(3), ids=["read", "invoices", "cancel"])
@pytest.mark.parametrize("when", ["with-the-period", "now"])
async def test_a_cancellation_is_made_once_in_the_end(stage: Stage, kind: FaultKind, call: int, when: str) -> None:
    """
    The customer repeats it until it is answered; Stripe remembers no keys.
    """
    await stage.subscribe()
    stage.twin.api.keys.is_on = False
    fault, at_period_end = Fault(kind, skip=call), when == "with-the-period"
    stage.twin.faults.plan([fault])

    ended = await stage.until_it_works(lambda: stage.cancel(at_period_end=at_period_end))

    assert fault.times == 0
    (theirs,) = stage.theirs()
    assert (ended.state, ended.cancel_at_period_end) == (theirs["status"], at_period_end)
    assert theirs["cancel_at_period_end"] is at_period_end
    assert (ended.state == "canceled") is not at_period_end
    await stage.require_sound_books()


@EVERY_FAULT
@pytest.mark.parametrize("call", range(2), ids=["read", "invoices"])
async def test_a_renewal_is_credited_once_in_the_end(stage: Stage, kind: FaultKind, call: int) -> None:
    """
    The queue repeats the look until it is done.
    """
    opened = await stage.subscribe()
    stage.pass_time(timedelta(days=32))
    stage.twin.faults.plan([Fault(kind, skip=call)])

    await stage.until_it_works(stage.look)
    await stage.live(3 * HOUR)

    assert await stage.credits() == 2 * opened.period_credits
    await stage.require_sound_books()


async def try_once(stage: Stage) -> None:
    """
    Ask once, and go away whatever is answered.
    """
    with suppress(GatewayFailure):
        await stage.subscribe()


async def periods(stage: Stage) -> list[dict[str, int]]:
    """
    Return the subscriptions that have been paid for.
    """
    rows = await stage.owner.fetch("SELECT period_credits FROM subscriptions WHERE started_at IS NOT NULL")
    return [dict(row) for row in rows]
