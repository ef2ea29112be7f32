"""
Changing what is subscribed to (docs.stripe.com/billing/subscriptions/prorations).
"""

import random

import pytest

DAY = 86_400


async def subscribed(shop, acme, price=None, **params):
    """
    Begin a subscription on 1 January; return its id and its item's.
    """
    subscription = await shop.subscribe(acme, price, **params)
    return subscription.id, subscription["items"].data[0].id


def amounts(invoice):
    """
    Return what an invoice's lines come to.
    """
    return [line["amount"] for line in invoice["lines"]["data"]]


async def change(shop, subscription, item, **params):
    """
    Change the one item of a subscription.
    """
    how = {name: params.pop(name) for name in list(params) if name in ("proration_behavior", "payment_behavior")}
    return await shop.v1.subscriptions.update_async(subscription, {"items": [{"id": item, **params}], **how})


async def test_a_dearer_price_is_prorated_on_the_next_renewal(shop, acme, at):
    """
    Half a February on: half of the old price is credited, half of the new one billed, both with the next period.
    """
    subscription, item = await subscribed(shop, acme)
    shop.pass_to(2026, 2, 15)
    shop.events()

    await change(shop, subscription, item, price=await shop.price(9800))
    assert shop.types().count("invoiceitem.created") == 2
    shop.pass_to(2026, 3, 2)

    [invoice, *_] = await shop.invoices(subscription)
    assert amounts(invoice) == [4900, -2450, 9800]
    debit, credit, period = invoice["lines"]["data"]
    assert [line["parent"]["subscription_item_details"]["proration"] for line in (debit, credit, period)] == [
        True,
        True,
        False,
    ]
    assert credit["period"] == debit["period"] == {"start": at(2026, 2, 15), "end": at(2026, 3, 1)}
    assert invoice["total"] == sum(amounts(invoice)) == invoice["amount_paid"]


async def test_always_invoice_bills_a_change_at_once(shop, acme):
    """
    The prorations are invoiced and paid in the call; the renewal has none left.
    """
    subscription, item = await subscribed(shop, acme)
    shop.pass_to(2026, 2, 15)

    changed = await change(shop, subscription, item, quantity=3, proration_behavior="always_invoice")

    invoice = (await shop.v1.invoices.retrieve_async(changed.latest_invoice)).to_dict()
    assert (invoice["billing_reason"], invoice["status"], amounts(invoice)) == (
        "subscription_update",
        "paid",
        [7350, -2450],
    )
    shop.pass_to(2026, 3, 2)
    assert amounts((await shop.invoices(subscription))[0]) == [14700]


async def test_without_prorations_only_the_next_period_changes(shop, acme):
    """
    Nothing is credited and nothing billed until the renewal.
    """
    subscription, item = await subscribed(shop, acme)
    shop.pass_to(2026, 2, 15)

    await change(shop, subscription, item, quantity=2, proration_behavior="none")
    shop.pass_to(2026, 3, 2)

    assert amounts((await shop.invoices(subscription))[0]) == [9800]


async def test_a_credit_gives_back_what_was_billed_not_what_is_dear_now(shop, acme):
    """
    Flexible billing: after an unprorated rise, the next change credits the old, lower, debit.
    """
    subscription, item = await subscribed(shop, acme)
    shop.pass_to(2026, 2, 1)
    await change(shop, subscription, item, quantity=10, proration_behavior="none")
    shop.pass_to(2026, 2, 15)

    changed = await change(shop, subscription, item, quantity=1, proration_behavior="always_invoice")

    invoice = (await shop.v1.invoices.retrieve_async(changed.latest_invoice)).to_dict()
    assert amounts(invoice) == [2450, -2450]


async def test_a_cheaper_price_leaves_a_credit_balance(shop, acme):
    """
    An invoice below nothing is paid, its rest waits on the customer's balance and reduces the next one.
    """
    subscription, item = await subscribed(shop, acme, await shop.price(9800))
    shop.pass_to(2026, 2, 15)

    changed = await change(shop, subscription, item, price=await shop.price(4900), proration_behavior="always_invoice")

    invoice = await shop.v1.invoices.retrieve_async(changed.latest_invoice)
    assert (invoice.status, invoice.total, invoice.amount_due, invoice.ending_balance) == ("paid", -2450, 0, -2450)
    assert (await shop.v1.customers.retrieve_async(acme)).balance == -2450
    shop.pass_to(2026, 3, 2)
    renewal = (await shop.invoices(subscription))[0]
    assert (renewal["total"], renewal["starting_balance"], renewal["amount_paid"]) == (4900, -2450, 2450)
    assert (await shop.v1.customers.retrieve_async(acme)).balance == 0


async def test_another_interval_begins_a_new_period_at_once(shop, acme, at):
    """
    Monthly to yearly: the unused month is credited, the year billed and paid, the anchor is today.
    """
    subscription, item = await subscribed(shop, acme)
    shop.pass_to(2026, 2, 15)

    changed = await change(shop, subscription, item, price=await shop.price(49000, "year"))

    invoice = (await shop.v1.invoices.retrieve_async(changed.latest_invoice)).to_dict()
    assert (amounts(invoice), invoice["status"]) == ([-2450, 49000], "paid")
    assert changed.billing_cycle_anchor == at(2026, 2, 15)
    assert changed["items"].data[0].current_period_end == at(2027, 2, 15)


async def test_an_anchor_of_now_begins_a_new_period(shop, acme, at):
    """
    The object of this API version resets the cycle; the rest of the old period is credited.
    """
    subscription, _ = await subscribed(shop, acme)
    shop.pass_to(2026, 2, 15)

    changed = await shop.v1.subscriptions.update_async(subscription, {"billing_cycle_anchor": {"type": "now"}})

    assert changed["items"].data[0].current_period_start == at(2026, 2, 15)
    shop.pass_to(2026, 3, 16)
    assert [amounts(invoice) for invoice in await shop.invoices(subscription)][:2] == [[4900], [-2450, 4900]]


async def test_items_come_and_go(shop, acme):
    """
    An added item is billed for the rest of the period, a deleted one credited.
    """
    subscription, first = await subscribed(shop, acme)
    shop.pass_to(2026, 2, 15)
    added = await shop.v1.subscription_items.create_async(
        {"subscription": subscription, "price": await shop.price(2000), "quantity": 2}
    )
    listed = await shop.v1.subscription_items.list_async({"subscription": subscription})
    assert [item.id for item in listed.data] == [added.id, first]

    await shop.v1.subscription_items.delete_async(first)
    shop.pass_to(2026, 3, 2)

    assert amounts((await shop.invoices(subscription))[0]) == [-2450, 2000, 4000]


async def test_a_trial_can_be_ended_and_moved(shop, acme, at):
    """
    Moved, it ends later; ended now, the first period is paid at once.
    """
    subscription, _ = await subscribed(shop, acme, trial_period_days=14)
    await shop.v1.subscriptions.update_async(subscription, {"trial_end": at(2026, 2, 1)})
    shop.pass_to(2026, 1, 20)
    assert (await shop.subscription(subscription))["status"] == "trialing"

    active = await shop.v1.subscriptions.update_async(subscription, {"trial_end": "now"})

    assert (active.status, active["items"].data[0].current_period_start) == ("active", at(2026, 1, 20))
    assert (await shop.invoices(subscription))[0]["amount_paid"] == 4900


async def test_a_change_whose_payment_fails_is_past_due_or_undone(shop, acme, refusal):
    """
    Under error_if_incomplete nothing has changed; else the change stands and payment is due.
    """
    subscription, item = await subscribed(shop, acme)
    await shop.default_card(acme, "pm_card_chargeCustomerFail")
    shop.pass_to(2026, 1, 15)
    asked = {"quantity": 2, "proration_behavior": "always_invoice"}

    facts = await refusal(change(shop, subscription, item, **asked, payment_behavior="error_if_incomplete"))
    untouched = await shop.subscription(subscription)
    changed = await change(shop, subscription, item, **asked)

    assert facts[:2] == (402, "card_declined")
    assert (untouched["status"], untouched["items"]["data"][0]["quantity"]) == ("active", 1)
    assert (changed.status, changed["items"].data[0].quantity) == ("past_due", 2)


async def test_metadata_and_default_card_change_without_money(shop, acme):
    """
    Metadata is merged; the event says what was before.
    """
    subscription, _ = await subscribed(shop, acme, metadata={"a": "1", "b": "2"})
    method = await shop.v1.payment_methods.attach_async("pm_card_mastercard", {"customer": acme})
    shop.events()

    changed = await shop.v1.subscriptions.update_async(
        subscription, {"metadata": {"a": "", "c": "3"}, "default_payment_method": method.id}
    )

    assert changed.metadata.to_dict() == {"b": "2", "c": "3"}
    [event] = shop.events()
    assert event["data"]["previous_attributes"] == {"metadata": {"a": "1", "c": None}, "default_payment_method": None}


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_is_changed_the_lines_sum_to_the_total_and_the_preview_was_right(shop, acme, seed):
    """
    Over a random year of changes every invoice is the sum of its lines, and each preview came true.
    """
    chance = random.Random(seed)  # noqa: S311 -- chance that can be repeated
    prices = [await shop.price(amount) for amount in (500, 4900, 9801)]
    subscription, item = await subscribed(shop, acme, prices[1])
    for _ in range(12):
        shop.pass_time(chance.randrange(1, 40 * DAY))
        behavior = chance.choice(["create_prorations", "always_invoice", "none"])
        asked = {"id": item, "price": chance.choice(prices), "quantity": chance.randrange(1, 5)}
        details = {"items": [asked], "proration_behavior": behavior}
        preview = await shop.v1.invoices.create_preview_async(
            {"subscription": subscription, "subscription_details": details}
        )
        before = await shop.subscription(subscription)
        changed = await shop.v1.subscriptions.update_async(subscription, details)
        # What is not billed at once is billed when the period ends.
        until_billed = before["items"]["data"][0]["current_period_end"] - shop.twin.account.now
        shop.pass_time(until_billed * (changed.latest_invoice == before["latest_invoice"]))
        [newest, *_] = await shop.invoices(subscription)
        assert facts(newest) == facts(preview.to_dict())
    for invoice in await shop.invoices(subscription):
        lines = await shop.v1.invoices.line_items.list_async(invoice["id"], {"limit": 100})
        assert sum(line.amount for line in lines.data) == invoice["total"]


def facts(invoice):
    """
    Return what a preview promises of an invoice.
    """
    lines = [(line["amount"], line["description"], line["period"]) for line in invoice["lines"]["data"]]
    return lines, invoice["total"], invoice["amount_due"], invoice["period_start"], invoice["period_end"]


async def test_a_change_the_customer_is_to_confirm_waits_for_payment(shop, acme):
    """
    Under default_incomplete the change stands, its invoice is open, and nothing was charged.
    """
    subscription, item = await subscribed(shop, acme)
    shop.pass_to(2026, 1, 15)
    shop.events()

    changed = await change(
        shop,
        subscription,
        item,
        quantity=2,
        proration_behavior="always_invoice",
        payment_behavior="default_incomplete",
    )

    assert (await shop.v1.invoices.retrieve_async(changed.latest_invoice)).status == "open"
    assert "charge.succeeded" not in shop.types()


async def test_a_change_of_nothing_has_no_event(shop, acme):
    """
    What is as it was needs no telling.
    """
    subscription, item = await subscribed(shop, acme, metadata={"a": "1"})
    shop.events()

    await change(shop, subscription, item, quantity=1)
    await shop.v1.subscriptions.update_async(subscription, {"metadata": {"a": "1"}})

    assert shop.types() == []


async def test_taxes_can_be_turned_on_for_a_customer_with_a_place(shop):
    """
    The twin has no registration: the tax is nothing, and the calculation complete.
    """
    customer = await shop.customer(address={"country": "US"})
    subscription, _ = await subscribed(shop, customer)

    await shop.v1.subscriptions.update_async(subscription, {"automatic_tax": {"enabled": True}})
    shop.pass_to(2026, 2, 2)

    [invoice, _] = await shop.invoices(subscription)
    assert (invoice["automatic_tax"]["status"], invoice["total"]) == ("complete", 4900)
