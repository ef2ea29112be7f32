"""
Payment methods: made, attached, detached, changed (docs.stripe.com/api/payment_methods, docs.stripe.com/testing).
"""

import pytest

from stripe_twin import payments

TYPED = {"number": "4242 4242 4242 4242", "exp_month": 12, "exp_year": 2034, "cvc": "123"}


async def test_a_typed_card_shows_its_last_four_digits(sdk):
    """
    Brand, expiry and last digits are shown, the number is not.
    """
    method = await sdk.v1.payment_methods.create_async(
        {"type": "card", "card": TYPED, "billing_details": {"name": "Ada"}, "metadata": {"a": "b"}}
    )

    card = method.card
    assert (card.brand, card.last4, card.exp_month, card.exp_year) == ("visa", "4242", 12, 2034)
    assert (method.billing_details.name, method.customer, method.metadata.to_dict()) == ("Ada", None, {"a": "b"})
    assert "4242424242424242" not in str(method)


async def test_the_same_card_has_the_same_fingerprint(sdk):
    """
    A fingerprint is the number's, whichever way the card came in.
    """
    typed = await sdk.v1.payment_methods.create_async({"type": "card", "card": TYPED})
    token = await sdk.v1.payment_methods.create_async({"type": "card", "card": {"token": "tok_visa"}})
    other = await sdk.v1.payment_methods.create_async({"type": "card", "card": {"token": "tok_mastercard"}})

    assert typed.id != token.id
    assert typed.card.fingerprint == token.card.fingerprint != other.card.fingerprint


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"number": "4242424242424241"}, "incorrect_number", "number"),
        ({"number": "not a number"}, "incorrect_number", "number"),
        ({"exp_month": 13}, "invalid_expiry_month", "exp_month"),
        ({"exp_year": 2025}, "invalid_expiry_year", "exp_year"),
        ({"exp_year": 24}, "invalid_expiry_year", "exp_year"),
        ({"cvc": "99"}, "invalid_cvc", "cvc"),
        ({"number": "4929420573595709"}, "card_declined", None),
    ],
)
async def test_a_card_with_bad_data_is_refused(sdk, refusal, change, code, param):
    """
    Each mistake of typing has a code and names its field; a real card has no place in a test.
    """
    error = await refusal(sdk.v1.payment_methods.create_async({"type": "card", "card": {**TYPED, **change}}))

    assert error.facts == (402, code, param)


async def test_each_use_of_a_test_name_makes_a_fresh_card(sdk, acme):
    """
    `pm_card_visa` stands for a new payment method each time.
    """
    first = await sdk.v1.payment_methods.attach_async("pm_card_visa", {"customer": acme})
    second = await sdk.v1.payment_methods.attach_async("pm_card_visa", {"customer": acme})

    assert first.id != second.id
    assert first.customer == second.customer == acme


async def test_attaching_tells_and_attaching_again_does_nothing(sdk, acme, saved, types):
    """
    payment_method.attached comes once.
    """
    card = await saved("visa")

    again = await sdk.v1.payment_methods.attach_async(card, {"customer": acme})

    assert again.id == card
    assert types() == ["customer.created", "payment_method.attached"]


@pytest.mark.parametrize(
    ("name", "code", "decline_code"),
    [
        ("chargeDeclined", "card_declined", "generic_decline"),
        ("visa_chargeDeclined", "card_declined", "generic_decline"),
        ("visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("chargeDeclinedExpiredCard", "expired_card", None),
        ("chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
        ("chargeDeclinedProcessingError", "processing_error", None),
    ],
)
async def test_a_card_that_is_always_declined_cannot_be_attached(sdk, acme, refusal, name, code, decline_code):
    """
    The bank says no when the card is saved, and the customer stays without it.
    """
    error = await refusal(sdk.v1.payment_methods.attach_async(f"pm_card_{name}", {"customer": acme}))

    assert (*error.facts[:2], error.decline_code) == (402, code, decline_code)
    assert (await sdk.v1.customers.payment_methods.list_async(acme)).data == []


async def test_a_card_of_another_customer_cannot_be_attached(sdk, saved, refusal):
    """
    A card has one customer.
    """
    card = await saved("visa")
    other = await sdk.v1.customers.create_async()

    error = await refusal(sdk.v1.payment_methods.attach_async(card, {"customer": other.id}))

    assert error.status == 400
    assert "already been attached" in error.message


async def test_a_detached_card_is_gone_for_good(sdk, acme, saved, refusal, types):
    """
    It is no default any more, and cannot be attached again.
    """
    card = await saved("visa")
    await sdk.v1.customers.update_async(acme, {"invoice_settings": {"default_payment_method": card}})
    types()

    detached = await sdk.v1.payment_methods.detach_async(card)

    assert detached.customer is None
    assert (await sdk.v1.customers.retrieve_async(acme)).invoice_settings.default_payment_method is None
    assert types() == ["payment_method.detached", "customer.updated"]
    again = await refusal(sdk.v1.payment_methods.attach_async(card, {"customer": acme}))
    assert "may not be used again" in again.message
    twice = await refusal(sdk.v1.payment_methods.detach_async(card))
    assert twice.status == 400


async def test_a_saved_card_can_be_changed(sdk, saved, events):
    """
    payment_method.updated says what was before.
    """
    card = await saved("visa")
    events()

    changed = await sdk.v1.payment_methods.update_async(
        card, {"card": {"exp_year": 2040}, "billing_details": {"address": {"country": "DE"}}}
    )

    assert (changed.card.exp_year, changed.billing_details.address.country) == (2040, "DE")
    [event] = events()
    assert event["type"] == "payment_method.updated"
    assert event["data"]["previous_attributes"] == {
        "card": {"exp_year": 2027},
        "billing_details": {"address": {"country": None}},
    }


async def test_a_card_that_nobody_keeps_cannot_be_changed(sdk, refusal):
    """
    Stripe updates attached cards only.
    """
    card = await sdk.v1.payment_methods.create_async({"type": "card", "card": TYPED})

    error = await refusal(sdk.v1.payment_methods.update_async(card.id, {"metadata": {"a": "b"}}))

    assert error.status == 400


async def test_the_network_renews_a_saved_card(twin, sdk, saved, types):
    """
    The control's verb moves the expiry and tells of it.
    """
    card = await saved("visa")
    types()

    with twin.store.unit():
        payments.renew_card(twin.account, card)

    assert (await sdk.v1.payment_methods.retrieve_async(card)).card.exp_year == 2031
    assert types() == ["payment_method.automatically_updated"]


async def test_cards_are_listed_by_customer(sdk, acme, saved):
    """
    The account's list has everybody's, a customer's only theirs.
    """
    card = await saved("visa")
    await sdk.v1.payment_methods.create_async({"type": "card", "card": TYPED})

    assert [found.id for found in (await sdk.v1.payment_methods.list_async({"customer": acme})).data] == [card]
    assert len((await sdk.v1.payment_methods.list_async()).data) == 2


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"type": "card", "card": {"number": "4242424242424242"}}, 400, "parameter_missing"),
        ({"type": "card", "card": {"token": "tok_unheard"}}, 400, "resource_missing"),
        ({"type": "sepa_debit", "sepa_debit": {"iban": "DE89370400440532013000"}}, 501, None),
    ],
)
async def test_a_payment_method_that_cannot_be_made_is_refused(sdk, refusal, asked, status, code):
    """
    What is missing is named; what is no card is not done here.
    """
    error = await refusal(sdk.v1.payment_methods.create_async(asked))

    assert error.facts[:2] == (status, code)
