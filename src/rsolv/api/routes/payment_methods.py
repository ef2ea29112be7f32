"""
Payment methods over the wire: add one with consent, see, choose and remove them.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

import msgspec

from rsolv import payment_methods, usage
from rsolv.api.caller import BillingConsent, actor_of, declaration_of, gateway_of
from rsolv.api.operation import Access, Call, Operation, Reply, Shape

PATH = "/api/v1/billing/payment-methods"
ID_MAX = 2**63 - 1


class AttachBody(Shape, forbid_unknown_fields=True):
    """
    A payment method that was set up elsewhere with Stripe, and the consent to charge it.
    """

    stripe_payment_method_id: Annotated[
        str, msgspec.Meta(pattern="^pm_[0-9A-Za-z_]{1,100}$", examples=["pm_card_visa"], description="Stripe's id.")
    ]
    billing_consent: BillingConsent = False


class PaymentMethodId(Shape):
    """
    Which payment method.
    """

    id: Annotated[int, msgspec.Meta(ge=1, le=ID_MAX, examples=[1])]


class ChosenMethodId(Shape):
    """
    Which payment method is to be charged.
    """

    id: Annotated[int, msgspec.Meta(ge=1, le=ID_MAX, examples=[2])]


class PaymentMethodShape(Shape):
    """
    A card of the customer. `removed_at` is set in the answer that removed it.
    """

    id: str
    stripe_payment_method_id: str
    brand: str
    last4: str
    expires_month: int
    expires_year: int
    is_default: bool
    added_at: datetime
    removed_at: datetime | None


class ConsentShape(Shape):
    """
    What the customer agreed to: the wording, and the highest price per fix that it named, in cents.
    """

    text_version: str
    currency: str
    fix_price_cents: int
    given_at: datetime


class ConsentOfferShape(Shape):
    """
    What `billing_consent: true` agrees to: show the text before sending it.
    """

    text_version: str
    text: str
    currency: str
    fix_price_cents: int


class PaymentMethodsAnswer(Shape):
    """
    The payment methods, newest first; the consent that stands, if any; and the one that is asked for.
    """

    payment_methods: list[PaymentMethodShape]
    consent: ConsentShape | None
    consent_offer: ConsentOfferShape


async def attach_payment_method(call: Call) -> Reply:
    """
    Add a payment method that was set up elsewhere. Needs consent; without it nothing happens anywhere.

    It becomes the default. A repeat finds it added and only writes the consent down again, at today's prices. How many
    cards are tried in an hour is limited, whatever came of them.
    """
    body: AttachBody = call.body
    payment_methods.require_consent(billing_consent=body.billing_consent)
    method = await payment_methods.attach(
        call.parts.database,
        gateway_of(call),
        call.parts.bus,
        declaration_of(call),
        customer_id=call.customer_id,
        stripe_payment_method_id=body.stripe_payment_method_id,
        limits=call.parts.card_limits,
    )
    return Reply(_shape(method))


async def list_payment_methods(call: Call) -> Reply:
    """
    List the payment methods, with the consent that stands and the one that is asked for.
    """
    customer_id = call.customer_id
    async with call.parts.database.reading() as connection:
        methods = await payment_methods.list_payment_methods(connection, customer_id=customer_id)
        consent = await payment_methods.find_consent(connection, customer_id=customer_id)
        offer = await payment_methods.offer_consent(connection, customer_id=customer_id)
    return Reply(
        PaymentMethodsAnswer(
            payment_methods=[_shape(method) for method in methods],
            consent=_consent_shape(consent) if consent else None,
            consent_offer=ConsentOfferShape(
                text_version=offer.text_version,
                text=offer.text(fix_price=usage.money(offer.fix_price_cents, offer.currency)),
                currency=offer.currency,
                fix_price_cents=offer.fix_price_cents,
            ),
        )
    )


async def remove_payment_method(call: Call) -> Reply:
    """
    Remove a payment method, for ever. The newest that remains becomes the default; a repeat changes nothing.
    """
    async with call.parts.database.transaction() as connection:
        method = await payment_methods.remove(
            connection,
            call.parts.bus,
            customer_id=call.customer_id,
            payment_method_id=call.path.id,
            actor=actor_of(call),
            now=call.now,
        )
    return Reply(_shape(method))


async def make_default_payment_method(call: Call) -> Reply:
    """
    Charge this payment method from now on.
    """
    async with call.parts.database.transaction() as connection:
        method = await payment_methods.make_default(
            connection,
            call.parts.bus,
            customer_id=call.customer_id,
            payment_method_id=call.path.id,
            actor=actor_of(call),
        )
    return Reply(_shape(method))


def _shape(method: payment_methods.PaymentMethod) -> PaymentMethodShape:
    return PaymentMethodShape(
        id=str(method.id),
        stripe_payment_method_id=method.stripe_payment_method_id,
        brand=method.brand,
        last4=method.last4,
        expires_month=method.expires_month,
        expires_year=method.expires_year,
        is_default=method.is_default,
        added_at=method.added_at,
        removed_at=method.removed_at,
    )


def _consent_shape(consent: payment_methods.Consent) -> ConsentShape:
    return ConsentShape(
        text_version=consent.text_version,
        currency=consent.currency,
        fix_price_cents=consent.fix_price_cents,
        given_at=consent.given_at,
    )


OPERATIONS = (
    Operation(
        method="POST",
        path=PATH,
        summary="Add a payment method",
        access=Access.API_KEY,
        handler=attach_payment_method,
        body=AttachBody,
        answer=PaymentMethodShape,
        status=HTTPStatus.CREATED,
        refusals=(400, 401, 402, 413, 415, 422, 429, 503),
        tag="Billing",
    ),
    Operation(
        method="GET",
        path=PATH,
        summary="List payment methods",
        access=Access.API_KEY,
        handler=list_payment_methods,
        answer=PaymentMethodsAnswer,
        refusals=(401, 503),
        tag="Billing",
    ),
    Operation(
        method="DELETE",
        path=f"{PATH}/{{id}}",
        summary="Remove a payment method",
        access=Access.API_KEY,
        handler=remove_payment_method,
        path_parameters=PaymentMethodId,
        answer=PaymentMethodShape,
        refusals=(401, 404, 409, 503),
        tag="Billing",
    ),
    Operation(
        method="POST",
        path=f"{PATH}/{{id}}/default",
        summary="Make a payment method the default",
        access=Access.API_KEY,
        handler=make_default_payment_method,
        path_parameters=ChosenMethodId,
        answer=PaymentMethodShape,
        refusals=(401, 404, 503),
        tag="Billing",
    ),
)
