"""
Several at once: one wins, and nothing is bought or credited twice.
"""

import asyncio
from datetime import timedelta

import pytest

from factories.stripe_wire import eventful_gateway
from rsolv import subscriptions
from rsolv.db import Unavailable
from rsolv.idempotency import KeyReused
from rsolv.subscriptions import AlreadySubscribed, SubscriptionInProgress
from subscriptions.stage import HOUR, Stage

KEY = b"k" * 32
EXPECTED = (AlreadySubscribed, SubscriptionInProgress, Unavailable)


@pytest.mark.parametrize("keys", ["kept", "forgotten"])
@pytest.mark.parametrize("caller_key", [None, KEY], ids=["without-key", "same-key"])
async def test_of_many_requests_at_once_one_subscribes(stage: Stage, keys: str, caller_key: bytes | None) -> None:
    """
    The others hear that it is being done, or was.
    """
    stage.twin.api.keys.is_on = keys == "kept"
    asks = [stage.subscribe(caller_key_hash=caller_key) for _ in range(6)]

    answers = await asyncio.gather(*asks, return_exceptions=True)

    assert {type(answer) for answer in answers} <= {*EXPECTED, subscriptions.Subscription}
    assert sum(isinstance(answer, subscriptions.Subscription) for answer in answers) >= 1
    await stage.require_one_period()


async def test_planted_bug_without_a_hold_two_processes_would_both_buy(stage: Stage) -> None:
    """
    The hold is taken away while the first call is under way and Stripe remembers no keys: the check above notices.
    """
    stage.twin.api.keys.is_on = False

    async def somebody_else() -> None:
        await stage.end_leases()
        await stage.subscribe()

    async with eventful_gateway(stage.twin, "POST", "/v1/subscriptions", somebody_else) as gateway:
        await stage.with_gateway(gateway).subscribe()

    with pytest.raises((AssertionError, ValueError)):
        await stage.require_one_period()


async def test_a_repeat_under_the_callers_key_is_the_same_subscription(stage: Stage) -> None:
    """
    Also when it has been answered; the key for another plan is refused.
    """
    first = await stage.subscribe(caller_key_hash=KEY)
    again = await stage.subscribe(caller_key_hash=KEY)
    await stage.owner.execute(
        "INSERT INTO catalog_plans SELECT version_id, 'pro_max', kind, label, monthly_price_cents,"
        " fix_price_cents, signup_credits, payment_method_credits, period_credits FROM catalog_plans WHERE plan = 'pro'"
    )
    stage.plan = "pro_max"

    with pytest.raises(KeyReused):
        await stage.subscribe(caller_key_hash=KEY)

    assert again.id == first.id
    stage.plan = "pro"
    await stage.require_one_period()


async def test_an_end_while_the_period_renews_leaves_what_was_paid_credited(stage: Stage) -> None:
    """
    The renewal is paid between the customer's look and the cancellation: the credits are theirs, the end stands.
    """
    opened = await stage.subscribe()
    stage.pass_time(timedelta(days=30) - HOUR)

    async def renewal() -> None:
        stage.pass_time(3 * HOUR)

    async with eventful_gateway(stage.twin, "DELETE", "/v1/subscriptions", renewal) as gateway:
        ended = await stage.with_gateway(gateway).cancel(at_period_end=False)
    await stage.live(HOUR)

    assert ended.state == "canceled"
    assert await stage.credits() == 2 * opened.period_credits
    assert (await stage.customer())[0] == "pay_as_you_go"
    await stage.require_sound_books()


async def test_many_looks_at_once_credit_a_renewal_once(stage: Stage) -> None:
    """
    Each in a connection of its own.
    """
    opened = await stage.subscribe()
    stage.pass_time(timedelta(days=31))

    await asyncio.gather(*(stage.look() for _ in range(6)))

    assert await stage.credits() == 2 * opened.period_credits
    await stage.require_sound_books()


async def test_a_cancellation_and_a_resumption_at_once_leave_us_and_stripe_agreed(stage: Stage) -> None:
    """
    Whichever comes last there.
    """
    await stage.subscribe()
    await stage.cancel(at_period_end=True)

    await asyncio.gather(*(stage.resume(), stage.cancel(at_period_end=True), stage.resume()))
    found = await stage.look()

    assert found.cancel_at_period_end is stage.theirs()[0]["cancel_at_period_end"]
