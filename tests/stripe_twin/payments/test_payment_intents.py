"""
Payment intents: created, confirmed, changed, canceled (docs.stripe.com/payments/paymentintents/lifecycle).
"""

import pytest

BACK = "https://acme.test/back"
MONEY = {"amount": 2900, "currency": "usd"}


async def test_a_payment_leaves_a_charge(sdk, acme, saved, pay, types):
    """
    The intent succeeds, its charge is paid and captured, and the balance moves by the amount less the fee.
    """
    card = await saved("visa")
    types()

    intent = await pay(customer=acme, payment_method=card, off_session=True, metadata={"attempt": "7"}, description="x")

    assert (intent.status, intent.amount_received, intent.capture_method) == ("succeeded", 2900, "automatic_async")
    charge = await sdk.v1.charges.retrieve_async(intent.latest_charge, {"expand": ["balance_transaction"]})
    assert (charge.paid, charge.captured, charge.status, charge.amount_captured) == (True, True, "succeeded", 2900)
    assert (charge.customer, charge.payment_method, charge.description) == (acme, card, "x")
    assert charge.metadata.to_dict() == {"attempt": "7"}
    assert (charge.outcome.type, charge.payment_method_details.card.last4) == ("authorized", "4242")
    assert (charge.balance_transaction.amount, charge.balance_transaction.fee) == (2900, 114)
    assert charge.balance_transaction.net == 2786
    assert types() == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]


async def test_an_intent_is_created_first_and_confirmed_by_id(sdk, acme, saved, types):
    """
    Without `confirm` nothing is charged; a confirmation by id does it.
    """
    card = await saved("visa")
    types()

    intent = await sdk.v1.payment_intents.create_async({**MONEY, "customer": acme, "payment_method": card})
    done = await sdk.v1.payment_intents.confirm_async(intent.id, {"off_session": True, "return_url": BACK})

    assert (intent.status, intent.latest_charge) == ("requires_confirmation", None)
    assert done.status == "succeeded"
    assert types() == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]


async def test_an_empty_intent_needs_a_payment_method(sdk, refusal):
    """
    It is confirmed with one, and refused without.
    """
    intent = await sdk.v1.payment_intents.create_async(MONEY)

    error = await refusal(sdk.v1.payment_intents.confirm_async(intent.id, {"return_url": BACK}))
    done = await sdk.v1.payment_intents.confirm_async(intent.id, {"payment_method": "pm_card_visa", "return_url": BACK})

    assert intent.status == "requires_payment_method"
    assert intent.client_secret.startswith(f"{intent.id}_secret_")
    assert error.facts == (400, "payment_intent_unexpected_state", None)
    assert error.error["payment_intent"]["id"] == intent.id
    assert done.status == "succeeded"


async def test_an_intent_does_not_take_the_customers_default(sdk, acme, saved, pay, refusal):
    """
    A default is for invoices; a payment names its card.
    """
    card = await saved("visa")
    await sdk.v1.customers.update_async(acme, {"invoice_settings": {"default_payment_method": card}})

    error = await refusal(pay(customer=acme))

    assert error.facts == (400, "payment_intent_unexpected_state", None)


async def test_a_confirmed_intent_cannot_be_confirmed_or_canceled(sdk, pay, refusal):
    """
    Success is final, so a repeated confirmation by id charges nothing.
    """
    intent = await pay(payment_method="pm_card_visa")

    confirmed = await refusal(sdk.v1.payment_intents.confirm_async(intent.id, {"return_url": BACK}))
    canceled = await refusal(sdk.v1.payment_intents.cancel_async(intent.id))

    assert confirmed.facts == canceled.facts == (400, "payment_intent_unexpected_state", None)
    assert "already succeeded" in confirmed.message
    assert "status of succeeded" in canceled.message
    assert len((await sdk.v1.charges.list_async({"payment_intent": intent.id})).data) == 1


async def test_a_canceled_intent_is_over(twin, sdk, types, refusal):
    """
    It keeps when and why, and cannot be confirmed.
    """
    intent = await sdk.v1.payment_intents.create_async({**MONEY, "payment_method": "pm_card_visa"})
    types()

    canceled = await sdk.v1.payment_intents.cancel_async(intent.id, {"cancellation_reason": "requested_by_customer"})

    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "requested_by_customer")
    assert canceled.canceled_at == twin.account.now
    assert types() == ["payment_intent.canceled"]
    error = await refusal(sdk.v1.payment_intents.confirm_async(intent.id, {"return_url": BACK}))
    assert error.facts == (400, "payment_intent_unexpected_state", None)


async def test_an_open_intent_can_be_changed(sdk, acme, saved):
    """
    Amount, customer and card change while it is open.
    """
    card = await saved("visa")
    intent = await sdk.v1.payment_intents.create_async({**MONEY, "metadata": {"a": "1"}})

    changed = await sdk.v1.payment_intents.update_async(
        intent.id,
        {
            "amount": 100,
            "customer": acme,
            "payment_method": card,
            "metadata": {"b": "2"},
            "receipt_email": "a@b.test",
            "shipping": {"name": "Ada", "address": {"country": "US"}},
        },
    )

    assert (changed.amount, changed.customer, changed.payment_method) == (100, acme, card)
    assert (changed.status, changed.receipt_email) == ("requires_confirmation", "a@b.test")
    assert (changed.shipping.name, changed.shipping.address.country) == ("Ada", "US")
    assert changed.metadata.to_dict() == {"a": "1", "b": "2"}


async def test_a_paid_intent_changes_only_in_words(sdk, pay, refusal):
    """
    Description and metadata change, the amount does not.
    """
    intent = await pay(payment_method="pm_card_visa")

    changed = await sdk.v1.payment_intents.update_async(intent.id, {"description": "later", "metadata": {"a": "b"}})
    error = await refusal(sdk.v1.payment_intents.update_async(intent.id, {"amount": 100}))

    assert (changed.description, changed.metadata.to_dict()) == ("later", {"a": "b"})
    assert error.facts == (400, "payment_intent_unexpected_state", "amount")


async def test_intents_are_listed_by_customer_newest_first(sdk, acme, pay):
    """
    A customer's list has nobody else's.
    """
    card = {"payment_method": "pm_card_visa"}
    first, _, third = [await pay(**card, **whose) for whose in ({"customer": acme}, {}, {"customer": acme})]

    listed = await sdk.v1.payment_intents.list_async({"customer": acme})

    assert [intent.id for intent in listed.data] == [third.id, first.id]


async def test_paying_can_save_the_card(sdk, acme, pay, types):
    """
    `setup_future_usage` attaches the card to the customer when the payment succeeds.
    """
    types()

    intent = await pay(customer=acme, payment_method="pm_card_visa", setup_future_usage="off_session")

    assert (await sdk.v1.payment_methods.retrieve_async(intent.payment_method)).customer == acme
    assert types() == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_method.attached",
        "payment_intent.succeeded",
    ]


async def test_a_card_that_nobody_keeps_pays_once(sdk, pay, refusal):
    """
    Without a customer to keep it, a payment method is used up.
    """
    intent = await pay(payment_method="pm_card_visa")

    error = await refusal(pay(payment_method=intent.payment_method))

    assert error.status == 400
    assert "may not be used again" in error.message


@pytest.mark.parametrize(
    ("asked", "facts"),
    [
        ({"amount": 0}, (400, "parameter_invalid_integer", "amount")),
        ({"amount": 49}, (400, "amount_too_small", "amount")),
        ({"amount": 100_000_000}, (400, "amount_too_large", "amount")),
        ({"currency": "zzz"}, (400, None, "currency")),
        ({"currency": "gbp", "amount": 29}, (400, "amount_too_small", "amount")),
        ({"customer": "cus_nobody"}, (400, "resource_missing", "customer")),
        ({"payment_method": "pm_none"}, (400, "resource_missing", "payment_method")),
        ({"confirm": False, "off_session": True}, (400, None, "off_session")),
        ({"confirm": False, "error_on_requires_action": True}, (400, None, "error_on_requires_action")),
        ({"off_session": True, "setup_future_usage": "off_session"}, (400, None, "off_session")),
        (
            {"payment_method_types": ["card"]},
            (400, "payment_method_types_no_longer_supported", "payment_method_types"),
        ),
        (
            {"automatic_payment_methods": {"enabled": True}, "allowed_payment_method_types": ["card"]},
            (400, None, "allowed_payment_method_types"),
        ),
        ({"capture_method": "manual"}, (501, None, None)),
        ({"payment_method": "pm_card_unheardOf"}, (501, None, None)),
        ({"transfer_group": "a"}, (501, None, None)),
        ({"automatic_payment_methods": {"enabled": False}}, (501, None, None)),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
async def test_a_payment_that_makes_no_sense_is_refused(sdk, refusal, asked, facts):
    """
    Each refusal has Stripe's code and names its parameter; nothing is left of the call.
    """
    sound = {**MONEY, "payment_method": "pm_card_visa", "confirm": True}
    way_back = {} if asked.get("confirm") is False else {"return_url": BACK}

    error = await refusal(sdk.v1.payment_intents.create_async({**sound, **way_back, **asked}))

    assert error.facts == facts
    assert (await sdk.v1.payment_intents.list_async()).data == []


async def test_a_confirmation_needs_a_way_back(pay, refusal):
    """
    Where payment methods might redirect, a return address is demanded.
    """
    error = await refusal(pay(payment_method="pm_card_visa", return_url=None))

    assert error.facts == (400, None, None)
    assert "return_url" in error.message


@pytest.mark.parametrize(
    "asked",
    [
        {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}},
        {"allowed_payment_method_types": ["card"]},
    ],
)
async def test_without_redirects_no_way_back_is_needed(pay, asked):
    """
    Cards alone send nobody away.
    """
    assert (await pay(payment_method="pm_card_visa", return_url=None, **asked)).status == "succeeded"


async def test_a_card_of_another_customer_pays_nothing(sdk, saved, pay, refusal):
    """
    The card must be the named customer's; without a customer, nobody's.
    """
    card = await saved("visa")
    other = await sdk.v1.customers.create_async()

    stranger = await refusal(pay(customer=other.id, payment_method=card))
    nobody = await refusal(pay(payment_method=card))

    assert stranger.facts == nobody.facts == (400, None, "payment_method")
    assert "does not belong to the Customer you supplied" in stranger.message
    assert "Please include the Customer" in nobody.message


async def test_an_unknown_intent_is_not_found(sdk, refusal):
    """
    The id in the path is answered with 404.
    """
    error = await refusal(sdk.v1.payment_intents.retrieve_async("pi_none"))

    assert error.facts == (404, "resource_missing", "intent")


async def test_a_charge_can_be_described_later(sdk, pay, events):
    """
    charge.updated says what was before.
    """
    intent = await pay(payment_method="pm_card_visa")
    events()

    charge = await sdk.v1.charges.update_async(
        intent.latest_charge, {"description": "new", "metadata": {"a": "b"}, "receipt_email": "a@b.test"}
    )

    assert (charge.description, charge.receipt_email) == ("new", "a@b.test")
    [event] = events()
    assert event["type"] == "charge.updated"
    assert event["data"]["previous_attributes"] == {
        "description": None,
        "receipt_email": None,
        "metadata": {"a": None},
    }
