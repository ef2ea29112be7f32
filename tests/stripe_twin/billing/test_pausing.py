"""
Pausing and resuming by a call (docs.stripe.com/billing/subscriptions/pause).
"""

import pytest

DAY, HOUR = 86_400, 3600


@pytest.fixture
async def paused(shop, acme):
    """
    A subscription of 31 dollars a month, begun on 1 January and paused on the 11th.
    """
    subscription = await shop.subscribe(acme, await shop.price(3100))
    shop.pass_to(2026, 1, 11)
    shop.events()
    await shop.v1.subscriptions.pause_async(subscription.id)
    return subscription.id


async def test_a_pause_credits_unused_time_and_stops_everything(shop, acme, paused):
    """
    The rest of the month waits as a credit; no period rolls and no invoice comes.
    """
    subscription = await shop.subscription(paused)
    types = shop.types()
    shop.pass_to(2026, 3, 20)

    assert subscription["status"] == "paused"
    assert subscription["status_details"]["paused"]["subscription"]["type"] == "pause_requested"
    assert types == ["invoiceitem.created", "customer.subscription.updated", "customer.subscription.paused"]
    [credit] = (await shop.v1.invoice_items.list_async({"customer": acme, "pending": True})).data
    assert (credit.amount, credit.proration) == (-2100, True)
    assert len(await shop.invoices(paused)) == 1


async def test_a_pause_can_leave_unused_time_alone_or_bill_it(shop, acme):
    """
    Without credit nothing waits; with an invoice the credit goes to the balance.
    """
    price = await shop.price(3100)
    first, second = await shop.subscribe(acme, price), await shop.subscribe(acme, price)
    shop.pass_to(2026, 1, 11)

    await shop.v1.subscriptions.pause_async(first.id, {"bill_for": {"unused_time_from": {"type": "none"}}})
    assert (await shop.v1.invoice_items.list_async({"customer": acme})).data == []
    await shop.v1.subscriptions.pause_async(second.id, {"invoicing_behavior": "invoice"})
    shop.pass_time(HOUR)

    assert (await shop.v1.customers.retrieve_async(acme)).balance == -2100


async def test_resuming_waits_for_a_payment_that_somebody_tries(shop, paused, at):
    """
    The invoice of the new period, less the credit, is open; paying it ends the pause.
    """
    shop.pass_to(2026, 2, 20)
    shop.events()

    resuming = await shop.v1.subscriptions.resume_async(paused, {"expand": ["latest_invoice"]})
    invoice = resuming.latest_invoice
    assert (resuming.status, invoice.status, invoice.total) == ("paused", "open", 1000)
    await shop.v1.invoices.pay_async(invoice.id)

    active = await shop.subscription(paused)
    assert (active["status"], active["status_details"]) == ("active", None)
    assert active["billing_cycle_anchor"] == at(2026, 2, 20)
    assert active["items"]["data"][0]["current_period_end"] == at(2026, 3, 20)
    assert shop.types()[-2:] == ["customer.subscription.updated", "customer.subscription.resumed"]
    shop.pass_to(2026, 3, 21)
    assert (await shop.invoices(paused))[0]["total"] == 3100


async def test_a_resumption_that_nobody_pays_is_void_after_23_hours(shop, paused):
    """
    The subscription stays paused, and can be resumed again.
    """
    await shop.v1.subscriptions.resume_async(paused)

    shop.pass_time(23 * HOUR)

    assert (await shop.subscription(paused))["status"] == "paused"
    assert (await shop.invoices(paused))[0]["status"] == "void"
    again = await shop.v1.subscriptions.resume_async(paused, {"payment_behavior": "resume_on_payment_success"})
    assert again.status == "active"


async def test_a_resumption_whose_payment_fails_is_past_due_and_not_retried(shop, acme, paused, refusal):
    """
    By default any attempt at payment resumes.
    """
    await shop.default_card(acme, "pm_card_chargeCustomerFail")
    resuming = await shop.v1.subscriptions.resume_async(paused)

    await refusal(shop.v1.invoices.pay_async(resuming.latest_invoice))
    shop.events()
    shop.pass_time(10 * DAY)

    [invoice, _] = await shop.invoices(paused)
    assert (await shop.subscription(paused))["status"] == "past_due"
    assert invoice["next_payment_attempt"] is None
    assert "charge.failed" not in shop.types()


async def test_a_resumption_on_success_is_retried_until_it_succeeds(shop, acme, paused):
    """
    It stays paused while payment fails, and resumes by itself with a better card.
    """
    await shop.default_card(acme, "pm_card_chargeCustomerFail")
    failed = await shop.v1.subscriptions.resume_async(paused, {"payment_behavior": "resume_on_payment_success"})
    await shop.default_card(acme, "pm_card_visa")

    shop.pass_time(DAY)

    assert failed.status == "paused"
    assert (await shop.subscription(paused))["status"] == "active"


@pytest.mark.parametrize(("behavior", "waiting"), [("create_prorations", [1000, -2100]), ("none", [-2100])])
async def test_an_unchanged_anchor_resumes_at_once_in_the_old_rhythm(shop, acme, paused, at, behavior, waiting):
    """
    The rest of the period that is running waits as a proration, or is free.
    """
    shop.pass_to(2026, 1, 22)

    resumed = await shop.v1.subscriptions.resume_async(
        paused, {"billing_cycle_anchor": {"type": "unchanged"}, "proration_behavior": behavior}
    )

    assert resumed.status == "active"
    assert resumed["items"].data[0].current_period_end == at(2026, 2, 1)
    items = (await shop.v1.invoice_items.list_async({"customer": acme, "pending": True})).data
    assert [item.amount for item in items] == waiting


async def test_what_is_not_paused_or_not_active_is_refused(shop, paused, refusal):
    """
    Neither a second pause nor a second resumption.
    """
    assert await refusal(shop.v1.subscriptions.pause_async(paused)) == (400, None, None)
    await shop.v1.subscriptions.resume_async(paused)
    assert await refusal(shop.v1.subscriptions.resume_async(paused)) == (400, None, None)
