"""
What comes of a filled in page.
"""

import pytest
import stripe

from stripe_twin import payments
from stripe_twin.acts import act
from stripe_twin.core import StripeError
from stripe_twin.twin import Twin

DECLINES_CHARGES = "4000000000000341"
DECLINED = "4000000000000002"
ASKS_ALWAYS = "4000002760003184"


def authenticate(twin: Twin, intent_id: str | None, *, succeeded: bool) -> None:
    """
    End 3-D Secure.
    """
    assert intent_id is not None
    act(
        twin.account,
        lambda: payments.finish_authentication(twin.account, intent_id, succeeded=succeeded),
        base_url="http://twin.test",
    )


async def test_a_setup_saves_the_card_and_makes_it_nobody_s_default(
    sdk: stripe.StripeClient, ada: str, open_setup, fill_in, types
) -> None:
    """
    The card is attached to the customer; the session is complete; the customer's default stays empty.
    """
    session = await open_setup()

    assert fill_in(session.id, name="Ada L.") is None

    session = await sdk.v1.checkout.sessions.retrieve_async(session.id, {"expand": ["setup_intent.payment_method"]})
    customer = await sdk.v1.customers.retrieve_async(ada)
    assert (session.status, session.url, session.payment_status) == ("complete", None, "no_payment_required")
    assert (session.customer_details.email, session.customer_details.name) == ("ada@acme.test", "Ada L.")
    assert session.setup_intent.status == "succeeded"
    assert (session.setup_intent.payment_method.customer, session.setup_intent.payment_method.card.last4) == (
        ada,
        "4242",
    )
    assert customer.invoice_settings.default_payment_method is None
    assert types()[-3:] == ["payment_method.attached", "setup_intent.succeeded", "checkout.session.completed"]


async def test_a_refused_card_leaves_the_session_open(sdk: stripe.StripeClient, open_setup, fill_in, types) -> None:
    """
    The customer may try another one.
    """
    session = await open_setup()
    with pytest.raises(StripeError, match="declined") as refusal:
        fill_in(session.id, DECLINED)
    between = await sdk.v1.checkout.sessions.retrieve_async(session.id)
    fill_in(session.id)

    assert refusal.value.status == 402
    assert between.status == "open"
    assert "setup_intent.setup_failed" in types()
    assert (await sdk.v1.checkout.sessions.retrieve_async(session.id)).status == "complete"


async def test_a_setup_can_need_authentication(sdk: stripe.StripeClient, twin: Twin, open_setup, fill_in) -> None:
    """
    The session is completed by the bank's answer, not before.
    """
    session = await open_setup()
    intent_id = fill_in(session.id, ASKS_ALWAYS)
    between = await sdk.v1.checkout.sessions.retrieve_async(session.id)
    authenticate(twin, intent_id, succeeded=True)

    assert intent_id == session.setup_intent
    assert between.status == "open"
    assert (await sdk.v1.checkout.sessions.retrieve_async(session.id)).status == "complete"


async def test_a_failed_authentication_leaves_the_session_open(
    sdk: stripe.StripeClient, twin: Twin, open_setup, fill_in
) -> None:
    """
    And another card completes it.
    """
    session = await open_setup()
    authenticate(twin, fill_in(session.id, ASKS_ALWAYS), succeeded=False)
    between = await sdk.v1.checkout.sessions.retrieve_async(session.id)
    fill_in(session.id)

    assert between.status == "open"
    assert (await sdk.v1.checkout.sessions.retrieve_async(session.id)).status == "complete"


async def test_a_subscription_is_paid_and_active(
    sdk: stripe.StripeClient, ada: str, pro: str, open_subscription, fill_in, types
) -> None:
    """
    With the metadata asked for; the card that paid is its default; session, subscription and invoice know each other.
    """
    session = await open_subscription(customer=ada, subscription_data={"metadata": {"plan": "pro"}})

    assert fill_in(session.id) is None

    session = await sdk.v1.checkout.sessions.retrieve_async(session.id, {"expand": ["subscription", "invoice"]})
    subscription = session.subscription
    assert (session.status, session.payment_status, session.customer) == ("complete", "paid", ada)
    assert (subscription.status, subscription.customer) == ("active", ada)
    assert subscription.metadata.to_dict() == {"plan": "pro"}
    assert [(one.price.id, one.quantity) for one in subscription["items"].data] == [(pro, 2)]
    method = await sdk.v1.payment_methods.retrieve_async(subscription.default_payment_method)
    assert (method.customer, method.card.last4) == (ada, "4242")
    assert (session.invoice.status, session.invoice.amount_paid) == ("paid", 119800)
    assert types().index("invoice.paid") < types().index("checkout.session.completed")


async def test_without_a_customer_one_is_made(sdk: stripe.StripeClient, open_subscription, fill_in) -> None:
    """
    With the name and the e-mail address that were typed.
    """
    session = await open_subscription()
    fill_in(session.id, name="Brian", email="brian@globex.test")

    session = await sdk.v1.checkout.sessions.retrieve_async(session.id, {"expand": ["customer"]})
    assert (session.customer.name, session.customer.email) == ("Brian", "brian@globex.test")


async def test_the_address_that_was_given_is_the_customer_s(
    sdk: stripe.StripeClient, open_subscription, fill_in
) -> None:
    """
    `customer_email` wins over what is typed.
    """
    session = await open_subscription(customer_email="given@globex.test")
    fill_in(session.id, email="typed@globex.test")

    session = await sdk.v1.checkout.sessions.retrieve_async(session.id, {"expand": ["customer"]})
    assert session.customer.email == "given@globex.test"


async def test_a_declined_subscription_is_paid_by_the_next_card(
    sdk: stripe.StripeClient, twin: Twin, open_subscription, fill_in, types
) -> None:
    """
    One customer, one subscription and one invoice, however often the customer tries.
    """
    session = await open_subscription()
    with pytest.raises(StripeError, match="declined"):
        fill_in(session.id, DECLINES_CHARGES, email="ada@acme.test")
    between = await sdk.v1.checkout.sessions.retrieve_async(session.id)
    fill_in(session.id, email="ada@acme.test")

    assert (between.status, between.subscription) == ("open", None)
    assert [twin.store.count(kind) for kind in ("customer", "subscription", "invoice", "payment_intent")] == [
        1,
        1,
        1,
        1,
    ]
    assert twin.store.all("subscription")[0]["status"] == "active"
    assert types().count("checkout.session.completed") == 1


async def test_a_subscription_can_need_authentication(
    sdk: stripe.StripeClient, twin: Twin, ada: str, open_subscription, fill_in
) -> None:
    """
    Incomplete until the bank has said yes.
    """
    session = await open_subscription(customer=ada)
    intent_id = fill_in(session.id, ASKS_ALWAYS)
    between = twin.store.all("subscription")[0]["status"]
    authenticate(twin, intent_id, succeeded=True)

    session = await sdk.v1.checkout.sessions.retrieve_async(session.id, {"expand": ["subscription"]})
    assert between == "incomplete"
    assert (session.status, session.subscription.status) == ("complete", "active")


async def test_a_session_is_completed_once(sdk: stripe.StripeClient, open_setup, fill_in) -> None:
    """
    Neither a complete nor an expired one takes another card.
    """
    complete, expired = await open_setup(), await open_setup()
    fill_in(complete.id)
    await sdk.v1.checkout.sessions.expire_async(expired.id)

    for session, state in ((complete, "complete"), (expired, "expired")):
        with pytest.raises(StripeError, match=state):
            fill_in(session.id)


async def test_a_complete_session_does_not_expire(sdk: stripe.StripeClient, twin: Twin, open_setup, fill_in) -> None:
    """
    When its time comes it stays what it is.
    """
    session = await open_setup()
    fill_in(session.id)
    twin.account.advance(session.expires_at)

    assert (await sdk.v1.checkout.sessions.retrieve_async(session.id)).status == "complete"


async def test_later_events_of_the_subscription_leave_the_session_alone(
    sdk: stripe.StripeClient, twin: Twin, ada: str, open_subscription, fill_in, types
) -> None:
    """
    Renewals update the subscription; the session was completed once.
    """
    session = await open_subscription(customer=ada)
    fill_in(session.id)
    twin.account.advance(twin.account.now + 40 * 24 * 3600)

    assert types().count("checkout.session.completed") == 1
    assert types().count("invoice.paid") == 2
