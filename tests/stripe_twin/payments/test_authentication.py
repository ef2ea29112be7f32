"""
3-D Secure, on-session and off-session (docs.stripe.com/testing#regulatory-cards, docs.stripe.com/payments/3d-secure).
"""

import pytest

from stripe_twin import payments
from stripe_twin.core import StripeError

BACK = "https://acme.test/back"


@pytest.fixture
def finish(twin):
    """
    Let the customer come back from the bank.
    """

    def finished(intent_id, *, succeeded):
        with twin.store.unit():
            return payments.finish_authentication(twin.account, intent_id, succeeded=succeeded)

    return finished


@pytest.fixture
def kept(sdk, acme, finish):
    """
    Set a test card up for acme's off-session payments, through 3-D Secure where the bank asks for it.
    """

    async def set_up(name):
        intent = await sdk.v1.setup_intents.create_async(
            {"customer": acme, "payment_method": f"pm_card_{name}", "confirm": True, "return_url": BACK}
        )
        method_id = intent.payment_method
        if intent.status == "requires_action":
            finish(intent.id, succeeded=True)
        return method_id

    return set_up


async def test_off_session_the_bank_declines_instead_of_asking(acme, saved, pay, refusal, types):
    """
    402 authentication_required; the intent in the error waits for another card or for the customer.
    """
    card = await saved("authenticationRequired")
    types()

    error = await refusal(pay(customer=acme, payment_method=card, off_session=True))

    assert (*error.facts, error.decline_code) == (402, "authentication_required", None, "authentication_required")
    assert error.error["payment_intent"]["status"] == "requires_payment_method"
    assert error.error["payment_method"]["id"] == card
    assert types() == ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]


async def test_on_session_the_customer_is_sent_to_the_bank(acme, saved, pay, types):
    """
    200 with requires_action and the address of the page; nothing is charged yet.
    """
    card = await saved("authenticationRequired")
    types()

    intent = await pay(customer=acme, payment_method=card)

    assert (intent.status, intent.latest_charge, intent.payment_method) == ("requires_action", None, card)
    assert intent.next_action.type == "redirect_to_url"
    assert intent.next_action.redirect_to_url.return_url == BACK
    assert intent.next_action.redirect_to_url.url.endswith(f"/pages/3ds/{intent.id}")
    assert types() == ["payment_intent.created", "payment_intent.requires_action"]


async def test_stripe_js_can_handle_the_action(pay):
    """
    With `use_stripe_sdk` there is no redirect.
    """
    intent = await pay(payment_method="pm_card_authenticationRequired", use_stripe_sdk=True)

    assert intent.next_action.type == "use_stripe_sdk"


async def test_after_authentication_the_card_is_charged(sdk, pay, finish, types):
    """
    The charge tells of the authentication.
    """
    intent = await pay(payment_method="pm_card_authenticationRequired")
    types()

    finish(intent.id, succeeded=True)

    done = await sdk.v1.payment_intents.retrieve_async(intent.id, {"expand": ["latest_charge"]})
    assert (done.status, done.next_action) == ("succeeded", None)
    assert done.latest_charge.payment_method_details.card.three_d_secure.result == "authenticated"
    assert types() == ["charge.succeeded", "payment_intent.succeeded"]


async def test_after_failed_authentication_nothing_is_charged(sdk, pay, finish, types):
    """
    The intent asks for another payment method and says why.
    """
    intent = await pay(payment_method="pm_card_authenticationRequired")
    types()

    finish(intent.id, succeeded=False)

    failed = await sdk.v1.payment_intents.retrieve_async(intent.id)
    assert (failed.status, failed.latest_charge) == ("requires_payment_method", None)
    assert failed.last_payment_error.code == "payment_intent_authentication_failure"
    assert types() == ["payment_intent.payment_failed"]


async def test_an_authenticated_card_can_still_be_declined(sdk, pay, finish, types):
    """
    The card ...3178 has no funds, whoever holds it.
    """
    intent = await pay(payment_method="pm_card_authenticationRequiredChargeDeclinedInsufficientFunds")
    types()

    finish(intent.id, succeeded=True)

    failed = await sdk.v1.payment_intents.retrieve_async(intent.id)
    assert failed.last_payment_error.decline_code == "insufficient_funds"
    assert types() == ["charge.failed", "payment_intent.payment_failed"]


@pytest.mark.parametrize(
    ("name", "attached_only", "set_up"),
    [
        ("authenticationRequiredOnSetup", "authentication_required", None),
        ("authenticationRequired", "authentication_required", "authentication_required"),
        ("authenticationRequiredSetupForOffSession", None, None),
        (
            "authenticationRequiredChargeDeclinedInsufficientFunds",
            "authentication_required",
            "insufficient_funds",
        ),
    ],
)
async def test_setting_a_card_up_spares_off_session_payments(
    acme, saved, kept, pay, refusal, name, attached_only, set_up
):
    """
    Attaching alone is not enough where the bank wants a setup; each card's column of the documentation holds.
    """
    outcomes = []
    for method in (await saved(name), await kept(name)):
        asked = pay(customer=acme, payment_method=method, off_session=True)
        wanted = (attached_only, set_up)[len(outcomes)]
        outcomes.append((await refusal(asked)).decline_code if wanted else (await asked).last_payment_error)

    assert outcomes == [attached_only, set_up]


async def test_a_card_that_was_set_up_is_still_asked_for_on_session(acme, kept, pay):
    """
    The card ...3155 always asks a customer who is there.
    """
    card = await kept("authenticationRequiredOnSetup")

    assert (await pay(customer=acme, payment_method=card)).status == "requires_action"


async def test_paying_with_authentication_can_set_the_card_up(acme, pay, finish):
    """
    `setup_future_usage=off_session` makes the card good for later.
    """
    first = await pay(
        customer=acme, payment_method="pm_card_authenticationRequiredOnSetup", setup_future_usage="off_session"
    )
    finish(first.id, succeeded=True)

    later = await pay(customer=acme, payment_method=first.payment_method, off_session=True)

    assert later.status == "succeeded"


async def test_who_cannot_handle_an_action_gets_an_error(pay, refusal):
    """
    `error_on_requires_action` turns the action into a decline.
    """
    error = await refusal(pay(payment_method="pm_card_authenticationRequired", error_on_requires_action=True))

    assert (error.facts[0], error.decline_code) == (402, "authentication_not_handled")
    assert error.error["payment_intent"]["status"] == "requires_payment_method"


async def test_an_intent_that_waits_can_be_canceled_or_given_another_card(sdk, pay):
    """
    Waiting for the customer is not final.
    """
    one, other = [await pay(payment_method="pm_card_authenticationRequired") for _ in range(2)]

    canceled = await sdk.v1.payment_intents.cancel_async(one.id)
    done = await sdk.v1.payment_intents.confirm_async(other.id, {"payment_method": "pm_card_visa", "return_url": BACK})

    assert (canceled.status, canceled.next_action, done.status) == ("canceled", None, "succeeded")


async def test_an_intent_that_waits_for_nobody_cannot_be_finished(pay, finish):
    """
    The page's verb refuses what is done, or unknown.
    """
    intent = await pay(payment_method="pm_card_visa")

    with pytest.raises(StripeError, match="status of succeeded"):
        finish(intent.id, succeeded=True)
    with pytest.raises(StripeError, match="No such"):
        finish("pi_none", succeeded=True)
