"""
Declines: 402, with everything a retry needs to know (docs.stripe.com/declines/codes, docs.stripe.com/error-handling).
"""

import pytest

BACK = "https://acme.test/back"


@pytest.mark.parametrize(
    ("name", "code", "decline_code", "advice_code"),
    [
        ("chargeCustomerFail", "card_declined", "generic_decline", "try_again_later"),
        ("visa_chargeDeclined", "card_declined", "generic_decline", "try_again_later"),
        ("visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds", "try_again_later"),
        ("visa_chargeDeclinedLostCard", "card_declined", "lost_card", "do_not_try_again"),
        ("visa_chargeDeclinedStolenCard", "card_declined", "stolen_card", "do_not_try_again"),
        ("visa_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded", "try_again_later"),
        ("chargeDeclinedExpiredCard", "expired_card", None, "confirm_card_data"),
        ("chargeDeclinedIncorrectCvc", "incorrect_cvc", None, "confirm_card_data"),
        ("chargeDeclinedProcessingError", "processing_error", None, "try_again_later"),
    ],
)
async def test_a_declined_payment_says_why(pay, refusal, name, code, decline_code, advice_code):
    """
    Code, the bank's reason and what to do about it stand in the error and on the intent in it.
    """
    error = await refusal(pay(payment_method=f"pm_card_{name}"))

    assert (*error.facts, error.decline_code) == (402, code, None, decline_code)
    assert error.error["advice_code"] == advice_code
    intent = error.error["payment_intent"]
    assert (intent["status"], intent["payment_method"]) == ("requires_payment_method", None)
    assert intent["last_payment_error"]["code"] == code
    assert intent["last_payment_error"].get("decline_code") == decline_code
    assert error.error["payment_method"]["card"]["brand"] == "visa"


async def test_a_saved_card_that_is_declined_leaves_a_failed_charge(sdk, acme, saved, pay, refusal, types):
    """
    The card ...0341 can be saved; its charge fails and is kept, as the intent is.
    """
    card = await saved("chargeCustomerFail")
    types()

    error = await refusal(pay(customer=acme, payment_method=card, off_session=True))

    charge = await sdk.v1.charges.retrieve_async(error.error["charge"])
    assert (charge.status, charge.paid, charge.failure_code) == ("failed", False, "card_declined")
    assert (charge.outcome.type, charge.outcome.reason) == ("issuer_declined", "generic_decline")
    assert (charge.outcome.network_decline_code, charge.balance_transaction) == ("01", None)
    intent = await sdk.v1.payment_intents.retrieve_async(error.error["payment_intent"]["id"])
    assert (intent.latest_charge, intent.amount_received) == (charge.id, 0)
    assert [one.id for one in (await sdk.v1.charges.list_async({"customer": acme})).data] == [charge.id]
    assert types() == ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]


async def test_a_declined_intent_is_paid_with_another_card(sdk, pay, refusal, types):
    """
    The same intent succeeds; the error is gone, the failed charge is not.
    """
    error = await refusal(pay(payment_method="pm_card_visa_chargeDeclined"))
    intent_id = error.error["payment_intent"]["id"]
    types()

    done = await sdk.v1.payment_intents.confirm_async(intent_id, {"payment_method": "pm_card_visa", "return_url": BACK})

    assert (done.status, done.last_payment_error) == ("succeeded", None)
    charges = (await sdk.v1.charges.list_async({"payment_intent": intent_id})).data
    assert [charge.status for charge in charges] == ["succeeded", "failed"]
    assert types() == ["charge.succeeded", "payment_intent.succeeded"]


async def test_a_repeated_key_repeats_the_decline(sdk, twin, refusal):
    """
    The first answer stands: a second card under the same key is not even tried.
    """
    asked = {
        "amount": 2900,
        "currency": "usd",
        "payment_method": "pm_card_visa_chargeDeclined",
        "confirm": True,
        "return_url": BACK,
    }

    first = await refusal(sdk.v1.payment_intents.create_async(asked, {"idempotency_key": "k"}))
    again = await refusal(sdk.v1.payment_intents.create_async(asked, {"idempotency_key": "k"}))

    assert first == again
    assert twin.store.count("charge") == 1


async def test_the_error_of_a_declined_intent_keeps_the_card_as_it_was(sdk, acme, saved, pay, refusal):
    """
    A later change of the card does not reach back into the error.
    """
    card = await saved("chargeCustomerFail")
    error = await refusal(pay(customer=acme, payment_method=card))

    await sdk.v1.payment_methods.update_async(card, {"card": {"exp_year": 2044}})

    intent = await sdk.v1.payment_intents.retrieve_async(error.error["payment_intent"]["id"])
    assert intent.last_payment_error.payment_method.card.exp_year == 2027
