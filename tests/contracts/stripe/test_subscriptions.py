"""
Subscriptions: opened with a payment, incomplete without one, ended now or with the period.
"""

from datetime import timedelta

import pytest

from contracts.stripe.stand import DAY, MONTH, Stand
from contracts.stripe.subscribing import latest_invoice, opened_subscription
from rsolv.stripe_gateway import GatewayMisused, StripeGateway


async def test_an_opened_subscription_is_paid_and_active(
    stripe: Stand, gateway: StripeGateway, acme: str, visa: str
) -> None:
    """
    For a period that it has on its items, with the card as its own.
    """
    price_id = await stripe.price()

    opened = await opened_subscription(stripe, acme, visa, price_id=price_id, quantity=2)
    read = await gateway.read_subscription(opened.id)

    assert (opened.state, opened.action_url, opened.default_payment_method_id) == ("active", None, visa)
    assert (read.price_ids, read.items[0].quantity, read.metadata) == ((price_id,), 2, {"plan": "pro"})
    assert timedelta(days=28) <= read.period.ends_at - read.period.starts_at <= timedelta(days=31)
    assert (read.cancel_at, read.canceled_at, read.ended_at) == (None, None, None)
    assert (await gateway.read_payment(read.latest_payment_id)).amount_received_cents == 119_800


async def test_the_same_attempt_opens_one_subscription(
    stripe: Stand, gateway: StripeGateway, acme: str, visa: str
) -> None:
    """
    And charges once.
    """
    price_id = await stripe.price()

    first = await opened_subscription(stripe, acme, visa, price_id=price_id)
    again = await opened_subscription(stripe, acme, visa, price_id=price_id)

    assert first.id == again.id
    assert (await stripe.count("subscription"), await stripe.count("charge")) == (1, 1)


async def test_a_bank_that_wants_the_customer_leaves_it_incomplete(
    stripe: Stand, gateway: StripeGateway, acme: str
) -> None:
    """
    The customer pays on the page of the invoice, authenticates, and it is active.
    """
    asking = await stripe.card(acme, "authenticationRequired")
    opened = await opened_subscription(stripe, acme, asking)
    waiting = await gateway.read_payment(opened.latest_payment_id)

    bank = await stripe.submit(opened.action_url, saved="1")
    back = await stripe.authenticate(bank)
    read = await gateway.read_subscription(opened.id)

    assert (opened.state, waiting.state, waiting.decline) == ("incomplete", "needs_action", None)
    assert back.startswith(opened.action_url)
    assert (read.state, read.action_url) == ("active", None)


async def test_a_declined_card_leaves_it_incomplete(stripe: Stand, gateway: StripeGateway, acme: str) -> None:
    """
    Its payment says why, and another card on the page of the invoice makes it active.
    """
    declining = await stripe.card(acme, "chargeCustomerFail")
    opened = await opened_subscription(stripe, acme, declining)
    failed = await gateway.read_payment(opened.latest_payment_id)

    await stripe.type_card(opened.action_url, "4242424242424242")
    read = await gateway.read_subscription(opened.id)

    assert (opened.state, failed.state, failed.decline.code) == ("incomplete", "confirmable", "card_declined")
    assert (read.state, (await latest_invoice(stripe, opened)).state) == ("active", "paid")


async def test_an_incomplete_subscription_expires(stripe: Stand, gateway: StripeGateway, acme: str) -> None:
    """
    After 23 hours without a payment; its invoice is void, and canceling it returns it as it is.
    """
    opened = await opened_subscription(stripe, acme, await stripe.card(acme, "chargeCustomerFail"))

    await stripe.advance(23 * 3600)
    read = await gateway.read_subscription(opened.id)

    assert (read.state, read.action_url) == ("incomplete_expired", None)
    assert (await latest_invoice(stripe, opened)).state == "void"
    assert (await gateway.cancel_subscription(opened.id)).state == "incomplete_expired"


async def test_a_scheduled_end_is_the_end_of_the_period(
    stripe: Stand, gateway: StripeGateway, acme: str, visa: str
) -> None:
    """
    It stays active until then; `canceled_at` is when it was asked for; no further invoice is made.
    """
    opened = await opened_subscription(stripe, acme, visa)

    scheduled = await gateway.schedule_cancellation(opened.id, at_period_end=True, key="end")
    await stripe.advance(MONTH)
    ended = await gateway.read_subscription(opened.id)

    assert (scheduled.state, scheduled.cancel_at_period_end) == ("active", True)
    assert scheduled.cancel_at == opened.period.ends_at
    assert scheduled.canceled_at < opened.period.ends_at
    assert (ended.state, ended.ended_at, ended.canceled_at) == ("canceled", scheduled.cancel_at, scheduled.canceled_at)
    assert await stripe.count("invoice") == 1


async def test_a_scheduled_end_can_be_taken_back(stripe: Stand, gateway: StripeGateway, acme: str, visa: str) -> None:
    """
    Then it renews.
    """
    opened = await opened_subscription(stripe, acme, visa)
    await gateway.schedule_cancellation(opened.id, at_period_end=True, key="end")

    kept = await gateway.schedule_cancellation(opened.id, at_period_end=False, key="stay")
    await stripe.advance(MONTH + DAY)
    renewed = await gateway.read_subscription(opened.id)

    assert (kept.cancel_at, kept.cancel_at_period_end, kept.canceled_at) == (None, False, None)
    assert (renewed.state, renewed.period.starts_at) == ("active", opened.period.ends_at)


async def test_a_canceled_subscription_stays_canceled(
    stripe: Stand, gateway: StripeGateway, acme: str, visa: str
) -> None:
    """
    At once, without a last invoice; canceling it again returns it as it is, and its end cannot be scheduled.
    """
    opened = await opened_subscription(stripe, acme, visa)

    canceled = await gateway.cancel_subscription(opened.id)
    again = await gateway.cancel_subscription(opened.id)
    with pytest.raises(GatewayMisused):
        await gateway.schedule_cancellation(opened.id, at_period_end=True, key="end")

    assert canceled.state == again.state == "canceled"
    assert canceled.ended_at == again.ended_at is not None
    assert await stripe.count("invoice") == 1


async def test_a_card_of_another_customer_opens_nothing(stripe: Stand, gateway: StripeGateway, visa: str) -> None:
    """
    No subscription, no invoice, no charge.
    """
    globex = await stripe.customer("globex")

    with pytest.raises(GatewayMisused) as misused:
        await opened_subscription(stripe, globex, visa)

    assert misused.value.param == "default_payment_method"
    assert (await stripe.count("subscription"), await stripe.count("invoice")) == (0, 0)


async def test_the_first_invoice_is_as_it_was_previewed(
    stripe: Stand, gateway: StripeGateway, acme: str, visa: str
) -> None:
    """
    Asking makes nothing; the amount, the price and the quantity are those that are then billed.
    """
    price_id = await stripe.price()

    preview = await gateway.preview_subscription(stripe_customer_id=acme, price_id=price_id, quantity=3)
    made_by_asking = await stripe.count("subscription"), await stripe.count("invoice")
    opened = await opened_subscription(stripe, acme, visa, price_id=price_id, quantity=3)
    invoice = await gateway.read_invoice(opened.latest_invoice_id)

    assert made_by_asking == (0, 0)
    assert (preview.total_cents, preview.amount_due_cents, preview.currency) == (179_700, 179_700, "usd")
    assert (invoice.total_cents, invoice.amount_paid_cents) == (179_700, 179_700)
    assert [(line.price_id, line.quantity) for line in preview.lines] == [(price_id, 3)]
    assert [(line.price_id, line.quantity) for line in invoice.lines] == [(price_id, 3)]
