"""
What the whole account did since a time, whoever it was about.
"""

from datetime import datetime, timedelta

from contracts.stripe.paying import FOR_EVER, made_payment, paid_payment
from contracts.stripe.stand import Stand
from contracts.stripe.subscribing import latest_invoice, opened_subscription
from rsolv.stripe_gateway import StripeGateway


async def listed(gateway: StripeGateway, verb: str, since: datetime = FOR_EVER) -> list[str]:
    """
    Return the ids of what a list of the account has.
    """
    return [each.id async for each in getattr(gateway, verb)(created_since=since)]


async def test_everybodys_payments_are_listed_unpaid_ones_too(stripe: Stand, gateway: StripeGateway) -> None:
    """
    The newest first, of several customers.
    """
    acme, other = await stripe.customer(), await stripe.customer()
    paid = await paid_payment(gateway, acme, await stripe.card(acme))
    await stripe.advance(60)
    unpaid = await made_payment(gateway, other)

    payments = [each async for each in gateway.list_all_payments(created_since=FOR_EVER)]

    assert [each.id for each in payments] == [unpaid.id, paid.id]
    assert payments[1].charge_id == paid.charge_id
    assert payments[1].amount_refunded_cents == 0


async def test_refunds_and_disputes_are_listed_whosever_they_are(stripe: Stand, gateway: StripeGateway) -> None:
    """
    Each of another customer's payment.
    """
    acme, other = await stripe.customer(), await stripe.customer()
    paid = await paid_payment(gateway, acme, await stripe.card(acme))
    disputed = await paid_payment(gateway, other, await stripe.card(other, "createDispute"), key="disputed")
    refund = await gateway.refund_payment(
        paid.id, amount_cents=900, reason="requested_by_customer", metadata={}, key="refund"
    )

    disputes = [each async for each in gateway.list_all_disputes(created_since=FOR_EVER)]

    assert await listed(gateway, "list_all_refunds") == [refund.id]
    assert [each.payment_id for each in disputes] == [disputed.id]


async def test_subscriptions_and_their_invoices_are_listed_ended_ones_too(stripe: Stand) -> None:
    """
    An invoice comes with its lines and its payments.
    """
    acme = await stripe.customer()
    ended = await opened_subscription(stripe, acme, await stripe.card(acme))
    invoice = await latest_invoice(stripe, ended)
    await stripe.gateway.cancel_subscription(ended.id)

    subscriptions = [each async for each in stripe.gateway.list_all_subscriptions(created_since=FOR_EVER)]
    invoices = [each async for each in stripe.gateway.list_all_invoices(created_since=FOR_EVER)]

    assert [(each.id, each.state) for each in subscriptions] == [(ended.id, "canceled")]
    assert [(each.id, each.lines, each.payments) for each in invoices] == [
        (invoice.id, invoice.lines, invoice.payments)
    ]


async def test_what_was_before_the_time_is_not_listed(stripe: Stand, gateway: StripeGateway) -> None:
    """
    And what was in its very second is.
    """
    acme = await stripe.customer()
    card = await stripe.card(acme)
    await paid_payment(gateway, acme, card, key="before")
    await stripe.advance(60)
    after = await paid_payment(gateway, acme, card, key="after")

    assert await listed(gateway, "list_all_payments", after.created_at) == [after.id]
    assert await listed(gateway, "list_all_payments", after.created_at + timedelta(seconds=1)) == []
