"""
Verbs of the port: what the whole account did.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import TYPE_CHECKING

from rsolv.stripe_gateway import billing_translation, translation
from rsolv.stripe_gateway.billing_values import Invoice, Subscription
from rsolv.stripe_gateway.client.asking import Asking, seconds
from rsolv.stripe_gateway.values import Dispute, Payment, Refund

if TYPE_CHECKING:
    import stripe


class _Account(Asking):
    def list_all_payments(self, *, created_since: datetime) -> AsyncIterator[Payment]:
        asked: stripe.params.PaymentIntentListParams = {
            "created": {"gte": seconds(created_since)},
            "expand": ["data.latest_charge"],
        }
        return self.pages(
            "list_all_payments",
            lambda part: self.v1.payment_intents.list_async({**asked, **part}),
            translation.payment,
        )

    def list_all_refunds(self, *, created_since: datetime) -> AsyncIterator[Refund]:
        asked: stripe.params.RefundListParams = {"created": {"gte": seconds(created_since)}}
        return self.pages(
            "list_all_refunds", lambda part: self.v1.refunds.list_async({**asked, **part}), translation.refund
        )

    def list_all_disputes(self, *, created_since: datetime) -> AsyncIterator[Dispute]:
        asked: stripe.params.DisputeListParams = {"created": {"gte": seconds(created_since)}}
        return self.pages(
            "list_all_disputes", lambda part: self.v1.disputes.list_async({**asked, **part}), translation.dispute
        )

    def list_all_invoices(self, *, created_since: datetime) -> AsyncIterator[Invoice]:
        asked: stripe.params.InvoiceListParams = {
            "created": {"gte": seconds(created_since)},
            "expand": ["data.payments"],
        }
        return self.pages(
            "list_all_invoices",
            lambda part: self.v1.invoices.list_async({**asked, **part}),
            billing_translation.invoice,
        )

    def list_all_subscriptions(self, *, created_since: datetime) -> AsyncIterator[Subscription]:
        asked: stripe.params.SubscriptionListParams = {
            "created": {"gte": seconds(created_since)},
            "status": "all",
            "expand": ["data.latest_invoice.payments"],
        }
        return self.pages(
            "list_all_subscriptions",
            lambda part: self.v1.subscriptions.list_async({**asked, **part}),
            billing_translation.subscription,
        )
