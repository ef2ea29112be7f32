"""
Payments that several tests begin with, and the one check on money that a planted bug is held against.
"""

from datetime import UTC, datetime

from contracts.stripe.stand import Stand
from rsolv.stripe_gateway import Payment, StripeGateway

FOR_EVER = datetime(2020, 1, 1, tzinfo=UTC)


async def made_payment(
    gateway: StripeGateway,
    stripe_customer_id: str,
    *,
    payment_method_id: str | None = None,
    amount_cents: int = 2_900,
    key: str = "payment",
) -> Payment:
    """
    Make a payment of 29 dollars, not confirmed.
    """
    return await gateway.create_payment(
        stripe_customer_id=stripe_customer_id,
        amount_cents=amount_cents,
        currency="usd",
        payment_method_id=payment_method_id,
        description="A fix",
        metadata={"fix": "11"},
        key=key,
    )


async def paid_payment(
    gateway: StripeGateway, stripe_customer_id: str, payment_method_id: str, *, key: str = "paid"
) -> Payment:
    """
    Charge 29 dollars while the customer is away.
    """
    made = await made_payment(gateway, stripe_customer_id, key=f"{key}: payment")
    return await gateway.confirm_payment(made.id, payment_method_id=payment_method_id, key=f"{key}: confirm")


async def only_payment(stand: Stand, stripe_customer_id: str) -> str:
    """
    Return the id of the customer's payment, and insist that there is one and no other.
    """
    listed = stand.gateway.list_payments(stripe_customer_id=stripe_customer_id, created_since=FOR_EVER)
    found = [payment.id async for payment in listed]
    assert len(found) == 1, found
    return found[0]
