"""
Setup intents: saving a card, with authentication and consent (docs.stripe.com/api/setup_intents).
"""

import pytest

from stripe_twin import payments

BACK = "https://acme.test/back"


@pytest.fixture
def set_up(sdk, acme):
    """
    Create a setup intent for acme with a test card and confirm it at once.
    """

    async def confirmed(name, **params):
        asked = {"customer": acme, "payment_method": f"pm_card_{name}", "confirm": True, "return_url": BACK, **params}
        return await sdk.v1.setup_intents.create_async(asked)

    return confirmed


async def test_a_set_up_card_is_attached_and_is_no_default(sdk, acme, set_up, types):
    """
    Success attaches the card; making it the default is another call.
    """
    intent = await set_up("visa")

    assert (intent.status, intent.usage) == ("succeeded", "off_session")
    assert (await sdk.v1.payment_methods.retrieve_async(intent.payment_method)).customer == acme
    assert (await sdk.v1.customers.retrieve_async(acme)).invoice_settings.default_payment_method is None
    assert types() == ["customer.created", "setup_intent.created", "payment_method.attached", "setup_intent.succeeded"]


async def test_an_intent_waits_until_it_is_confirmed(sdk, acme):
    """
    It first needs a payment method, then confirmation.
    """
    empty = await sdk.v1.setup_intents.create_async({"customer": acme})
    full = await sdk.v1.setup_intents.update_async(
        empty.id, {"payment_method": "pm_card_visa", "metadata": {"a": "b"}, "description": "main"}
    )
    done = await sdk.v1.setup_intents.confirm_async(empty.id, {"return_url": BACK})

    assert [empty.status, full.status, done.status] == [
        "requires_payment_method",
        "requires_confirmation",
        "succeeded",
    ]
    assert (full.metadata.to_dict(), full.description) == ({"a": "b"}, "main")
    assert empty.client_secret.startswith(f"{empty.id}_secret_")


async def test_a_card_that_needs_authentication_sends_the_customer_to_the_bank(sdk, set_up, types):
    """
    The intent waits with the address of the page; the card is attached only after it.
    """
    types()

    intent = await set_up("authenticationRequiredOnSetup")

    assert intent.status == "requires_action"
    assert intent.next_action.redirect_to_url.return_url == BACK
    assert intent.next_action.redirect_to_url.url.endswith(f"/pages/3ds/{intent.id}")
    assert (await sdk.v1.payment_methods.retrieve_async(intent.payment_method)).customer is None
    assert types() == ["setup_intent.created", "setup_intent.requires_action"]


async def test_authentication_finishes_the_setup(twin, sdk, acme, set_up, types):
    """
    After the bank has recognised the customer, the card is saved.
    """
    intent = await set_up("authenticationRequiredOnSetup")
    types()

    with twin.store.unit():
        payments.finish_authentication(twin.account, intent.id, succeeded=True)

    done = await sdk.v1.setup_intents.retrieve_async(intent.id, {"expand": ["payment_method"]})
    assert (done.status, done.next_action, done.payment_method.customer) == ("succeeded", None, acme)
    assert types() == ["payment_method.attached", "setup_intent.succeeded"]


async def test_failed_authentication_asks_for_another_card(twin, sdk, set_up, types):
    """
    The error stays on the intent, which can be confirmed again.
    """
    intent = await set_up("authenticationRequired")
    types()

    with twin.store.unit():
        payments.finish_authentication(twin.account, intent.id, succeeded=False)

    failed = await sdk.v1.setup_intents.retrieve_async(intent.id)
    assert (failed.status, failed.payment_method) == ("requires_payment_method", None)
    assert failed.last_setup_error.code == "setup_intent_authentication_failure"
    assert types() == ["setup_intent.setup_failed"]
    again = await sdk.v1.setup_intents.confirm_async(intent.id, {"payment_method": "pm_card_visa", "return_url": BACK})
    assert (again.status, again.last_setup_error) == ("succeeded", None)


async def test_a_declined_card_is_not_saved(sdk, acme, set_up, refusal, types):
    """
    402 with the intent inside, which needs another card.
    """
    types()

    error = await refusal(set_up("chargeDeclined"))

    assert (*error.facts[:2], error.decline_code) == (402, "card_declined", "generic_decline")
    intent = await sdk.v1.setup_intents.retrieve_async(error.error["setup_intent"]["id"])
    assert intent.status == "requires_payment_method"
    assert intent.last_setup_error.payment_method.card.last4 == "0002"
    assert (await sdk.v1.customers.payment_methods.list_async(acme)).data == []
    assert types() == ["setup_intent.created", "setup_intent.setup_failed"]


async def test_a_card_can_be_saved_that_will_be_declined_later(set_up):
    """
    The card ...0341 makes no trouble until it is charged.
    """
    assert (await set_up("chargeCustomerFail")).status == "succeeded"


async def test_consent_makes_a_mandate(sdk, set_up):
    """
    `mandate_data` is kept as a mandate, active once the setup has succeeded.
    """
    acceptance = {"type": "online", "online": {"ip_address": "192.0.2.1", "user_agent": "Lynx"}}

    intent = await set_up("visa", mandate_data={"customer_acceptance": acceptance})

    mandate = await sdk.v1.mandates.retrieve_async(intent.mandate)
    assert (mandate.status, mandate.type, mandate.payment_method) == ("active", "multi_use", intent.payment_method)
    assert mandate.customer_acceptance.online.ip_address == "192.0.2.1"


async def test_a_canceled_intent_is_over(sdk, acme, refusal, types):
    """
    It can be neither confirmed nor canceled again.
    """
    intent = await sdk.v1.setup_intents.create_async({"customer": acme, "payment_method": "pm_card_visa"})
    types()

    canceled = await sdk.v1.setup_intents.cancel_async(intent.id, {"cancellation_reason": "abandoned"})

    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")
    assert types() == ["setup_intent.canceled"]
    confirmed = await refusal(sdk.v1.setup_intents.confirm_async(intent.id, {"return_url": BACK}))
    again = await refusal(sdk.v1.setup_intents.cancel_async(intent.id))
    assert [error.facts[1] for error in (confirmed, again)] == ["setup_intent_unexpected_state"] * 2


async def test_intents_are_listed_by_customer_and_card(sdk, acme, set_up):
    """
    Both filters hold.
    """
    first = await set_up("visa")
    await sdk.v1.setup_intents.create_async()

    by_customer = await sdk.v1.setup_intents.list_async({"customer": acme})
    by_card = await sdk.v1.setup_intents.list_async({"payment_method": first.payment_method})

    assert [intent.id for intent in by_customer.data] == [intent.id for intent in by_card.data] == [first.id]


@pytest.mark.parametrize(
    ("asked", "status", "code", "param"),
    [
        ({"confirm": True, "return_url": BACK}, 400, "setup_intent_unexpected_state", None),
        ({"confirm": True, "payment_method": "pm_card_visa"}, 400, None, None),
        ({"return_url": BACK}, 400, None, "return_url"),
        ({"customer": "cus_nobody"}, 400, "resource_missing", "customer"),
        ({"payment_method": "pm_none"}, 400, "resource_missing", "payment_method"),
        ({"attach_to_self": True}, 501, None, None),
        ({"allowed_payment_method_types": ["sepa_debit"]}, 501, None, None),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
async def test_a_setup_intent_that_makes_no_sense_is_refused(sdk, refusal, asked, status, code, param):
    """
    Each refusal has Stripe's code and names its parameter.
    """
    error = await refusal(sdk.v1.setup_intents.create_async(asked))

    assert error.facts == (status, code, param)


async def test_a_saved_card_stays_with_its_intent(sdk, acme, set_up, refusal):
    """
    After success neither card nor customer of the intent can be changed.
    """
    intent = await set_up("visa")

    card = await refusal(sdk.v1.setup_intents.update_async(intent.id, {"payment_method": "pm_card_visa"}))
    customer = await refusal(sdk.v1.setup_intents.update_async(intent.id, {"customer": acme}))

    assert card.facts == customer.facts == (400, "setup_intent_unexpected_state", None)
