"""
What becomes of a subscription: its end, its failures and recoveries, its card; seen by looking alone.
"""

from datetime import timedelta

import pytest

from rsolv import payment_methods
from rsolv.audit import SYSTEM
from rsolv.subscriptions import NoActiveSubscription, PaymentMethodNeeded
from stripe_twin.billing.settings import change_settings
from subscriptions.stage import DAY, HOUR, Stage

FAILING = "pm_card_chargeCustomerFail"
ASKING = "pm_card_authenticationRequired"
PERIOD_AND_RETRIES = 50 * DAY


async def test_a_scheduled_end_keeps_the_plan_until_the_period_is_over(stage: Stage) -> None:
    """
    Then the customer pays as they go; the credits stay, and they may subscribe again.
    """
    opened = await stage.subscribe()

    scheduled = await stage.cancel(at_period_end=True)
    plan_meanwhile = await stage.customer()
    await stage.live(32 * DAY)

    assert (scheduled.state, scheduled.cancel_at_period_end) == ("active", True)
    assert scheduled.cancel_at == opened.period_ends_at
    assert plan_meanwhile == (stage.plan, "active")
    assert (await stage.newest()).state == "canceled"
    assert (await stage.customer(), await stage.credits()) == (("pay_as_you_go", None), opened.period_credits)
    assert [(event.reason, event.tenure_days) for event in stage.churned] == [("ended_with_period", 30)]
    assert stage.churned[0].lifetime_value_cents == opened.price_cents
    assert (await stage.subscribe()).id != opened.id
    assert (await stage.customer(), await stage.credits()) == ((stage.plan, "active"), 2 * opened.period_credits)
    await stage.require_sound_books()


async def test_a_scheduled_end_can_be_taken_back(stage: Stage) -> None:
    """
    Then it renews; taking nothing back changes nothing.
    """
    opened = await stage.subscribe()
    await stage.cancel(at_period_end=True)

    resumed, again = await stage.resume(), await stage.resume()
    await stage.live(32 * DAY)

    assert (resumed.cancel_at, resumed.cancel_at_period_end, again.cancel_at) == (None, False, None)
    assert (await stage.newest()).state == "active"
    assert await stage.credits() == 2 * opened.period_credits
    assert stage.churned == []


async def test_an_immediate_end_costs_the_plan_at_once_and_no_credits(stage: Stage) -> None:
    """
    Once: a second time there is nothing to end, or to take back.
    """
    opened = await stage.subscribe()

    ended = await stage.cancel(at_period_end=False)
    await stage.live(HOUR)

    assert (ended.state, (await stage.newest()).look_at) == ("canceled", None)
    assert (await stage.customer(), await stage.credits()) == (("pay_as_you_go", "canceled"), opened.period_credits)
    assert [event.reason for event in stage.churned] == ["canceled"]
    with pytest.raises(NoActiveSubscription):
        await stage.cancel(at_period_end=False)
    with pytest.raises(NoActiveSubscription):
        await stage.resume()


async def test_an_end_at_once_goes_before_one_that_was_scheduled(stage: Stage) -> None:
    """
    The customer is lost because they canceled, not because a period was over.
    """
    await stage.subscribe()
    await stage.cancel(at_period_end=True)

    ended = await stage.cancel(at_period_end=False)

    assert ended.state == "canceled"
    assert await stage.customer() == ("pay_as_you_go", "canceled")
    assert [event.reason for event in stage.churned] == ["canceled"]


async def test_without_a_subscription_there_is_nothing_to_end(stage: Stage) -> None:
    """
    Stripe is not asked.
    """
    with pytest.raises(NoActiveSubscription):
        await stage.cancel(at_period_end=True)

    assert stage.theirs() == []


@pytest.mark.parametrize("card", [FAILING, ASKING], ids=["declined", "authentication"])
async def test_a_bank_that_does_not_pay_at_once_is_a_state_with_a_page(stage: Stage, card: str) -> None:
    """
    No plan, no credits; unpaid for 23 hours it expires, and nobody is lost who never began.
    """
    await stage.add_card(card)

    opened = await stage.subscribe()
    state = await stage.customer()
    await stage.live(25 * HOUR)

    assert opened.state == "incomplete"
    assert opened.action_url is not None
    assert (state, await stage.credits(), stage.paid_cents()) == (("pay_as_you_go", "incomplete"), 0, 0)
    assert (await stage.newest()).state == "incomplete_expired"
    assert (await stage.customer(), stage.churned) == (("pay_as_you_go", None), [])
    await stage.require_sound_books()


async def test_what_is_paid_on_the_page_begins_the_subscription(stage: Stage) -> None:
    """
    As if it had been paid at once; a look notices.
    """
    await stage.add_card(FAILING)
    opened = await stage.subscribe()
    await stage.pay_open_invoice("pm_card_visa")

    await stage.live(HOUR)

    assert (await stage.newest()).action_url is None
    assert (await stage.customer(), await stage.credits()) == ((stage.plan, "active"), opened.period_credits)
    await stage.require_sound_books()


async def test_an_incomplete_subscription_can_be_ended_but_not_scheduled(stage: Stage) -> None:
    """
    It has no period to end with.
    """
    await stage.add_card(FAILING)
    await stage.subscribe()

    with pytest.raises(NoActiveSubscription):
        await stage.cancel(at_period_end=True)
    ended = await stage.cancel(at_period_end=False)

    assert ended.state == "incomplete_expired"
    assert stage.churned == []


async def test_a_failed_renewal_leaves_a_week_of_grace(stage: Stage) -> None:
    """
    The plan stays a week, with mails for each failed try; then the customer pays as they go, until Stripe gives up.
    """
    opened = await stage.subscribe()
    await stage.add_card(FAILING)
    await stage.do_card_jobs()

    await stage.live(32 * DAY)
    in_grace = (await stage.newest(), await stage.customer())
    await stage.live(8 * DAY)
    after_grace = (await stage.newest(), await stage.customer())
    await stage.live(10 * DAY)

    assert (in_grace[0].state, in_grace[1]) == ("past_due", (stage.plan, "past_due"))
    assert in_grace[0].action_url is not None
    assert (after_grace[0].state, after_grace[1]) == ("past_due", ("pay_as_you_go", "past_due"))
    assert ((await stage.newest()).state, await stage.customer()) == ("canceled", ("pay_as_you_go", "canceled"))
    assert await stage.credits() == opened.period_credits
    assert [(event.reason, event.lifetime_value_cents) for event in stage.churned] == [
        ("payment_failed", opened.price_cents)
    ]
    notices = await stage.notices()
    assert notices.count("payment_failed") == 9
    assert [notice for notice in notices if notice != "payment_failed"] == ["started", "grace_over", "ended"]
    await stage.require_sound_books()


async def test_a_recovery_restores_the_plan(stage: Stage) -> None:
    """
    Also after the grace, with the credits of the period that is paid at last; another card is used by Stripe's retries.
    """
    opened = await stage.subscribe()
    await stage.add_card(FAILING)
    await stage.do_card_jobs()
    await stage.live(40 * DAY)

    await stage.add_card("pm_card_mastercard")
    await stage.do_card_jobs()
    await stage.live(4 * DAY)

    found = await stage.newest()
    assert (found.state, found.past_due_since, found.action_url) == ("active", None, None)
    assert (await stage.customer(), await stage.credits()) == ((stage.plan, "active"), 2 * opened.period_credits)
    assert (await stage.notices())[-1] == "recovered"
    assert stage.churned == []
    await stage.require_sound_books()


@pytest.mark.parametrize("setting", ["unpaid", "past_due"])
async def test_what_stripe_does_after_its_last_try_is_followed(stage: Stage, setting: str) -> None:
    """
    By its account's setting the subscription stays unpaid, or past due; the customer pays as they go.
    """
    with stage.twin.store.unit():
        change_settings(stage.twin.account, {"after_last_retry": setting})
    await stage.subscribe()
    await stage.add_card(FAILING)
    await stage.do_card_jobs()

    await stage.live(PERIOD_AND_RETRIES)

    assert (await stage.newest()).state == setting
    assert await stage.customer() == ("pay_as_you_go", setting)
    assert [event.reason for event in stage.churned] == ["payment_failed"] * (setting == "unpaid")


async def test_the_last_card_stays_while_there_is_a_subscription(stage: Stage) -> None:
    """
    Another one may go; and the last, once it has ended.
    """
    await stage.subscribe()
    async with stage.database.reading() as connection:
        (card,) = await payment_methods.list_payment_methods(connection, customer_id=stage.customer_id)

    with pytest.raises(PaymentMethodNeeded):
        await remove(stage, card.id)
    other = await stage.add_card("pm_card_mastercard")
    await remove(stage, other.id)
    await stage.do_card_jobs()
    card_meanwhile = stage.theirs()[0]["default_payment_method"]
    await stage.cancel(at_period_end=False)
    await remove(stage, card.id)

    assert card_meanwhile == card.stripe_payment_method_id


async def test_the_subscription_is_paid_by_the_default_card(stage: Stage) -> None:
    """
    A card that is added becomes it, here and at Stripe, also before anybody else is told.
    """
    await stage.subscribe()

    card = await stage.add_card("pm_card_mastercard")
    await stage.do_card_jobs()

    assert stage.theirs()[0]["default_payment_method"] == card.stripe_payment_method_id
    assert (await stage.newest()).stripe_payment_method_id == card.stripe_payment_method_id


async def test_who_was_lost_while_nobody_looked_was_lost_for_what_stripe_says(stage: Stage) -> None:
    """
    The renewal failed, and so did every retry, before we looked again.
    """
    await stage.subscribe()
    await stage.add_card(FAILING)
    await stage.do_card_jobs()
    stage.pass_time(PERIOD_AND_RETRIES)

    await stage.look()

    assert await stage.customer() == ("pay_as_you_go", "canceled")
    assert [event.reason for event in stage.churned] == ["payment_failed"]


async def test_months_without_a_look_lose_nothing(stage: Stage) -> None:
    """
    One look afterwards finds every invoice that was paid meanwhile.
    """
    opened = await stage.subscribe()
    stage.pass_time(timedelta(days=100))

    await stage.look()

    assert await stage.credits() == 4 * opened.period_credits
    assert (await stage.newest()).state == "active"
    await stage.require_sound_books()


async def remove(stage: Stage, payment_method_id: int) -> None:
    """
    Remove a card.
    """
    async with stage.database.transaction() as connection:
        await payment_methods.remove(
            connection,
            stage.bus,
            customer_id=stage.customer_id,
            payment_method_id=payment_method_id,
            actor=SYSTEM,
            now=stage.now,
        )
