"""
What selling a subscription asks of Stripe besides the subscription itself: a price, what there is, what was paid.

A part of the port; see `port` for what holds for every verb.
"""

from collections.abc import AsyncIterator
from typing import Protocol

from rsolv.stripe_gateway.billing_values import Invoice, Price, Subscription


class BillingGateway(Protocol):
    """
    Prices, a customer's subscriptions as a whole, and the invoices of a payment.
    """

    async def find_price(self, lookup_key: str) -> Price | None:
        """
        Return the active price that has this lookup key; Stripe gives a key to one price at a time.
        """

    async def create_monthly_price(
        self, *, lookup_key: str, label: str, amount_cents: int, currency: str, key: str
    ) -> Price:
        """
        Make a price per month, of a new product of this name.

        Raises:
            GatewayMisused: another price has the lookup key; find it.
        """

    def list_subscriptions(self, *, stripe_customer_id: str) -> AsyncIterator[Subscription]:
        """
        Go through all of a customer's subscriptions, ended ones too, the newest first; by list, which is never behind.
        """

    async def set_subscription_card(
        self, stripe_subscription_id: str, *, payment_method_id: str, key: str
    ) -> Subscription:
        """
        Say which method pays this subscription's invoices; it goes before the customer's default.
        """

    async def list_invoices_of_payment(self, payment_id: str) -> list[Invoice]:
        """
        List the invoices that a payment was made towards, with their first ten lines and without their payments.

        Stripe's only link from a payment to a subscription; nothing is found for a payment of another kind.
        """
