"""
What customers, banks and networks do, through the control.
"""

import httpx
import pytest
import stripe

CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123"}
BACK = "https://acme.test/back"


async def paid(sdk: stripe.StripeClient, card: str) -> stripe.PaymentIntent:
    """
    Have a new customer pay 29 dollars on the spot.
    """
    return await sdk.v1.payment_intents.create_async(
        {"amount": 2900, "currency": "usd", "payment_method": card, "confirm": True, "return_url": BACK}
    )


@pytest.fixture
async def session(sdk: stripe.StripeClient) -> stripe.checkout.Session:
    """
    Open a session that saves a new customer's card.
    """
    customer = await sdk.v1.customers.create_async({"email": "ada@acme.test"})
    return await sdk.v1.checkout.sessions.create_async(
        {"mode": "setup", "currency": "usd", "customer": customer.id, "success_url": BACK}
    )


async def test_a_checkout_is_completed(http: httpx.AsyncClient, session: stripe.checkout.Session) -> None:
    """
    As on its page, without a browser.
    """
    answer = (await http.post(f"/_twin/checkout_sessions/{session.id}/complete", json=CARD)).json()

    assert (answer["session"]["status"], answer["authenticate"]) == ("complete", None)


async def test_a_checkout_can_need_authentication(http: httpx.AsyncClient, session: stripe.checkout.Session) -> None:
    """
    The answer names the intent, and the customer's word completes the session.
    """
    path = f"/_twin/checkout_sessions/{session.id}/complete"
    asked = (await http.post(path, json={**CARD, "number": "4000002760003184"})).json()
    done = (await http.post(f"/_twin/intents/{asked['authenticate']}/authenticate", json={"succeeded": True})).json()

    assert (asked["session"]["status"], asked["authenticate"]) == ("open", session.setup_intent)
    assert done["status"] == "succeeded"


async def test_a_declined_checkout_says_so(http: httpx.AsyncClient, session: stripe.checkout.Session) -> None:
    """
    With the status and the code of a decline.
    """
    path = f"/_twin/checkout_sessions/{session.id}/complete"
    answer = await http.post(path, json={**CARD, "number": "4000000000000002"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (402, "card_declined")


@pytest.mark.parametrize(("succeeded", "status"), [(True, "succeeded"), (False, "requires_payment_method")])
async def test_authentication_ends_as_the_customer_says(
    http: httpx.AsyncClient,
    sdk: stripe.StripeClient,
    succeeded: bool,  # noqa: FBT001 -- a case
    status: str,
) -> None:
    """
    Complete or failed.
    """
    intent = await paid(sdk, "pm_card_threeDSecure2Required")

    done = await http.post(f"/_twin/intents/{intent.id}/authenticate", json={"succeeded": succeeded})

    assert (intent.status, done.json()["status"]) == ("requires_action", status)


async def test_a_card_is_renewed(http: httpx.AsyncClient, sdk: stripe.StripeClient) -> None:
    """
    It expires later, and an event tells so.
    """
    customer = await sdk.v1.customers.create_async({"payment_method": "pm_card_visa"})
    card = (await sdk.v1.customers.payment_methods.list_async(customer.id)).data[0]

    renewed = (await http.post(f"/_twin/payment_methods/{card.id}/renew")).json()

    assert renewed["card"]["exp_year"] > card.card.exp_year
    assert (await sdk.v1.events.list_async()).data[0].type == "payment_method.automatically_updated"


@pytest.mark.parametrize(("won", "status"), [(True, "won"), (False, "lost")])
async def test_a_dispute_is_decided(
    http: httpx.AsyncClient,
    sdk: stripe.StripeClient,
    won: bool,  # noqa: FBT001 -- a case
    status: str,
) -> None:
    """
    For us or for the cardholder.
    """
    await paid(sdk, "pm_card_createDispute")
    await http.post("/_twin/clock", json={"advance_seconds": 3600})
    dispute = (await sdk.v1.disputes.list_async()).data[0]

    decided = await http.post(f"/_twin/disputes/{dispute.id}/decide", json={"won": won})

    assert decided.json()["status"] == status


async def test_a_refund_fails_after_all(http: httpx.AsyncClient, sdk: stripe.StripeClient) -> None:
    """
    The bank sends it back.
    """
    intent = await paid(sdk, "pm_card_visa")
    refund = await sdk.v1.refunds.create_async({"payment_intent": intent.id})

    failed = (await http.post(f"/_twin/refunds/{refund.id}/fail")).json()

    assert (refund.status, failed["status"]) == ("succeeded", "failed")


async def test_a_scenario_is_triggered(http: httpx.AsyncClient) -> None:
    """
    The answer is the event that it ends in.
    """
    event = (await http.post("/_twin/trigger", json={"event": "payment_intent.succeeded"})).json()
    unknown = await http.post("/_twin/trigger", json={"event": "cake.eaten"})

    assert (event["object"], event["type"]) == ("event", "payment_intent.succeeded")
    assert unknown.status_code == 404
