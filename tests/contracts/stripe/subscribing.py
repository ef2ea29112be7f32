"""
Subscriptions that several tests begin with.
"""

from contracts.stripe.stand import Stand
from rsolv.stripe_gateway import Invoice, Subscription


async def opened_subscription(
    stripe: Stand, stripe_customer_id: str, payment_method_id: str, *, price_id: str | None = None, quantity: int = 1
) -> Subscription:
    """
    Subscribe a customer to a monthly price.
    """
    return await stripe.gateway.open_subscription(
        stripe_customer_id=stripe_customer_id,
        price_id=price_id or await stripe.price(),
        quantity=quantity,
        payment_method_id=payment_method_id,
        metadata={"plan": "pro"},
        key="subscribe",
    )


async def latest_invoice(stripe: Stand, subscription: Subscription) -> Invoice:
    """
    Read the invoice that a subscription made last.
    """
    now = await stripe.gateway.read_subscription(subscription.id)
    return await stripe.gateway.read_invoice(now.latest_invoice_id)
