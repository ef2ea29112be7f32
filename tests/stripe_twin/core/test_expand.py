"""
Expansion: ids become the objects they name, where asked and only there.
"""

import pytest
import stripe


async def paid(sdk: stripe.StripeClient) -> stripe.PaymentIntent:
    customer = await sdk.v1.customers.create_async({"name": "Ada"})
    card = await sdk.v1.payment_methods.attach_async("pm_card_visa", {"customer": customer.id})
    return await sdk.v1.payment_intents.create_async(
        {
            "amount": 2900,
            "currency": "usd",
            "customer": customer.id,
            "payment_method": card.id,
            "confirm": True,
            "off_session": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
    )


async def test_an_id_becomes_its_object_and_an_id_in_that_one_too(sdk: stripe.StripeClient) -> None:
    """
    Path by path; what is not asked for stays an id.
    """
    intent = await paid(sdk)

    shown = (
        await sdk.v1.payment_intents.retrieve_async(
            intent.id, {"expand": ["customer", "latest_charge.balance_transaction"]}
        )
    ).to_dict()

    assert shown["customer"]["name"] == "Ada"
    assert shown["latest_charge"]["balance_transaction"]["amount"] == 2900
    assert shown["latest_charge"]["customer"] == shown["customer"]["id"]


async def test_every_object_of_a_list_is_expanded(sdk: stripe.StripeClient) -> None:
    """
    By the path `data.`.
    """
    await paid(sdk)
    await paid(sdk)

    page = await sdk.v1.payment_intents.list_async({"expand": ["data.customer"]})

    assert [intent.to_dict()["customer"]["name"] for intent in page.data] == ["Ada", "Ada"]


async def test_what_is_shown_only_on_request_is_left_out_otherwise(sdk: stripe.StripeClient) -> None:
    """
    A charge's refunds.
    """
    intent = await paid(sdk)
    charge_id = str(intent.latest_charge)

    plain = await sdk.v1.charges.retrieve_async(charge_id)
    expanded = await sdk.v1.charges.retrieve_async(charge_id, {"expand": ["refunds"]})

    assert "refunds" not in plain.to_dict()
    assert expanded.to_dict()["refunds"]["data"] == []


@pytest.mark.parametrize(
    "path",
    [
        "amount",
        "status",
        "id",
        "horse",
        "customer.horse",
        "latest_charge.payment_method",
        "customer.invoice_settings.a.b.c",
    ],
)
async def test_what_cannot_be_expanded_is_refused(sdk: stripe.StripeClient, path: str) -> None:
    """
    And the path is told.
    """
    intent = await paid(sdk)

    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.payment_intents.retrieve_async(intent.id, {"expand": [path]})

    assert caught.value.param == "expand"
    assert path in str(caught.value)
