"""
Money that goes back: a part, the rest, never more; and refunds that fail after all.
"""

import pytest

from contracts.stripe.paying import made_payment, paid_payment
from contracts.stripe.stand import Stand
from rsolv.stripe_gateway import GatewayMisused, Refund, StripeGateway


async def refunded(gateway: StripeGateway, payment_id: str, amount_cents: int, *, key: str = "refund") -> Refund:
    """
    Return a part of a payment.
    """
    return await gateway.refund_payment(
        payment_id, amount_cents=amount_cents, reason="requested_by_customer", metadata={"case": "5"}, key=key
    )


async def test_a_refund_is_read_as_it_was_made(gateway: StripeGateway, acme: str, visa: str) -> None:
    """
    With its payment, its charge, its reason and our metadata.
    """
    paid = await paid_payment(gateway, acme, visa)

    made = await refunded(gateway, paid.id, 900)
    read = await gateway.read_refund(made.id)

    assert (read.state, read.amount_cents, read.currency) == ("succeeded", 900, "usd")
    assert (read.payment_id, read.charge_id) == (paid.id, paid.charge_id)
    assert (read.reason, read.failure_reason, read.metadata) == ("requested_by_customer", None, {"case": "5"})


async def test_a_payment_goes_back_in_parts_and_never_more(gateway: StripeGateway, acme: str, visa: str) -> None:
    """
    A part, too much, the rest, and then nothing any more; the parts are listed, the newest first.
    """
    paid = await paid_payment(gateway, acme, visa)

    part = await refunded(gateway, paid.id, 900, key="part")
    with pytest.raises(GatewayMisused) as too_much:
        await refunded(gateway, paid.id, 2_001, key="too much")
    rest = await refunded(gateway, paid.id, 2_000, key="rest")
    with pytest.raises(GatewayMisused) as nothing_left:
        await refunded(gateway, paid.id, 1, key="nothing left")

    assert too_much.value.param == "amount"
    assert nothing_left.value.code == "charge_already_refunded"
    assert [refund.id for refund in await gateway.list_refunds(paid.id)] == [rest.id, part.id]
    assert (await gateway.read_payment(paid.id)).amount_refunded_cents == 2_900


async def test_the_same_attempt_refunds_once(gateway: StripeGateway, acme: str, visa: str) -> None:
    """
    Also when there would be enough left for a second one.
    """
    paid = await paid_payment(gateway, acme, visa)

    first = await refunded(gateway, paid.id, 900)
    again = await refunded(gateway, paid.id, 900)

    assert first.id == again.id
    await require_one_refund(gateway, paid.id)


async def require_one_refund(gateway: StripeGateway, payment_id: str) -> None:
    """
    Insist that a payment was refunded once, and by how much.
    """
    assert [refund.amount_cents for refund in await gateway.list_refunds(payment_id)] == [900]
    assert (await gateway.read_payment(payment_id)).amount_refunded_cents == 900


async def test_without_stripes_memory_of_keys_a_second_refund_is_noticed(
    stripe: Stand, gateway: StripeGateway, acme: str, visa: str
) -> None:
    """
    A planted bug: the repeat is executed again, and the check above says so.
    """
    paid = await paid_payment(gateway, acme, visa)
    await stripe.control("POST", "idempotency", {"on": False})

    await refunded(gateway, paid.id, 900)
    await refunded(gateway, paid.id, 900)

    with pytest.raises(AssertionError):
        await require_one_refund(gateway, paid.id)


async def test_what_was_not_paid_cannot_be_refunded(stripe: Stand, gateway: StripeGateway, acme: str) -> None:
    """
    There is no charge to give back.
    """
    made = await made_payment(gateway, acme)

    with pytest.raises(GatewayMisused):
        await refunded(gateway, made.id, 900)

    assert await gateway.list_refunds(made.id) == []


async def test_a_pending_refund_succeeds_later(stripe: Stand, gateway: StripeGateway, acme: str) -> None:
    """
    Until then it is pending, and its money already counted as returned.
    """
    slow = await stripe.card(acme, "pendingRefund")
    paid = await paid_payment(gateway, acme, slow)

    pending = await refunded(gateway, paid.id, 2_900)
    await stripe.advance(60)

    assert pending.state == "pending"
    assert (await gateway.read_refund(pending.id)).state == "succeeded"
    assert (await gateway.read_payment(paid.id)).amount_refunded_cents == 2_900


async def test_a_refund_may_fail_after_it_succeeded(stripe: Stand, gateway: StripeGateway, acme: str) -> None:
    """
    Then the money is ours again: the payment says so, and the refund why.
    """
    refusing = await stripe.card(acme, "refundFail")
    paid = await paid_payment(gateway, acme, refusing)

    made = await refunded(gateway, paid.id, 2_900)
    await stripe.advance(60)
    failed = await gateway.read_refund(made.id)

    assert (made.state, failed.state) == ("succeeded", "failed")
    assert failed.failure_reason is not None
    assert (await gateway.read_payment(paid.id)).amount_refunded_cents == 0
    assert [refund.state for refund in await gateway.list_refunds(paid.id)] == ["failed"]
