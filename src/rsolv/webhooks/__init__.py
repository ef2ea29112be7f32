"""
Webhooks: where outside systems tell us what happened. Verify the bytes, store them, answer; act on them later.
"""

from rsolv.webhooks.stripe_deliveries import PATHS, StripeDeliveries

__all__ = ["PATHS", "StripeDeliveries"]
