"""
Verbs of the port: prices, a customer's subscriptions as a whole, and what a payment was for.
"""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from rsolv.stripe_gateway import billing_translation as translation
from rsolv.stripe_gateway.billing_values import Invoice, Price, Subscription
from rsolv.stripe_gateway.client.asking import Asking, attempt

if TYPE_CHECKING:
    import stripe


class _Selling(Asking):
    async def find_price(self, lookup_key: str) -> Price | None:
        asked: stripe.params.PriceListParams = {"lookup_keys": [lookup_key], "active": True}
        prices = self.pages("find_price", lambda part: self.v1.prices.list_async({**asked, **part}), translation.price)
        found = [each async for each in prices]
        return found[0] if found else None

    async def create_monthly_price(
        self, *, lookup_key: str, label: str, amount_cents: int, currency: str, key: str
    ) -> Price:
        return await self.write(
            attempt("create_monthly_price", key),
            lambda once: self.v1.prices.create_async(
                {
                    "lookup_key": lookup_key,
                    "product_data": {"name": label},
                    "unit_amount": amount_cents,
                    "currency": currency,
                    "recurring": {"interval": "month"},
                },
                once,
            ),
            translation.price,
        )

    def list_subscriptions(self, *, stripe_customer_id: str) -> AsyncIterator[Subscription]:
        asked: stripe.params.SubscriptionListParams = {
            "customer": stripe_customer_id,
            "status": "all",
            "expand": ["data.latest_invoice.payments"],
        }
        return self.pages(
            "list_subscriptions",
            lambda part: self.v1.subscriptions.list_async({**asked, **part}),
            translation.subscription,
        )

    async def set_subscription_card(
        self, stripe_subscription_id: str, *, payment_method_id: str, key: str
    ) -> Subscription:
        return await self.write(
            attempt("set_subscription_card", key),
            lambda once: self.v1.subscriptions.update_async(
                stripe_subscription_id,
                {"default_payment_method": payment_method_id, "expand": ["latest_invoice.payments"]},
                once,
            ),
            translation.subscription,
        )

    async def list_invoices_of_payment(self, payment_id: str) -> list[Invoice]:
        asked: stripe.params.InvoicePaymentListParams = {
            "payment": {"type": "payment_intent", "payment_intent": payment_id},
            "expand": ["data.invoice"],
        }
        found = self.pages(
            "list_invoices_of_payment",
            lambda part: self.v1.invoice_payments.list_async({**asked, **part}),
            translation.paid_invoice,
        )
        return [each async for each in found]
