"""
Verbs of the port: subscriptions, invoices, events.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from rsolv.stripe_gateway import billing_translation as translation
from rsolv.stripe_gateway.billing_values import Invoice, InvoicePreview, Subscription
from rsolv.stripe_gateway.client.asking import Asking, attempt, seconds, unless_done
from rsolv.stripe_gateway.events import StripeEvent, parse_event
from rsolv.stripe_gateway.failures import Call

if TYPE_CHECKING:
    import stripe


class _Billing(Asking):
    async def open_subscription(
        self,
        *,
        stripe_customer_id: str,
        price_id: str,
        quantity: int,
        payment_method_id: str,
        metadata: Mapping[str, str],
        key: str,
    ) -> Subscription:
        # docs.stripe.com/billing/subscriptions/overview#payment-behavior. "default_incomplete" would leave the first
        # attempt to us, "error_if_incomplete" would undo everything when the bank wants the customer; this one tries
        # at once, and what is missing is a state with a page to go to.
        return await self.write(
            attempt("open_subscription", key),
            lambda once: self.v1.subscriptions.create_async(
                {
                    "customer": stripe_customer_id,
                    "items": [{"price": price_id, "quantity": quantity}],
                    "default_payment_method": payment_method_id,
                    "collection_method": "charge_automatically",
                    "payment_behavior": "allow_incomplete",
                    "off_session": False,
                    "billing_mode": {"type": "flexible"},
                    "proration_behavior": "none",
                    "metadata": dict(metadata),
                    "expand": ["latest_invoice.payments"],
                },
                once,
            ),
            translation.subscription,
        )

    async def read_subscription(self, stripe_subscription_id: str) -> Subscription:
        return await self.read(
            "read_subscription",
            lambda: self.v1.subscriptions.retrieve_async(
                stripe_subscription_id, {"expand": ["latest_invoice.payments"]}
            ),
            translation.subscription,
        )

    async def schedule_cancellation(
        self, stripe_subscription_id: str, *, at_period_end: bool, key: str
    ) -> Subscription:
        return await self.write(
            attempt("schedule_cancellation", key),
            lambda once: self.v1.subscriptions.update_async(
                stripe_subscription_id,
                {
                    "cancel_at_period_end": at_period_end,
                    "proration_behavior": "none",
                    "expand": ["latest_invoice.payments"],
                },
                once,
            ),
            translation.subscription,
        )

    async def cancel_subscription(self, stripe_subscription_id: str) -> Subscription:
        cancel = self.write(
            Call("cancel_subscription", is_read=False),
            lambda _: self.v1.subscriptions.cancel_async(
                stripe_subscription_id,
                {"invoice_now": False, "prorate": False, "expand": ["latest_invoice.payments"]},
            ),
            translation.subscription,
        )
        return await unless_done(
            cancel,
            lambda: self.read_subscription(stripe_subscription_id),
            is_done=lambda subscription: subscription.state in {"canceled", "incomplete_expired"},
        )

    async def preview_subscription(self, *, stripe_customer_id: str, price_id: str, quantity: int) -> InvoicePreview:
        return await self.read(
            "preview_subscription",
            lambda: self.v1.invoices.create_preview_async(
                {
                    "customer": stripe_customer_id,
                    "subscription_details": {
                        "items": [{"price": price_id, "quantity": quantity}],
                        "billing_mode": {"type": "flexible"},
                        "proration_behavior": "none",
                    },
                }
            ),
            translation.invoice_preview,
        )

    async def preview_renewal(self, stripe_subscription_id: str) -> InvoicePreview:
        return await self.read(
            "preview_renewal",
            lambda: self.v1.invoices.create_preview_async({"subscription": stripe_subscription_id}),
            translation.invoice_preview,
        )

    async def read_invoice(self, invoice_id: str) -> Invoice:
        invoice = await self.read(
            "read_invoice",
            lambda: self.v1.invoices.retrieve_async(invoice_id, {"expand": ["payments"]}),
            translation.invoice,
        )
        if invoice.has_all_lines:
            return invoice
        asked: stripe.params.InvoiceLineItemListParams = {}
        lines = self.pages(
            "read_invoice_lines",
            lambda part: self.v1.invoices.line_items.list_async(invoice_id, {**asked, **part}),
            translation.invoice_line,
        )
        return replace(invoice, lines=tuple([each async for each in lines]), has_all_lines=True)

    async def pay_invoice(self, invoice_id: str, *, payment_method_id: str, key: str) -> Invoice:
        pay = self.write(
            attempt("pay_invoice", key),
            lambda once: self.v1.invoices.pay_async(
                invoice_id,
                {"payment_method": payment_method_id, "off_session": True, "expand": ["payments"]},
                once,
            ),
            translation.invoice,
        )
        return await unless_done(
            pay, lambda: self.read_invoice(invoice_id), is_done=lambda invoice: invoice.state == "paid"
        )

    def list_invoices(
        self, *, stripe_customer_id: str, created_since: datetime | None = None
    ) -> AsyncIterator[Invoice]:
        asked: stripe.params.InvoiceListParams = {"customer": stripe_customer_id, "expand": ["data.payments"]}
        if created_since is not None:
            asked["created"] = {"gte": seconds(created_since)}
        return self.pages(
            "list_invoices",
            lambda part: self.v1.invoices.list_async({**asked, **part}),
            translation.invoice,
        )

    def list_events(self, *, created_since: datetime, types: Sequence[str] = ()) -> AsyncIterator[StripeEvent]:
        asked: stripe.params.EventListParams = {"created": {"gte": seconds(created_since)}}
        if types:
            asked["types"] = list(types)
        return self.pages(
            "list_events",
            lambda part: self.v1.events.list_async({**asked, **part}),
            lambda body, _: parse_event(body),
        )
