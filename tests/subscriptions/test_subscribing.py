"""
Subscribing: one subscription, paid, with the credits of a period; or a state with a page to go to.
"""

from datetime import timedelta

import pytest

from rsolv.subscriptions import AlreadySubscribed
from subscriptions.stage import Stage


async def test_subscribing_pays_the_first_period_and_brings_its_credits(stage: Stage) -> None:
    """
    At once, with the plan and its state; the card is the subscription's own.
    """
    opened = await stage.subscribe()

    assert (opened.state, opened.action_url, opened.cancel_at_period_end) == ("active", None, False)
    assert stage.theirs()[0]["default_payment_method"] == opened.stripe_payment_method_id
    assert stage.paid_cents() == opened.price_cents
    await stage.require_one_period()


async def test_a_second_subscription_is_refused(stage: Stage) -> None:
    """
    Nothing is asked of Stripe for it.
    """
    await stage.subscribe()

    with pytest.raises(AlreadySubscribed):
        await stage.subscribe()

    await stage.require_one_period()


async def test_a_renewal_brings_the_credits_once_more(stage: Stage) -> None:
    """
    After a month, when its invoice is paid; not when the period begins. Nobody told us: we look.
    """
    opened = await stage.subscribe()
    assert opened.period_ends_at is not None
    stage.pass_time(opened.period_ends_at - stage.now + timedelta(minutes=5))
    begun = await stage.look()
    credits_when_begun = await stage.credits()

    await stage.live(timedelta(hours=3))

    assert begun.period_starts_at == opened.period_ends_at
    assert credits_when_begun == opened.period_credits
    assert ((await stage.newest()).state, await stage.credits()) == ("active", 2 * opened.period_credits)
    assert stage.paid_cents() == 2 * opened.price_cents
    await stage.require_sound_books()
