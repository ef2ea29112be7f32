"""
Verbs of the port: payments, and money that goes back.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from rsolv.stripe_gateway import translation
from rsolv.stripe_gateway.client.asking import Asking, attempt, seconds, unless_done
from rsolv.stripe_gateway.values import Dispute, Payment, Refund, RefundReason

if TYPE_CHECKING:
    import stripe


class _Payments(Asking):
    async def create_payment(
        self,
        *,
        stripe_customer_id: str,
        amount_cents: int,
        currency: str,
        payment_method_id: str | None,
        description: str,
        metadata: Mapping[str, str],
        key: str,
    ) -> Payment:
        asked: stripe.params.PaymentIntentCreateParams = {
            "amount": amount_cents,
            "currency": currency,
            "customer": stripe_customer_id,
            "description": description,
            "metadata": dict(metadata),
            "confirm": False,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
        if payment_method_id is not None:
            asked["payment_method"] = payment_method_id
        return await self.write(
            attempt("create_payment", key),
            lambda once: self.v1.payment_intents.create_async(asked, once),
            translation.payment,
        )

    async def confirm_payment(
        self, payment_id: str, *, payment_method_id: str, key: str, return_url: str | None = None
    ) -> Payment:
        asked: stripe.params.PaymentIntentConfirmParams = {
            "payment_method": payment_method_id,
            "expand": ["latest_charge"],
        }
        if return_url is None:
            asked["off_session"] = True
        else:
            asked["return_url"] = return_url
        return await self.write(
            attempt("confirm_payment", key),
            lambda once: self.v1.payment_intents.confirm_async(payment_id, asked, once),
            translation.payment,
        )

    async def read_payment(self, payment_id: str) -> Payment:
        return await self.read(
            "read_payment",
            lambda: self.v1.payment_intents.retrieve_async(payment_id, {"expand": ["latest_charge"]}),
            translation.payment,
        )

    async def cancel_payment(self, payment_id: str, *, key: str) -> Payment:
        cancel = self.write(
            attempt("cancel_payment", key),
            lambda once: self.v1.payment_intents.cancel_async(payment_id, {"expand": ["latest_charge"]}, once),
            translation.payment,
        )
        return await unless_done(
            cancel, lambda: self.read_payment(payment_id), is_done=lambda payment: payment.state == "canceled"
        )

    def list_payments(self, *, stripe_customer_id: str, created_since: datetime) -> AsyncIterator[Payment]:
        asked: stripe.params.PaymentIntentListParams = {
            "customer": stripe_customer_id,
            "created": {"gte": seconds(created_since)},
            "expand": ["data.latest_charge"],
        }
        return self.pages(
            "list_payments",
            lambda part: self.v1.payment_intents.list_async({**asked, **part}),
            translation.payment,
        )

    async def refund_payment(
        self, payment_id: str, *, amount_cents: int, reason: RefundReason, metadata: Mapping[str, str], key: str
    ) -> Refund:
        return await self.write(
            attempt("refund_payment", key),
            lambda once: self.v1.refunds.create_async(
                {
                    "payment_intent": payment_id,
                    "amount": amount_cents,
                    "reason": reason,
                    "metadata": dict(metadata),
                },
                once,
            ),
            translation.refund,
        )

    async def read_refund(self, refund_id: str) -> Refund:
        return await self.read("read_refund", lambda: self.v1.refunds.retrieve_async(refund_id), translation.refund)

    async def list_refunds(self, payment_id: str) -> list[Refund]:
        asked: stripe.params.RefundListParams = {"payment_intent": payment_id}
        found = self.pages(
            "list_refunds",
            lambda part: self.v1.refunds.list_async({**asked, **part}),
            translation.refund,
        )
        return [each async for each in found]

    async def read_dispute(self, dispute_id: str) -> Dispute:
        return await self.read("read_dispute", lambda: self.v1.disputes.retrieve_async(dispute_id), translation.dispute)

    async def list_disputes(self, payment_id: str) -> list[Dispute]:
        asked: stripe.params.DisputeListParams = {"payment_intent": payment_id}
        found = self.pages(
            "list_disputes",
            lambda part: self.v1.disputes.list_async({**asked, **part}),
            translation.dispute,
        )
        return [each async for each in found]
