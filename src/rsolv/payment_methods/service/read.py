"""
Say how a customer pays, and what they agreed to.
"""

from rsolv import catalog
from rsolv.db import Connection
from rsolv.payment_methods.queries import consents, methods
from rsolv.payment_methods.rules import (
    CONSENT_TEXT_VERSION,
    Consent,
    ConsentOffer,
    PaymentMethod,
    highest_fix_price_cents,
)

METHODS_AT_MOST = 100


async def find_default(connection: Connection, *, customer_id: int) -> PaymentMethod | None:
    """
    Return the payment method that is charged, if the customer has any.
    """
    return await methods.find_default(connection, customer_id=customer_id)


async def keep_default(connection: Connection, *, customer_id: int) -> PaymentMethod | None:
    """
    Return the payment method that is charged and keep it until the transaction ends; None when there is none.

    Who is to owe something by it asks here: a removal waits until that is committed and then refuses, or has been
    committed, and is seen. May be asked with the customer's credits locked: a removal takes no lock after this one.
    """
    kept = await methods.keep_default(connection, customer_id=customer_id)
    return kept or await methods.keep_default(connection, customer_id=customer_id)


async def find_by_stripe_id(
    connection: Connection, *, customer_id: int, stripe_payment_method_id: str
) -> PaymentMethod | None:
    """
    Return the customer's payment method that has this id at Stripe, also a removed one.
    """
    return await methods.find_method_by_stripe_id(
        connection, customer_id=customer_id, stripe_payment_method_id=stripe_payment_method_id
    )


async def has_payment_method(connection: Connection, *, customer_id: int) -> bool:
    """
    Say whether a customer has a payment method. Whether it may be charged, a consent says.
    """
    return await methods.find_default(connection, customer_id=customer_id) is not None


async def list_payment_methods(connection: Connection, *, customer_id: int) -> list[PaymentMethod]:
    """
    Return the payment methods that have not been removed, the newest first, a hundred at most.
    """
    return await methods.list_methods(connection, customer_id=customer_id, limit=METHODS_AT_MOST)


async def find_covering_consent(
    connection: Connection, *, customer_id: int, amount_cents: int, currency: str
) -> Consent | None:
    """
    Return the newest live consent that covers a charge of this amount for a fix: raising a price extends none.
    """
    return await consents.find_covering(
        connection, customer_id=customer_id, amount_cents=amount_cents, currency=currency
    )


async def find_consent(connection: Connection, *, customer_id: int) -> Consent | None:
    """
    Return the newest live consent, whatever it covers.
    """
    return await consents.find_newest_live(connection, customer_id=customer_id)


async def offer_consent(connection: Connection, *, customer_id: int) -> ConsentOffer:
    """
    Return what a customer would agree to now.
    """
    version = await catalog.get_pinned(connection, customer_id=customer_id)
    return ConsentOffer(
        text_version=CONSENT_TEXT_VERSION,
        currency=version.catalog.currency,
        fix_price_cents=highest_fix_price_cents(version.catalog),
    )
