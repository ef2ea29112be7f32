"""
Invoices: renewals, their lines and periods, all lines however many, previews, failed renewals.
"""

import pytest

from contracts.stripe.paying import paid_payment
from contracts.stripe.stand import DAY, MONTH, Stand
from contracts.stripe.subscribing import latest_invoice, opened_subscription
from rsolv.stripe_gateway import GatewayMisused, Invoice, NeedsAction, PaymentDeclined, StripeGateway


async def test_a_first_invoice_says_what_it_is_for(stripe: Stand, gateway: StripeGateway, acme: str, visa: str) -> None:
    """
    The subscription with its metadata, the reason, the amounts, the payment, the pages.
    """
    opened = await opened_subscription(stripe, acme, visa)

    invoice = await gateway.read_invoice(opened.latest_invoice_id)

    assert (invoice.state, invoice.billing_reason) == ("paid", "subscription_create")
    assert (invoice.stripe_customer_id, invoice.stripe_subscription_id) == (acme, opened.id)
    assert (invoice.subscription_metadata, invoice.currency) == ({"plan": "pro"}, "usd")
    assert (invoice.subtotal_cents, invoice.total_cents, invoice.amount_due_cents) == (59_900, 59_900, 59_900)
    assert (invoice.amount_paid_cents, invoice.amount_remaining_cents) == (59_900, 0)
    assert [(each.payment_id, each.amount_paid_cents) for each in invoice.payments] == [
        (opened.latest_payment_id, 59_900)
    ]
    assert None not in {invoice.hosted_invoice_url, invoice.invoice_pdf_url, invoice.number}


async def test_the_invoice_of_a_payment_is_found(stripe: Stand, gateway: StripeGateway, acme: str, visa: str) -> None:
    """
    With the subscription that it is for; its own payments have to be read with it.
    """
    opened = await opened_subscription(stripe, acme, visa)
    await stripe.advance(MONTH + DAY)
    renewal = await latest_invoice(stripe, opened)

    [first] = await gateway.list_invoices_of_payment(opened.latest_payment_id)
    [second] = await gateway.list_invoices_of_payment(renewal.payments[0].payment_id)

    assert [first.id, second.id] == [opened.latest_invoice_id, renewal.id]
    assert (first.state, first.stripe_customer_id, first.stripe_subscription_id) == ("paid", acme, opened.id)
    assert (first.subscription_metadata, first.amount_paid_cents) == ({"plan": "pro"}, 59_900)
    assert first.payments == ()


async def test_a_payment_for_something_else_has_no_invoice(gateway: StripeGateway, acme: str, visa: str) -> None:
    """
    That is an answer, not a failure.
    """
    paid = await paid_payment(gateway, acme, visa)

    assert await gateway.list_invoices_of_payment(paid.id) == []


async def test_a_renewal_bills_the_next_period(stripe: Stand, gateway: StripeGateway, acme: str, visa: str) -> None:
    """
    A month later, an hour after the period has moved; its one line is for the new period, at our price.
    """
    price_id = await stripe.price()
    opened = await opened_subscription(stripe, acme, visa, price_id=price_id, quantity=2)

    await stripe.advance(MONTH + DAY)
    renewed = await gateway.read_subscription(opened.id)
    invoice = await gateway.read_invoice(renewed.latest_invoice_id)
    (line,) = invoice.lines

    assert (invoice.state, invoice.billing_reason, invoice.total_cents) == ("paid", "subscription_cycle", 119_800)
    assert (line.price_id, line.quantity, line.is_proration) == (price_id, 2, False)
    assert (line.amount_cents, line.stripe_subscription_id) == (119_800, opened.id)
    assert line.period == renewed.period
    assert line.period.starts_at == opened.period.ends_at


async def test_a_renewal_is_a_draft_for_an_hour(stripe: Stand, gateway: StripeGateway, acme: str, visa: str) -> None:
    """
    The period has moved by then, and nothing is paid yet.
    """
    opened = await opened_subscription(stripe, acme, visa)
    left = opened.period.ends_at - await stripe.now()

    await stripe.advance(int(left.total_seconds()) + 60)
    draft = await latest_invoice(stripe, opened)
    await stripe.advance(3600)
    paid = await gateway.read_invoice(draft.id)

    assert (draft.state, draft.amount_paid_cents, draft.payments) == ("draft", 0, ())
    assert (paid.state, paid.amount_paid_cents) == ("paid", 59_900)


async def test_a_renewal_is_as_it_was_previewed(stripe: Stand, gateway: StripeGateway, acme: str, visa: str) -> None:
    """
    Line by line, to the second of the period; asking makes nothing.
    """
    opened = await opened_subscription(stripe, acme, visa, quantity=2)

    preview = await gateway.preview_renewal(opened.id)
    made_by_asking = await stripe.count("invoice") - 1
    await stripe.advance(MONTH + DAY)
    invoice = await latest_invoice(stripe, opened)

    facts = [
        [(line.amount_cents, line.price_id, line.quantity, line.is_proration, line.period) for line in lines]
        for lines in (preview.lines, invoice.lines)
    ]
    assert made_by_asking == 0
    assert (preview.total_cents, preview.amount_due_cents) == (invoice.total_cents, invoice.amount_due_cents)
    assert facts[0] == facts[1]


async def test_a_change_in_the_middle_is_marked_as_proration(
    stripe: Stand, gateway: StripeGateway, acme: str, visa: str
) -> None:
    """
    The renewal credits the old quantity, bills the new one for the rest of the past period, and then the new period.
    """
    opened = await opened_subscription(stripe, acme, visa)
    await stripe.advance(10 * DAY)
    changed = {"items[0][id]": opened.items[0].id, "items[0][quantity]": 2, "proration_behavior": "create_prorations"}
    await stripe.api("POST", f"/v1/subscriptions/{opened.id}", changed)

    await stripe.advance(MONTH)
    invoice = await latest_invoice(stripe, opened)
    prorations = [line for line in invoice.lines if line.is_proration]
    (regular,) = [line for line in invoice.lines if not line.is_proration]

    assert sorted(line.amount_cents > 0 for line in prorations) == [False, True]
    assert {line.period.ends_at for line in prorations} == {opened.period.ends_at}
    assert (regular.amount_cents, regular.period.starts_at) == (119_800, opened.period.ends_at)
    assert invoice.total_cents == sum(line.amount_cents for line in invoice.lines)


@pytest.mark.parametrize("more", [10, 105], ids=["more than ten lines", "more than a page of lines"])
async def test_an_invoice_is_read_with_all_its_lines(
    stripe: Stand, gateway: StripeGateway, acme: str, visa: str, more: int
) -> None:
    """
    Each once, and together they are the subtotal; a list has ten of them, and says so.
    """
    for number in range(more):
        item = {"customer": acme, "currency": "usd", "amount": 100 + number, "description": f"Fix {number}"}
        await stripe.api("POST", "/v1/invoiceitems", item)
    opened = await opened_subscription(stripe, acme, visa)

    invoice = await gateway.read_invoice(opened.latest_invoice_id)
    (listed,) = [each async for each in gateway.list_invoices(stripe_customer_id=acme)]

    assert (len(invoice.lines), len({line.id for line in invoice.lines}), invoice.has_all_lines) == (
        more + 1,
        more + 1,
        True,
    )
    assert sum(line.amount_cents for line in invoice.lines) == invoice.subtotal_cents
    assert (len(listed.lines), listed.has_all_lines, listed.id) == (10, False, invoice.id)
    assert [line.id for line in listed.lines] == [line.id for line in invoice.lines[:10]]


async def test_invoices_are_listed_the_newest_first(
    stripe: Stand, gateway: StripeGateway, acme: str, visa: str
) -> None:
    """
    All of them, or those since a moment; no other customer's.
    """
    globex = await stripe.customer("globex")
    opened = await opened_subscription(stripe, acme, visa)
    await stripe.advance(3 * MONTH)

    listed = [each async for each in gateway.list_invoices(stripe_customer_id=acme)]
    since = [each async for each in gateway.list_invoices(stripe_customer_id=acme, created_since=opened.period.ends_at)]

    assert [invoice.billing_reason for invoice in listed] == ["subscription_cycle"] * 3 + ["subscription_create"]
    assert [invoice.id for invoice in since] == [invoice.id for invoice in listed[:3]]
    assert [each async for each in gateway.list_invoices(stripe_customer_id=globex)] == []


async def test_a_failed_renewal_is_tried_again(stripe: Stand, gateway: StripeGateway, acme: str, visa: str) -> None:
    """
    Past due meanwhile, with the time of the next try; the customer pays on the page of the invoice.
    """
    opened = await opened_subscription(stripe, acme, visa)
    declining = await stripe.card(acme, "chargeCustomerFail")
    await stripe.api("POST", f"/v1/subscriptions/{opened.id}", {"default_payment_method": declining})

    await stripe.advance(MONTH + 2 * 3600)
    overdue = await gateway.read_subscription(opened.id)
    failed = await latest_invoice(stripe, opened)
    await stripe.type_card(overdue.action_url, "4242424242424242")
    paid = await gateway.read_invoice(failed.id)

    assert (overdue.state, failed.state) == ("past_due", "open")
    assert failed.attempt_count >= 1
    assert failed.next_attempt_at > await stripe.now()
    assert (paid.state, paid.amount_remaining_cents, paid.next_attempt_at) == ("paid", 0, None)
    assert (await gateway.read_subscription(opened.id)).state == "active"


async def failed_renewal(stripe: Stand, acme: str, visa: str) -> Invoice:
    """
    Have a renewal whose card is declined.
    """
    opened = await opened_subscription(stripe, acme, visa)
    declining = await stripe.card(acme, "chargeCustomerFail")
    await stripe.api("POST", f"/v1/subscriptions/{opened.id}", {"default_payment_method": declining})
    await stripe.advance(MONTH + 2 * 3600)
    return await latest_invoice(stripe, opened)


async def test_an_open_invoice_is_paid_by_another_card_at_once(
    stripe: Stand, gateway: StripeGateway, acme: str, visa: str
) -> None:
    """
    By the payment that it has; to ask again is answered with what is there, whatever the key.
    """
    failed = await failed_renewal(stripe, acme, visa)
    other = await stripe.card(acme, "mastercard")

    paid = await gateway.pay_invoice(failed.id, payment_method_id=other, key="pay")
    again = await gateway.pay_invoice(failed.id, payment_method_id=visa, key="another")

    assert (failed.state, paid.state, paid.amount_remaining_cents) == ("open", "paid", 0)
    assert [each.payment_id for each in paid.payments] == [each.payment_id for each in failed.payments]
    assert (again.id, again.state, again.amount_paid_cents) == (paid.id, "paid", paid.amount_paid_cents)
    assert (await gateway.read_subscription(failed.stripe_subscription_id or "")).state == "active"


async def test_a_card_that_is_declined_leaves_the_invoice_open(
    stripe: Stand, gateway: StripeGateway, acme: str, visa: str
) -> None:
    """
    Stripe's own tries go on as they would have: this one is not counted among them.
    """
    failed = await failed_renewal(stripe, acme, visa)
    declining = await stripe.card(acme, "chargeCustomerFail")

    with pytest.raises(PaymentDeclined) as caught:
        await gateway.pay_invoice(failed.id, payment_method_id=declining, key="pay")

    found = await gateway.read_invoice(failed.id)
    assert caught.value.decline.code == "card_declined"
    assert (found.state, found.attempt_count) == ("open", failed.attempt_count)
    assert found.next_attempt_at == failed.next_attempt_at


async def test_a_card_whose_bank_asks_leaves_the_invoice_open_with_a_page(
    stripe: Stand, gateway: StripeGateway, acme: str, visa: str
) -> None:
    """
    The customer is away: it is no decline, and there is where to send them.
    """
    failed = await failed_renewal(stripe, acme, visa)
    asking = await stripe.card(acme, "authenticationRequired")

    with pytest.raises(NeedsAction):
        await gateway.pay_invoice(failed.id, payment_method_id=asking, key="pay")

    found = await gateway.read_subscription(failed.stripe_subscription_id or "")
    assert (await gateway.read_invoice(failed.id)).state == "open"
    assert (found.state, found.action_url) == ("past_due", failed.hosted_invoice_url)


async def test_an_invoice_is_paid_by_its_customers_cards_only(
    stripe: Stand, gateway: StripeGateway, acme: str, visa: str
) -> None:
    """
    Nobody pays with what is somebody else's.
    """
    failed = await failed_renewal(stripe, acme, visa)
    theirs = await stripe.card(await stripe.customer("globex"), "mastercard")

    with pytest.raises(GatewayMisused):
        await gateway.pay_invoice(failed.id, payment_method_id=theirs, key="pay")

    assert (await gateway.read_invoice(failed.id)).state == "open"
