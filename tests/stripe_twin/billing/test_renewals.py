"""
Renewals (docs.stripe.com/billing/invoices/subscription).
"""

from datetime import UTC, datetime

import pytest

from stripe_twin.embedded import sdk_client
from stripe_twin.twin import Twin

DAY, HOUR = 86_400, 3600


async def test_a_renewal_is_a_draft_for_an_hour_and_then_charged(shop, acme, at):
    """
    First the period rolls and a draft is made; an hour later it is finalised and paid.
    """
    subscription = await shop.subscribe(acme)
    shop.pass_time(1)
    shop.events()

    shop.pass_to(2026, 2, 1)
    rolled, [draft, _] = await shop.subscription(subscription.id), await shop.invoices(subscription.id)
    first = shop.types()
    shop.pass_time(HOUR)

    [paid, _] = await shop.invoices(subscription.id)
    assert rolled["items"]["data"][0]["current_period_start"] == at(2026, 2, 1)
    assert (draft["status"], draft["number"], draft["billing_reason"]) == ("draft", None, "subscription_cycle")
    assert draft["next_payment_attempt"] == draft["automatically_finalizes_at"] == at(2026, 2, 1) + HOUR
    assert (paid["status"], paid["attempt_count"], paid["number"][-5:]) == ("paid", 1, "-0002")
    assert first == ["invoice.upcoming", "invoice.created", "customer.subscription.updated"]
    assert shop.types() == [
        "payment_intent.created",
        "invoice.finalized",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice.paid",
        "invoice.payment_succeeded",
        "invoice_payment.paid",
    ]


async def test_the_roll_of_a_period_says_what_it_was(shop, acme, at):
    """
    The event has the items as they were and the invoice before.
    """
    subscription = await shop.subscribe(acme)
    shop.pass_to(2026, 2, 1)

    [rolled] = [event for event in shop.events()[-2:] if event["type"] == "customer.subscription.updated"]

    before = rolled["data"]["previous_attributes"]
    assert before["items"]["data"][0]["current_period_end"] == at(2026, 2, 1)
    assert before["latest_invoice"] == subscription.latest_invoice


async def test_an_upcoming_renewal_is_announced_a_week_before(shop, acme, at):
    """
    The announced invoice is the one that comes, and is not kept.
    """
    subscription = await shop.subscribe(acme)
    shop.pass_to(2026, 1, 25)
    [event] = [event for event in shop.events() if event["type"] == "invoice.upcoming"]
    shop.pass_to(2026, 2, 2)

    [invoice, _] = await shop.invoices(subscription.id)
    announced = event["data"]["object"]
    assert event["created"] == at(2026, 1, 25)
    assert announced["id"].startswith("upcoming_in_")
    assert (announced["total"], announced["period_end"]) == (invoice["total"], invoice["period_end"])


async def test_items_that_wait_come_on_the_next_renewal(shop, acme):
    """
    An invoice item of the customer is billed with the next period.
    """
    subscription = await shop.subscribe(acme)
    item = await shop.v1.invoice_items.create_async(
        {"customer": acme, "amount": 700, "currency": "usd", "description": "Onboarding"}
    )

    shop.pass_to(2026, 2, 2)

    [invoice, _] = await shop.invoices(subscription.id)
    assert [line["amount"] for line in invoice["lines"]["data"]] == [700, 4900]
    assert invoice["lines"]["data"][0]["parent"]["invoice_item_details"]["invoice_item"] == item.id
    assert (await shop.v1.invoice_items.retrieve_async(item.id)).invoice == invoice["id"]


async def test_two_years_of_renewals_are_right_to_the_second_for_every_anchor_day():
    """
    Subscriptions begun on each of January's 31 days renew 24 times on that day, or on the last of a shorter month.
    """
    twin = Twin(starts_at=int(datetime(2027, 1, 1, 9, 8, 7, tzinfo=UTC).timestamp()))
    v1 = sdk_client(twin).v1
    product = await v1.products.create_async({"name": "Pro"})
    price = await v1.prices.create_async(
        {"product": product.id, "unit_amount": 100, "currency": "usd", "recurring": {"interval": "month"}}
    )
    for _ in range(31):
        customer = await v1.customers.create_async({"payment_method": "pm_card_visa"})
        [card] = (await v1.customers.payment_methods.list_async(customer.id)).data
        asked = {"customer": customer.id, "default_payment_method": card.id, "items": [{"price": price.id}]}
        await v1.subscriptions.create_async(asked)
        twin.account.advance(twin.account.now + DAY)
    twin.account.advance(int(datetime(2029, 1, 31, 23, tzinfo=UTC).timestamp()))

    found = {day: [] for day in range(1, 32)}
    for invoice in reversed(twin.store.all("invoice")):
        [line] = invoice["lines"]["data"]
        begun = twin.store.find("subscription", line["subscription"])["start_date"]
        found[datetime.fromtimestamp(begun, UTC).day].append((line["period"]["start"], invoice["status"]))
    assert found == {day: [(start, "paid") for start in month_starts(day)] for day in range(1, 32)}
    assert twin.mistakes == []


def month_starts(day):
    """
    Return the starts of 25 months from January 2027, by a rule of its own: go back from a day that does not exist.
    """
    starts = []
    for month in range(25):
        last = day
        while True:
            try:
                start = datetime(2027 + month // 12, month % 12 + 1, last, 9, 8, 7, tzinfo=UTC)
                break
            except ValueError:
                last -= 1
        starts.append(int(start.timestamp()))
    return starts


@pytest.mark.parametrize(("interval", "count", "seconds"), [("day", 1, DAY), ("week", 2, 14 * DAY)])
async def test_days_and_weeks_have_their_length(shop, acme, interval, count, seconds):
    """
    Each period is as long as the price says.
    """
    subscription = await shop.subscribe(acme, await shop.price(500, interval, count))

    shop.pass_time(3 * seconds + HOUR)

    invoices = await shop.invoices(subscription.id)
    starts = [invoice["lines"]["data"][0]["period"]["start"] for invoice in reversed(invoices)]
    assert [start - starts[0] for start in starts] == [0, seconds, 2 * seconds, 3 * seconds]
    assert {invoice["status"] for invoice in invoices} == {"paid"}


async def test_a_customer_without_a_place_has_no_taxed_renewal(shop):
    """
    A draft whose tax cannot be calculated is not finalised, says why, and is when the address is there.
    """
    customer = await shop.customer(address={"country": "US", "postal_code": "94103"})
    subscription = await shop.subscribe(customer, automatic_tax={"enabled": True})
    await shop.v1.customers.update_async(customer, {"address": ""})
    shop.pass_to(2026, 2, 2)
    [draft, _] = await shop.invoices(subscription.id)
    assert (draft["status"], draft["automatic_tax"]["status"]) == ("draft", "requires_location_inputs")
    assert draft["last_finalization_error"]["code"] == "customer_tax_location_invalid"
    assert "invoice.finalization_failed" in shop.types()

    await shop.v1.customers.update_async(customer, {"address": {"country": "US"}})
    paid = await shop.v1.invoices.pay_async(draft["id"])

    assert (paid.status, paid.automatic_tax.status) == ("paid", "complete")


async def test_items_in_another_currency_wait_for_an_invoice_of_theirs(shop, acme):
    """
    A renewal in dollars does not take up euros.
    """
    subscription = await shop.subscribe(acme)
    await shop.v1.invoice_items.create_async({"customer": acme, "amount": 700, "currency": "eur"})
    shop.pass_to(2026, 2, 2)

    by_hand = await shop.v1.invoices.create_async({"customer": acme, "pending_invoice_items_behavior": "include"})

    assert (await shop.invoices(subscription.id))[0]["total"] == 4900
    assert (by_hand.currency, by_hand.total) == ("eur", 700)


async def test_renewals_go_on_after_a_restart(tmp_path):
    """
    A twin that was stopped between the draft and its hour finishes the renewal when it is started again.
    """
    file = tmp_path / "stripe.sqlite3"
    before = Twin(file=file)
    v1 = sdk_client(before).v1
    price = await v1.prices.create_async(
        {"currency": "usd", "unit_amount": 900, "recurring": {"interval": "day"}, "product_data": {"name": "Daily"}}
    )
    customer = await v1.customers.create_async({"payment_method": "pm_card_visa"})
    [card] = (await v1.customers.payment_methods.list_async(customer.id)).data
    asked = {"customer": customer.id, "default_payment_method": card.id, "items": [{"price": price.id}]}
    subscription = await v1.subscriptions.create_async(asked)
    before.account.advance(before.account.now + DAY)
    before.close()

    after = Twin(file=file)
    after.account.advance(after.account.now + DAY + HOUR)

    invoices = (await sdk_client(after).v1.invoices.list_async({"subscription": subscription.id})).data
    assert [invoice.status for invoice in invoices] == ["paid", "paid", "paid"]
    after.close()
