"""
Have a price at Stripe for what the catalogue sells.
"""

import secrets

from rsolv.stripe_gateway import GatewayMisused, Price, StripeGateway
from rsolv.subscriptions.errors import PriceDiffers
from rsolv.subscriptions.rules import lookup_key


async def ensure_price(gateway: StripeGateway, *, plan: str, label: str, price_cents: int, currency: str) -> str:
    """
    Return the id of the price at Stripe, making one if there is none.

    One per plan, amount and currency, whoever asks and how often: Stripe gives its lookup key to one price only. Calls
    Stripe, so do not call this in a transaction.

    Raises:
        PriceDiffers: somebody gave our key to a price of another amount.
        GatewayFailure: Stripe could not be asked or did not answer; calling again is safe.
    """
    key = lookup_key(plan, price_cents=price_cents, currency=currency)
    found = await gateway.find_price(key)
    if found is None:
        attempt = f"rsolv-price-{secrets.token_hex(16)}"  # a look has shown that none before it was made
        try:
            found = await gateway.create_monthly_price(
                lookup_key=key, label=label, amount_cents=price_cents, currency=currency, key=attempt
            )
        except GatewayMisused:
            found = await gateway.find_price(key)  # by somebody else, a moment ago
            if found is None:
                raise
    return _required(found, price_cents=price_cents, currency=currency)


def _required(price: Price, *, price_cents: int, currency: str) -> str:
    if (price.amount_cents, price.currency) != (price_cents, currency):
        raise PriceDiffers(price.id)
    return price.id
