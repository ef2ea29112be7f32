"""
What many scenarios and questions begin with: a customer, a saved card, a payment, a monthly price, a subscription.
"""

from typing import Any

import stripe

from stripe_twin.scenarios.stage import Stage

AMOUNT_CENTS = 2900
RETURN_URL = "https://example.com/return"
NO_REDIRECTS: Any = {"enabled": True, "allow_redirects": "never"}
"""
Automatic payment methods, of which none sends the customer away: so that a server may confirm without an address to
return to.
"""


async def customer(stage: Stage, **params: Any) -> stripe.Customer:
    """
    Create a customer with an address of e-mail of its own.
    """
    email = f"{stage.unique('customer')}@example.com"
    wanted: Any = {"email": email, "name": "A Customer", **params}
    return await stage.sdk.v1.customers.create_async(wanted)


async def attached(stage: Stage, customer_id: str, card: str = "pm_card_visa") -> stripe.PaymentMethod:
    """
    Attach a test card to a customer.
    """
    return await stage.sdk.v1.payment_methods.attach_async(card, {"customer": customer_id})


async def paying_customer(stage: Stage, card: str = "pm_card_visa", **params: Any) -> stripe.Customer:
    """
    Create a customer whose invoices are charged to this card.
    """
    made = await customer(stage, **params)
    method = await attached(stage, made.id, card)
    return await stage.sdk.v1.customers.update_async(
        made.id, {"invoice_settings": {"default_payment_method": method.id}}
    )


async def intent(stage: Stage, **params: Any) -> stripe.PaymentIntent:
    """
    Create a payment intent, unconfirmed unless *params* say otherwise.
    """
    wanted: Any = {
        "amount": AMOUNT_CENTS,
        "currency": "usd",
        "automatic_payment_methods": NO_REDIRECTS,
        **params,
    }
    return await stage.sdk.v1.payment_intents.create_async(wanted)


async def payment(stage: Stage, card: str = "pm_card_visa", **params: Any) -> stripe.PaymentIntent:
    """
    Pay with a test card at once.

    Raises:
        stripe.CardError: it is declined.
    """
    return await intent(stage, payment_method=card, confirm=True, **params)


async def setup(stage: Stage, card: str, **params: Any) -> stripe.SetupIntent:
    """
    Set a test card up for later payments of a new customer.

    Raises:
        stripe.CardError: it is declined.
    """
    wanted: Any = {
        "customer": (await customer(stage)).id,
        "payment_method": card,
        "confirm": True,
        "automatic_payment_methods": NO_REDIRECTS,
        **params,
    }
    return await stage.sdk.v1.setup_intents.create_async(wanted)


async def monthly_price(stage: Stage, amount_cents: int = AMOUNT_CENTS) -> str:
    """
    Create a price per month, of a product of its own.
    """
    price = await stage.sdk.v1.prices.create_async(
        {
            "currency": "usd",
            "unit_amount": amount_cents,
            "recurring": {"interval": "month"},
            "product_data": {"name": stage.unique("Monthly")},
        }
    )
    return price.id


async def subscription(
    stage: Stage, customer_id: str, price_id: str | None = None, **params: Any
) -> stripe.Subscription:
    """
    Open a subscription to one monthly price.

    Raises:
        stripe.CardError: under `error_if_incomplete`, the first payment fails.
    """
    price = price_id or await monthly_price(stage)
    wanted: Any = {"customer": customer_id, "items": [{"price": price}], **params}
    return await stage.sdk.v1.subscriptions.create_async(wanted)


def latest_invoice_id(made: stripe.Subscription) -> str:
    """
    Return the id of a subscription's latest invoice.
    """
    return id_of(made.latest_invoice)


def id_of(thing: Any) -> str:
    """
    Return an id, of an object or of one that is named only.

    Raises:
        AssertionError: there is neither.
    """
    found = thing if isinstance(thing, str) else getattr(thing, "id", None)
    assert isinstance(found, str), f"no id in {thing!r}"
    return found


async def intent_of_invoice(stage: Stage, invoice_id: str) -> str:
    """
    Return the payment intent that an invoice is paid by.
    """
    payments = await stage.sdk.v1.invoice_payments.list_async({"invoice": invoice_id})
    return id_of(payments.data[0].payment.payment_intent)
