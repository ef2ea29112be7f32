"""
Beginning a subscription (docs.stripe.com/billing/subscriptions/overview).
"""

import pytest

from stripe_twin import payments

DAY = 86_400


async def test_the_first_invoice_is_finalised_and_paid_at_once(shop, acme):
    """
    A customer with a good card has an active subscription and a paid invoice when the call returns.
    """
    price = await shop.price()
    shop.events()

    subscription = await shop.subscribe(acme, price, metadata={"plan": "pro"}, expand=["latest_invoice.payments"])

    invoice = subscription.latest_invoice
    assert (subscription.status, invoice.status, invoice.billing_reason) == ("active", "paid", "subscription_create")
    assert (invoice.amount_due, invoice.amount_paid, invoice.amount_remaining) == (4900, 4900, 0)
    assert invoice.parent.subscription_details.metadata.to_dict() == {"plan": "pro"}
    assert [payment.status for payment in invoice.payments.data] == ["paid"]
    assert shop.types() == [
        "customer.subscription.created",
        "invoice.created",
        "payment_intent.created",
        "invoice.finalized",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice.paid",
        "invoice.payment_succeeded",
        "invoice_payment.paid",
        "customer.subscription.updated",
    ]


async def test_an_item_carries_the_period_and_a_line_the_service_period(shop, acme, at):
    """
    The period stands on the item; the invoice's line has the same one, its price and its parent.
    """
    subscription = await shop.subscribe(acme, expand=["latest_invoice"])

    item, line = subscription["items"].data[0], subscription.latest_invoice.lines.data[0]
    assert (item.current_period_start, item.current_period_end) == (at(2026, 1, 1), at(2026, 2, 1))
    assert (line.period.start, line.period.end) == (item.current_period_start, item.current_period_end)
    assert line.pricing.price_details.price == item.price.id
    details = line.parent.subscription_item_details
    assert (details.subscription_item, details.proration) == (item.id, False)


async def test_a_declined_first_payment_leaves_the_subscription_incomplete(shop):
    """
    The subscription waits for its first payment; nothing is retried by itself.
    """
    customer = await shop.customer("pm_card_chargeCustomerFail")
    price = await shop.price()
    shop.events()

    subscription = await shop.subscribe(customer, price, expand=["latest_invoice"])

    assert (subscription.status, subscription.latest_invoice.status) == ("incomplete", "open")
    assert subscription.latest_invoice.next_payment_attempt is None
    assert shop.types()[-3:] == ["charge.failed", "payment_intent.payment_failed", "invoice.payment_failed"]


async def test_an_incomplete_subscription_expires_after_23_hours(shop):
    """
    Its invoice is void, its intent canceled, and it is over.
    """
    customer = await shop.customer("pm_card_chargeCustomerFail")
    subscription = await shop.subscribe(customer)
    shop.pass_time(23 * 3600 - 1)
    waiting = await shop.subscription(subscription.id)
    shop.events()

    shop.pass_time(1)

    expired = await shop.subscription(subscription.id)
    [invoice] = await shop.invoices(subscription.id)
    assert (waiting["status"], expired["status"], invoice["status"]) == ("incomplete", "incomplete_expired", "void")
    assert shop.types() == ["payment_intent.canceled", "invoice.voided", "customer.subscription.updated"]


async def test_paying_the_first_invoice_later_activates_the_subscription(shop):
    """
    A new card and a payment of the open invoice begin what a decline had held up.
    """
    customer = await shop.customer("pm_card_chargeCustomerFail")
    subscription = await shop.subscribe(customer)
    await shop.default_card(customer, "pm_card_visa")

    paid = await shop.v1.invoices.pay_async(subscription.latest_invoice)

    shop.pass_time(DAY)
    assert (paid.status, (await shop.subscription(subscription.id))["status"]) == ("paid", "active")


async def test_error_if_incomplete_leaves_nothing_behind(shop, refusal):
    """
    The decline is the answer, and there is no subscription.
    """
    customer = await shop.customer("pm_card_chargeCustomerFail")

    facts = await refusal(shop.subscribe(customer, payment_behavior="error_if_incomplete"))

    assert facts[:2] == (402, "card_declined")
    assert (await shop.v1.subscriptions.list_async({"status": "all"})).data == []
    assert (await shop.v1.invoices.list_async()).data == []


async def test_default_incomplete_waits_for_the_customer_to_confirm(shop):
    """
    Nothing is charged; the invoice's confirmation secret is that of its payment intent, whose success activates.
    """
    customer = await shop.customer(card=None)
    subscription = await shop.subscribe(
        customer,
        payment_behavior="default_incomplete",
        payment_settings={"save_default_payment_method": "on_subscription"},
        expand=["latest_invoice.confirmation_secret"],
    )
    intent = await shop.intent_of(subscription.latest_invoice.id)
    assert subscription.status == "incomplete"
    assert subscription.latest_invoice.confirmation_secret.client_secret == intent["client_secret"]

    confirm = {"payment_method": "pm_card_visa", "return_url": "https://acme.test/back"}
    confirmed = await shop.v1.payment_intents.confirm_async(intent["id"], confirm)

    active = await shop.subscription(subscription.id)
    assert (active["status"], active["default_payment_method"]) == ("active", confirmed.payment_method)


@pytest.mark.parametrize(("succeeded", "status"), [(True, "active"), (False, "incomplete")])
async def test_a_first_payment_that_needs_authentication_waits_for_it(shop, succeeded, status):
    """
    The intent requires action; 3-D Secure on its page activates the subscription, or does not.
    """
    customer = await shop.customer("pm_card_authenticationRequired")
    subscription = await shop.subscribe(customer)
    intent = await shop.intent_of(subscription.latest_invoice)
    assert (subscription.status, intent["status"]) == ("incomplete", "requires_action")
    assert shop.types()[-2:] == ["payment_intent.requires_action", "invoice.payment_action_required"]

    with shop.twin.store.unit():
        payments.finish_authentication(shop.twin.account, intent["id"], succeeded=succeeded)

    assert (await shop.subscription(subscription.id))["status"] == status


async def test_a_trial_costs_nothing_and_is_announced_before_it_ends(shop, acme, at):
    """
    A zero invoice is paid without an intent; three days before the end there is notice; then the first period is paid.
    """
    subscription = await shop.subscribe(acme, trial_period_days=14, expand=["latest_invoice"])
    assert (subscription.status, subscription.trial_end) == ("trialing", at(2026, 1, 15))
    assert (subscription.latest_invoice.status, subscription.latest_invoice.total) == ("paid", 0)
    begun = shop.types()
    assert "payment_intent.created" not in begun
    assert {"invoice.paid", "invoice.payment_succeeded"} <= set(begun)

    shop.pass_to(2026, 1, 12)
    assert "customer.subscription.trial_will_end" in shop.types()
    shop.pass_to(2026, 1, 16)

    active, invoices = await shop.subscription(subscription.id), await shop.invoices(subscription.id)
    assert active["status"] == "active"
    assert active["items"]["data"][0]["current_period_end"] == at(2026, 2, 15)
    assert [(invoice["billing_reason"], invoice["amount_paid"]) for invoice in invoices] == [
        ("subscription_cycle", 4900),
        ("subscription_create", 0),
    ]


@pytest.mark.parametrize(
    ("choice", "status", "event"),
    [
        ("cancel", "canceled", "customer.subscription.deleted"),
        ("pause", "paused", "customer.subscription.paused"),
        ("create_invoice", "active", "customer.subscription.updated"),
    ],
)
async def test_a_trial_that_ends_without_a_card_ends_as_it_was_told(shop, choice, status, event):
    """
    The subscription is canceled, paused or goes on, as its trial settings say.
    """
    customer = await shop.customer(card=None)
    settings = {"end_behavior": {"missing_payment_method": choice}}
    subscription = await shop.subscribe(customer, trial_period_days=7, trial_settings=settings)

    shop.pass_time(7 * DAY)

    assert (await shop.subscription(subscription.id))["status"] == status
    assert event in shop.types()


async def test_a_later_anchor_bills_the_time_until_then_in_proportion(shop, acme, at):
    """
    From 1 January to an anchor on the 11th: ten of the 31 days that end there; then whole months from the 11th.
    """
    subscription = await shop.subscribe(acme, billing_cycle_anchor=at(2026, 1, 11), expand=["latest_invoice"])
    assert subscription.latest_invoice.total == round(4900 * 10 / 31)

    shop.pass_to(2026, 1, 12)

    [newest, _] = await shop.invoices(subscription.id)
    period = newest["lines"]["data"][0]["period"]
    assert (newest["total"], period["start"], period["end"]) == (4900, at(2026, 1, 11), at(2026, 2, 11))


async def test_a_later_anchor_without_proration_makes_no_first_invoice(shop, acme, at):
    """
    The time up to the anchor is free.
    """
    subscription = await shop.subscribe(acme, billing_cycle_anchor=at(2026, 1, 11), proration_behavior="none")

    assert (subscription.status, subscription.latest_invoice) == ("active", None)


async def test_a_price_of_nothing_is_active_without_a_card(shop):
    """
    A free subscription needs no payment method.
    """
    customer = await shop.customer(card=None)

    subscription = await shop.subscribe(customer, await shop.price(0))

    assert subscription.status == "active"


async def test_subscriptions_are_listed_by_customer_status_and_price(shop, acme):
    """
    Canceled ones are shown only when asked for.
    """
    other = await shop.customer()
    price = await shop.price()
    first, second = await shop.subscribe(acme, price), await shop.subscribe(other, price)
    await shop.v1.subscriptions.cancel_async(second.id)

    async def ids(**params):
        return [found.id for found in (await shop.v1.subscriptions.list_async(params)).data]

    assert await ids() == [first.id]
    assert await ids(status="all") == [second.id, first.id]
    assert await ids(status="canceled", price=price) == [second.id]
    assert await ids(status="all", customer=acme) == [first.id]
    assert await ids(price=await shop.price()) == []


async def test_a_subscription_can_begin_with_its_end_set(shop, acme, at):
    """
    It runs for one period and is not renewed.
    """
    subscription = await shop.subscribe(acme, cancel_at_period_end=True)
    assert (subscription.status, subscription.cancel_at) == ("active", at(2026, 2, 1))

    shop.pass_to(2026, 2, 2)

    assert (await shop.subscription(subscription.id))["status"] == "canceled"
    assert len(await shop.invoices(subscription.id)) == 1
