"""
Banks that say no: which of our failures comes out, with which codes, and whether the card is worth another try.
"""

from typing import NamedTuple

import pytest

from contracts.stripe.paying import made_payment
from contracts.stripe.stand import BACK, Stand
from rsolv.stripe_gateway import Decline, GatewayMisused, NeedsAction, PaymentDeclined, StripeGateway


class Case(NamedTuple):
    """
    A test card by its name, what its bank says, and whether another try with it is pointless.
    """

    card: str
    decline: Decline
    is_hard: bool


def case(card: str, code: str, decline_code: str | None, advice_code: str, *, is_hard: bool = False) -> Case:
    """
    Write a row of the table.
    """
    return Case(card, Decline(code=code, decline_code=decline_code, advice_code=advice_code), is_hard)


DECLINES = [
    case("chargeDeclined", "card_declined", "generic_decline", "try_again_later"),
    case("chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds", "try_again_later"),
    case("chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded", "try_again_later"),
    case("chargeDeclinedLostCard", "card_declined", "lost_card", "do_not_try_again", is_hard=True),
    case("chargeDeclinedStolenCard", "card_declined", "stolen_card", "do_not_try_again", is_hard=True),
    case("chargeDeclinedExpiredCard", "expired_card", None, "confirm_card_data"),
    case("chargeDeclinedIncorrectCvc", "incorrect_cvc", None, "confirm_card_data"),
    case("chargeDeclinedProcessingError", "processing_error", None, "try_again_later"),
]
EVERY_DECLINE = pytest.mark.parametrize("case", DECLINES, ids=[row.card for row in DECLINES])


@EVERY_DECLINE
async def test_a_declined_charge_says_why(gateway: StripeGateway, acme: str, case: Case) -> None:
    """
    In the failure, and afterwards on the payment, which can be tried again with another card.
    """
    made = await made_payment(gateway, acme)

    with pytest.raises(PaymentDeclined) as declined:
        await gateway.confirm_payment(made.id, payment_method_id=f"pm_card_{case.card}", key="confirm")
    read = await gateway.read_payment(made.id)

    assert (declined.value.decline, declined.value.is_hard) == (case.decline, case.is_hard)
    assert (declined.value.payment_id, declined.value.status) == (made.id, 402)
    assert (read.state, read.decline, read.amount_received_cents) == ("confirmable", case.decline, 0)


@EVERY_DECLINE
async def test_a_card_that_is_always_declined_is_not_saved(gateway: StripeGateway, acme: str, case: Case) -> None:
    """
    With the same words as when it is charged, and no payment behind them.
    """
    with pytest.raises(PaymentDeclined) as declined:
        await gateway.attach_payment_method(f"pm_card_{case.card}", stripe_customer_id=acme, key="attach")

    assert (declined.value.decline, declined.value.is_hard) == (case.decline, case.is_hard)
    assert declined.value.payment_id is None


async def test_a_saved_card_may_be_declined_later(stripe: Stand, gateway: StripeGateway, acme: str, visa: str) -> None:
    """
    The repeat of the attempt is declined alike; a new attempt with another card is paid.
    """
    saved = await stripe.card(acme, "chargeCustomerFail")
    made = await made_payment(gateway, acme)

    with pytest.raises(PaymentDeclined) as first:
        await gateway.confirm_payment(made.id, payment_method_id=saved, key="1")
    with pytest.raises(PaymentDeclined) as again:
        await gateway.confirm_payment(made.id, payment_method_id=saved, key="1")
    paid = await gateway.confirm_payment(made.id, payment_method_id=visa, key="2")

    assert first.value.decline == again.value.decline
    assert (paid.state, paid.decline) == ("succeeded", None)
    assert await stripe.count("charge") == 2


async def test_a_bank_may_want_the_customer_who_is_away(stripe: Stand, gateway: StripeGateway, acme: str) -> None:
    """
    That is no decline: the payment waits, and the customer's secret comes with the failure.
    """
    asking = await stripe.card(acme, "authenticationRequired")
    made = await made_payment(gateway, acme)

    with pytest.raises(NeedsAction) as wanted:
        await gateway.confirm_payment(made.id, payment_method_id=asking, key="away")
    read = await gateway.read_payment(made.id)

    assert (wanted.value.payment_id, wanted.value.code) == (made.id, "authentication_required")
    assert wanted.value.client_secret == read.client_secret
    assert (read.state, read.decline.needs_customer, read.amount_received_cents) == ("confirmable", True, 0)


async def test_a_customer_who_is_here_authenticates_and_pays(stripe: Stand, gateway: StripeGateway, acme: str) -> None:
    """
    The bank's page leads back to us, and only then has money moved.
    """
    asking = await stripe.card(acme, "authenticationRequired")
    made = await made_payment(gateway, acme)

    sent = await gateway.confirm_payment(made.id, payment_method_id=asking, key="here", return_url=BACK)
    charges_before = await stripe.count("charge")
    landed = await stripe.authenticate(sent.next_action_url)
    paid = await gateway.read_payment(made.id)

    assert (sent.state, sent.amount_received_cents, charges_before) == ("needs_action", 0, 0)
    assert landed.startswith(f"{BACK}?payment_intent={made.id}&")
    assert landed.endswith("redirect_status=succeeded")
    assert (paid.state, paid.amount_received_cents, paid.next_action_url) == ("succeeded", 2_900, None)


async def test_a_customer_the_bank_does_not_know_has_not_paid(
    stripe: Stand, gateway: StripeGateway, acme: str, visa: str
) -> None:
    """
    The payment can be tried again with another card.
    """
    asking = await stripe.card(acme, "authenticationRequired")
    made = await made_payment(gateway, acme)
    sent = await gateway.confirm_payment(made.id, payment_method_id=asking, key="here", return_url=BACK)

    await stripe.authenticate(sent.next_action_url, outcome="fail")
    failed = await gateway.read_payment(made.id)
    paid = await gateway.confirm_payment(made.id, payment_method_id=visa, key="other card")

    assert (failed.state, failed.decline.code) == ("confirmable", "payment_intent_authentication_failure")
    assert paid.state == "succeeded"


async def test_another_card_takes_the_place_of_one_whose_bank_waits(
    stripe: Stand, gateway: StripeGateway, acme: str, visa: str
) -> None:
    """
    It is charged at once, and the bank's page of the first one then changes nothing.
    """
    asking = await stripe.card(acme, "authenticationRequired")
    made = await made_payment(gateway, acme)
    sent = await gateway.confirm_payment(made.id, payment_method_id=asking, key="here", return_url=BACK)

    paid = await gateway.confirm_payment(made.id, payment_method_id=visa, key="other card")
    await stripe.visit(sent.next_action_url)

    assert (sent.state, paid.state, paid.next_action_url) == ("needs_action", "succeeded", None)
    assert await stripe.count("charge") == 1


async def test_a_payment_that_waits_for_its_customer_can_be_canceled(
    stripe: Stand, gateway: StripeGateway, acme: str
) -> None:
    """
    The bank's page then changes nothing.
    """
    asking = await stripe.card(acme, "authenticationRequired")
    made = await made_payment(gateway, acme)
    sent = await gateway.confirm_payment(made.id, payment_method_id=asking, key="here", return_url=BACK)

    canceled = await gateway.cancel_payment(made.id, key="cancel")
    await stripe.visit(sent.next_action_url)

    assert canceled.state == "canceled"
    assert await stripe.count("charge") == 0


async def test_a_payment_without_a_usable_card_is_our_mistake(gateway: StripeGateway, acme: str) -> None:
    """
    A method that nobody knows is named as such.
    """
    made = await made_payment(gateway, acme)

    with pytest.raises(GatewayMisused) as misused:
        await gateway.confirm_payment(made.id, payment_method_id="pm_nobody", key="confirm")

    assert (misused.value.is_missing, misused.value.param) == (True, "payment_method")
