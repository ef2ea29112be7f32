"""
Disputes: what a customer's bank asks, takes, keeps or returns.
"""

import pytest

from contracts.stripe.paying import paid_payment
from contracts.stripe.stand import Stand
from rsolv.stripe_gateway import Dispute, GatewayMisused, StripeGateway


async def disputed(stripe: Stand, card: str) -> Dispute:
    """
    Charge a card whose holder complains at once.
    """
    acme = await stripe.customer()
    paid = await paid_payment(stripe.gateway, acme, await stripe.card(acme, card))
    (dispute,) = await stripe.gateway.list_disputes(paid.id)
    assert (dispute.payment_id, dispute.charge_id) == (paid.id, paid.charge_id)
    return dispute


async def decided(stripe: Stand, dispute: Dispute, *, won: bool) -> Dispute:
    """
    Have the bank decide.
    """
    await stripe.control("POST", f"disputes/{dispute.id}/decide", {"won": won})
    return await stripe.gateway.read_dispute(dispute.id)


async def test_an_open_dispute_has_taken_the_money(stripe: Stand, gateway: StripeGateway) -> None:
    """
    The payment says that it is disputed.
    """
    opened = await disputed(stripe, "createDispute")

    assert (opened.stage, opened.is_withdrawn) == ("open", True)
    assert (opened.amount_cents, opened.currency, opened.reason) == (2_900, "usd", "fraudulent")
    assert opened.respond_by is not None
    assert opened.respond_by > opened.created_at
    assert (await gateway.read_payment(opened.payment_id)).is_disputed is True


async def test_a_lost_dispute_keeps_the_money(stripe: Stand) -> None:
    """
    It stays away.
    """
    lost = await decided(stripe, await disputed(stripe, "createDispute"), won=False)

    assert (lost.stage, lost.is_withdrawn) == ("lost", True)


async def test_a_won_dispute_returns_the_money(stripe: Stand) -> None:
    """
    It is on our balance again.
    """
    won = await decided(stripe, await disputed(stripe, "createDisputeProductNotReceived"), won=True)

    assert (won.stage, won.is_withdrawn, won.reason) == ("won", False, "product_not_received")
    assert won.movements == 2, "one added, and none taken away"


async def test_an_inquiry_moves_no_money(stripe: Stand) -> None:
    """
    Neither while it is open nor when it is closed in our favour.
    """
    inquiry = await disputed(stripe, "createDisputeInquiry")
    closed = await decided(stripe, inquiry, won=True)

    assert (inquiry.stage, inquiry.is_withdrawn, inquiry.stripe_state) == ("inquiry", False, "warning_needs_response")
    assert (closed.stage, closed.is_withdrawn, closed.stripe_state) == ("inquiry", False, "warning_closed")


async def test_an_inquiry_may_become_a_dispute(stripe: Stand) -> None:
    """
    Then the money goes.
    """
    escalated = await decided(stripe, await disputed(stripe, "createDisputeInquiry"), won=False)

    assert (escalated.stage, escalated.is_withdrawn, escalated.movements) == ("open", True, 1)


async def test_an_unanswered_dispute_is_lost(stripe: Stand, gateway: StripeGateway) -> None:
    """
    When the time to respond is over.
    """
    opened = await disputed(stripe, "createDispute")

    await stripe.advance(10 * 24 * 3600)

    assert (await gateway.read_dispute(opened.id)).stage == "lost"


async def test_a_disputed_payment_cannot_be_refunded(stripe: Stand, gateway: StripeGateway) -> None:
    """
    The money is not there to be returned a second time.
    """
    opened = await disputed(stripe, "createDispute")

    with pytest.raises(GatewayMisused) as misused:
        await gateway.refund_payment(
            opened.payment_id, amount_cents=900, reason="fraudulent", metadata={}, key="refund"
        )

    assert misused.value.code == "charge_disputed"
    assert await gateway.list_refunds(opened.payment_id) == []
