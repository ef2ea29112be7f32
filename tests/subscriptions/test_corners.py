"""
What happens seldom: between a look and a call, at Stripe's dashboard, or by a mistake of somebody's.
"""

import pytest
from structlog.testing import capture_logs

from factories.stripe_wire import eventful_gateway
from rsolv import subscriptions
from rsolv.stripe_gateway import Decline, PaymentDeclined
from rsolv.subscriptions import NoActiveSubscription
from rsolv.subscriptions.rules import marks_of
from rsolv.subscriptions.service.ask import refusal_of
from rsolv.subscriptions.service.price import ensure_price
from stripe_twin.embedded import sdk_client
from subscriptions.stage import DAY, HOUR, Stage

PRICE = {"plan": "pro", "label": "Pro", "price_cents": 59_900, "currency": "usd"}


async def test_what_ended_between_the_look_and_the_call_can_no_longer_be_scheduled(stage: Stage) -> None:
    """
    Stripe refuses, and the customer hears that there is none.
    """
    await stage.subscribe()

    async def ended_elsewhere() -> None:
        await stage.gateway.cancel_subscription(stage.theirs()[0]["id"])

    async with eventful_gateway(stage.twin, "POST", "/v1/subscriptions/", ended_elsewhere) as gateway:
        with pytest.raises(NoActiveSubscription):
            await stage.with_gateway(gateway).cancel(at_period_end=True)
    with pytest.raises(NoActiveSubscription):
        await stage.resume()

    assert (await stage.newest()).state == "canceled"


async def test_a_price_that_somebody_makes_meanwhile_is_the_one(stage: Stage) -> None:
    """
    Stripe gives the lookup key to one only.
    """
    made: list[str] = []

    async def meanwhile() -> None:
        made.append(await ensure_price(stage.gateway, **PRICE))

    async with eventful_gateway(stage.twin, "POST", "/v1/prices", meanwhile) as gateway:
        found = await ensure_price(gateway, **PRICE)

    assert made == [found]
    assert stage.twin.store.count("price") == 1


async def test_two_of_one_ask_at_stripe_are_told_and_the_older_is_believed(stage: Stage) -> None:
    """
    It must not be, and an operator looks.
    """
    await stage.ask_in_vain()
    asked = await stage.newest()
    stage.pass_time(HOUR)
    await stage.gateway.open_subscription(
        stripe_customer_id=asked.stripe_customer_id,
        price_id=asked.stripe_price_id,
        quantity=1,
        payment_method_id=asked.stripe_payment_method_id,
        metadata=marks_of(asked),
        key="by a mistake",
    )

    with capture_logs() as logs:
        found = await stage.look()

    assert "subscription_twice" in [entry["event"] for entry in logs]
    assert found.stripe_subscription_id == stage.theirs()[0]["id"]


async def test_what_is_mixed_up_is_looked_at_later(stage: Stage) -> None:
    """
    Somebody took our marks off at Stripe: nothing is believed, and it is not asked every minute.
    """
    opened = await stage.subscribe()
    with stage.twin.store.unit():
        stage.twin.account.edit("subscription", stage.theirs()[0]["id"])["metadata"] = {"plan": "other"}
    stage.pass_time(31 * DAY)

    found = await stage.look()

    assert (found.state, found.period_ends_at) == ("active", opened.period_ends_at)
    assert (await stage.newest()).look_at == stage.now + HOUR


async def test_what_else_is_on_an_invoice_is_money_and_no_credits(stage: Stage) -> None:
    """
    A line by hand beside the period's.
    """
    opened = await stage.subscribe()
    await sdk_client(stage.twin).v1.invoice_items.create_async(
        {"customer": opened.stripe_customer_id, "amount": 4_200, "currency": "usd", "description": "Support"}
    )

    await stage.live(31 * DAY)

    assert await stage.credits() == 2 * opened.period_credits
    assert stage.paid_cents() == 2 * opened.price_cents + 4_200
    await stage.require_sound_books()


async def test_nobody_looks_at_a_subscription_of_anothers(stage: Stage) -> None:
    """
    Nor at one that there is not.
    """
    await stage.subscribe()

    with pytest.raises(NoActiveSubscription):
        await stage.look(999_999)


async def test_what_was_refused_is_not_asked_for_again(stage: Stage) -> None:
    """
    Stripe never had it.
    """
    await stage.ask_in_vain()
    asked = await stage.newest()
    await stage.owner.execute(
        "UPDATE subscriptions SET state = 'refused', refused_code = 'not_made', ended_at = now(), look_at = NULL"
    )

    assert (await stage.look(asked.id)).state == "refused"
    assert await stage.credits() == 0


def test_a_banks_words_are_handed_on() -> None:
    """
    Without those it did not say.
    """
    decline = Decline(code="card_declined", decline_code="insufficient_funds", advice_code=None)

    refused = refusal_of(PaymentDeclined("open_subscription", decline=decline, payment_id=None))

    assert refused.decline == {"code": "card_declined", "decline_code": "insufficient_funds"}


def test_a_preview_counts_the_fixes_beyond_the_credits() -> None:
    """
    At the plan's price; without the plan each costs what everybody pays.
    """
    preview = subscriptions.Preview(
        plan="pro",
        currency="usd",
        today_cents=59_900,
        next_cents=59_900,
        next_at=None,
        monthly_cents=59_900,
        period_credits=60,
        fix_price_cents=1_500,
        payg_fix_price_cents=2_900,
    )

    assert [preview.month_cents(fixes) for fixes in (0, 60, 62)] == [59_900, 59_900, 62_900]
    assert preview.payg_month_cents(62) == 179_800
