"""
What selling a subscription asks of Stripe besides it: prices, what there is, who pays, and what was paid.

A part of the port; see `port` for what holds for every verb.
"""

from collections.abc import AsyncIterator
from typing import Protocol

from rsolv.stripe_gateway.billing_values import Invoice, Price, Subscription


class BillingGateway(Protocol):
    """
    Prices, a customer's subscriptions as a whole, the cards that pay them, and the invoices of a payment.
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

    async def pay_invoice(self, invoice_id: str, *, payment_method_id: str, key: str) -> Invoice:
        """
        Have an open invoice paid by this method now, the customer being away; one that is paid is returned as it is.

        It is paid by the one payment that it has, so that keys or no keys it is paid once.

        Raises:
            PaymentDeclined: the bank said no; the invoice stays open, and Stripe's own tries go on as they would have.
            NeedsAction: the bank wants to hear from the customer; the invoice's page leads there.
        """
