"""
Payments: made without moving money, charged once, found again, ended.
"""

import asyncio
from datetime import timedelta

import pytest

from contracts.stripe.paying import made_payment, only_payment, paid_payment
from contracts.stripe.stand import Stand
from rsolv.stripe_gateway import GatewayMisused, Payment, StripeGateway


async def test_a_made_payment_moves_no_money(stripe: Stand, gateway: StripeGateway, acme: str, visa: str) -> None:
    """
    It waits for its confirmation, with all that it was given.
    """
    made = await made_payment(gateway, acme, payment_method_id=visa)

    read = await gateway.read_payment(made.id)

    assert (read.state, read.amount_cents, read.amount_received_cents) == ("confirmable", 2_900, 0)
    assert (read.currency, read.stripe_customer_id, read.payment_method_id) == ("usd", acme, visa)
    assert (read.metadata, read.charge_id, read.decline, read.livemode) == ({"fix": "11"}, None, None, False)
    assert await stripe.count("charge") == 0


async def test_a_payment_can_be_made_without_a_card(gateway: StripeGateway, acme: str, visa: str) -> None:
    """
    The card is then named by the confirmation.
    """
    made = await made_payment(gateway, acme)
    paid = await gateway.confirm_payment(made.id, payment_method_id=visa, key="confirm")

    assert (made.state, made.payment_method_id) == ("confirmable", None)
    assert (paid.state, paid.payment_method_id) == ("succeeded", visa)


async def test_a_confirmed_payment_has_charged_once(
    stripe: Stand, gateway: StripeGateway, acme: str, visa: str
) -> None:
    """
    The repeat of its attempt is answered alike, and charges nothing.
    """
    made = await made_payment(gateway, acme)

    paid = await gateway.confirm_payment(made.id, payment_method_id=visa, key="confirm")
    again = await gateway.confirm_payment(made.id, payment_method_id=visa, key="confirm")

    assert (paid.state, paid.amount_received_cents, paid.amount_refunded_cents) == ("succeeded", 2_900, 0)
    assert (paid.is_disputed, paid.charge_id) == (False, again.charge_id)
    assert await stripe.count("charge") == 1


async def test_a_paid_payment_cannot_be_confirmed_again(
    stripe: Stand, gateway: StripeGateway, acme: str, visa: str
) -> None:
    """
    Another key is our mistake; what is true is read by the id that comes with it.
    """
    paid = await paid_payment(gateway, acme, visa)

    with pytest.raises(GatewayMisused) as misused:
        await gateway.confirm_payment(paid.id, payment_method_id=visa, key="another")

    assert (misused.value.code, misused.value.payment_id) == ("payment_intent_unexpected_state", paid.id)
    assert (await gateway.read_payment(paid.id)).state == "succeeded"
    assert await stripe.count("charge") == 1


async def test_four_attempts_under_one_key_make_one_payment(stripe: Stand, gateway: StripeGateway, acme: str) -> None:
    """
    However they overlap.
    """
    await stripe.control("POST", "latency", {"seconds": 0.1})

    await asyncio.gather(*(made_payment(gateway, acme) for _ in range(4)), return_exceptions=True)
    again = await made_payment(gateway, acme)

    assert await only_payment(stripe, acme) == again.id


async def test_without_stripes_memory_of_keys_the_check_above_notices(
    stripe: Stand, gateway: StripeGateway, acme: str
) -> None:
    """
    A planted bug: keys are not remembered, so that four attempts make four payments.
    """
    await stripe.control("POST", "idempotency", {"on": False})

    await asyncio.gather(*(made_payment(gateway, acme) for _ in range(4)))

    with pytest.raises(AssertionError):
        await only_payment(stripe, acme)


async def test_four_confirmations_with_keys_of_their_own_charge_once(
    stripe: Stand, gateway: StripeGateway, acme: str, visa: str
) -> None:
    """
    One payment succeeds once in its life, whatever keys are used.
    """
    made = await made_payment(gateway, acme)

    answers = await asyncio.gather(
        *(gateway.confirm_payment(made.id, payment_method_id=visa, key=f"try {number}") for number in range(4)),
        return_exceptions=True,
    )

    assert [answer.state for answer in answers if isinstance(answer, Payment)] == ["succeeded"]
    assert {type(answer) for answer in answers} == {Payment, GatewayMisused}
    assert await stripe.count("charge") == 1


async def test_a_canceled_payment_stays_canceled(stripe: Stand, gateway: StripeGateway, acme: str, visa: str) -> None:
    """
    Canceling it once more returns it as it is; it can no longer be confirmed.
    """
    made = await made_payment(gateway, acme)
    canceled = await gateway.cancel_payment(made.id, key="1")
    again = await gateway.cancel_payment(made.id, key="2")

    with pytest.raises(GatewayMisused) as misused:
        await gateway.confirm_payment(made.id, payment_method_id=visa, key="confirm")

    assert canceled.state == again.state == "canceled"
    assert misused.value.code == "payment_intent_unexpected_state"
    assert await stripe.count("charge") == 0


async def test_a_paid_payment_cannot_be_canceled(gateway: StripeGateway, acme: str, visa: str) -> None:
    """
    Its money goes back by a refund only.
    """
    paid = await paid_payment(gateway, acme, visa)

    with pytest.raises(GatewayMisused) as misused:
        await gateway.cancel_payment(paid.id, key="cancel")

    assert (misused.value.code, misused.value.payment_id) == ("payment_intent_unexpected_state", paid.id)
    assert (await gateway.read_payment(paid.id)).state == "succeeded"


async def test_too_small_an_amount_is_our_mistake(stripe: Stand, gateway: StripeGateway, acme: str) -> None:
    """
    Stripe charges no less than half a dollar.
    """
    with pytest.raises(GatewayMisused) as misused:
        await made_payment(gateway, acme, amount_cents=49)

    assert (misused.value.code, misused.value.param) == ("amount_too_small", "amount")
    assert await stripe.count("payment_intent") == 0


async def test_a_card_of_another_customer_is_not_charged(
    stripe: Stand, gateway: StripeGateway, acme: str, visa: str
) -> None:
    """
    Neither named when the payment is made nor when it is confirmed.
    """
    globex = await stripe.customer("globex")
    made = await made_payment(gateway, globex)

    with pytest.raises(GatewayMisused):
        await made_payment(gateway, globex, payment_method_id=visa, key="other")
    with pytest.raises(GatewayMisused):
        await gateway.confirm_payment(made.id, payment_method_id=visa, key="confirm")

    assert await stripe.count("charge") == 0


async def test_all_payments_are_listed_the_newest_first(
    stripe: Stand, gateway: StripeGateway, acme: str, visa: str
) -> None:
    """
    Over several pages, each once, and no other customer's; a paid one comes with its charge.
    """
    globex = await stripe.customer("globex")
    made = [(await paid_payment(gateway, acme, visa)).id]
    made += [(await made_payment(gateway, acme, key=f"payment {number}")).id for number in range(101)]
    await made_payment(gateway, globex, key="other")

    since = await stripe.now() - timedelta(days=1)
    listed = [each async for each in gateway.list_payments(stripe_customer_id=acme, created_since=since)]

    assert [payment.id for payment in listed] == made[::-1]
    assert [payment.amount_refunded_cents for payment in listed] == [None] * 101 + [0]


async def test_older_payments_are_left_out_of_the_list(stripe: Stand, gateway: StripeGateway, acme: str) -> None:
    """
    What was made in the very second that is asked for is in it.
    """
    await made_payment(gateway, acme, key="old")
    await stripe.advance(60)
    new = await made_payment(gateway, acme, key="new")

    listed = [each async for each in gateway.list_payments(stripe_customer_id=acme, created_since=new.created_at)]

    assert [payment.id for payment in listed] == [new.id]
