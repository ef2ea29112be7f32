"""
What we ask of Stripe, in our words.

Every verb that changes something there takes `key`: the idempotency key of *one attempt*, written down before the
call. The same key again, with the same arguments, within a day, is the same attempt; a new key only after a definite
outcome. Amounts are integers in the currency's smallest unit, currencies lower-case, times aware. Every verb may
raise the failures of `errors`, and is refused inside a transaction.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from rsolv.stripe_gateway.account_port import AccountGateway
from rsolv.stripe_gateway.billing_port import BillingGateway
from rsolv.stripe_gateway.billing_values import Invoice, InvoicePreview, Subscription
from rsolv.stripe_gateway.events import StripeEvent
from rsolv.stripe_gateway.values import (
    CardSetup,
    Dispute,
    Payment,
    PaymentMethod,
    Refund,
    RefundReason,
    StripeCustomer,
)

API_VERSION = "2026-10-28.endive"
"""
The version of Stripe's API that we speak, and that webhook endpoints must be created with.
"""


class StripeGateway(BillingGateway, AccountGateway, Protocol):
    """
    Stripe. One per process, shared by all its tasks.
    """

    # Customers

    async def create_customer(self, *, email: str, name: str, metadata: Mapping[str, str], key: str) -> StripeCustomer:
        """
        Make a customer; the metadata has our id under CUSTOMER_KEY.
        """

    async def read_customer(self, stripe_customer_id: str) -> StripeCustomer:
        """
        Read a customer, also one that was deleted there.
        """

    async def find_customers(self, *, email: str) -> list[StripeCustomer]:
        """
        List those with exactly this e-mail address, the newest first; by list, which is never behind, not by search.
        """

    async def set_default_payment_method(
        self, stripe_customer_id: str, *, payment_method_id: str, key: str
    ) -> StripeCustomer:
        """
        Say which method pays invoices whose subscription names none of its own. Detaching it takes that back.
        """

    # Cards

    async def open_card_setup(
        self,
        *,
        stripe_customer_id: str,
        return_url: str,
        cancel_url: str,
        currency: str,
        metadata: Mapping[str, str],
        key: str,
    ) -> CardSetup:
        """
        Open a hosted page on which the customer saves a card for charges while they are away.

        Stripe puts the id in place of `{CHECKOUT_SESSION_ID}` in *return_url*. The metadata stands on the SetupIntent
        too.
        """

    async def read_card_setup(self, card_setup_id: str) -> CardSetup:
        """
        Read what came of it, with the card.
        """

    async def attach_payment_method(
        self, payment_method_id: str, *, stripe_customer_id: str, key: str
    ) -> PaymentMethod:
        """
        Give the method to the customer; one that they have already is returned as it is.
        """

    async def read_payment_method(self, payment_method_id: str) -> PaymentMethod:
        """
        Read a method, attached or not.
        """

    async def detach_payment_method(self, payment_method_id: str, *, key: str) -> PaymentMethod:
        """
        Take the method away, for ever; one that is nobody's already is returned as it is.
        """

    # Payments

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
        """
        Make a payment without confirming it: no money moves before `confirm_payment`.
        """

    async def confirm_payment(
        self, payment_id: str, *, payment_method_id: str, key: str, return_url: str | None = None
    ) -> Payment:
        """
        Charge the method. It can succeed once in the payment's life, whatever keys are used.

        Without *return_url* the customer is taken to be away, and a bank that wants them raises NeedsAction. With it
        they are here: the payment comes back as "needs_action" with `next_action_url`, and they return to the URL.

        Raises:
            PaymentDeclined, NeedsAction: definite outcomes of this attempt.
            GatewayMisused: also when the payment has succeeded before; read it by its id.
        """

    async def read_payment(self, payment_id: str) -> Payment:
        """
        Read a payment with its latest charge.
        """

    async def cancel_payment(self, payment_id: str, *, key: str) -> Payment:
        """
        End a payment that has not succeeded; one that is canceled already is returned as it is.

        Raises:
            GatewayMisused: it has succeeded, or is being processed.
        """

    def list_payments(self, *, stripe_customer_id: str, created_since: datetime) -> AsyncIterator[Payment]:
        """
        Go through the customer's payments, the newest first.
        """

    # Money back

    async def refund_payment(
        self, payment_id: str, *, amount_cents: int, reason: RefundReason, metadata: Mapping[str, str], key: str
    ) -> Refund:
        """
        Return a part of a payment, or what is left of it.

        Raises:
            GatewayMisused: more than is left, or the payment is disputed.
        """

    async def read_refund(self, refund_id: str) -> Refund:
        """
        Read a refund.
        """

    async def list_refunds(self, payment_id: str) -> list[Refund]:
        """
        List a payment's refunds, also failed ones, the newest first.
        """

    async def read_dispute(self, dispute_id: str) -> Dispute:
        """
        Read a dispute.
        """

    async def list_disputes(self, payment_id: str) -> list[Dispute]:
        """
        List a payment's disputes, the newest first.
        """

    # Subscriptions and invoices

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
        """
        Subscribe a customer who is here, and try to collect the first invoice at once.

        A bank that wants the customer, or says no, is no failure: the subscription is "incomplete", and `action_url`
        is the page on which they pay within 23 hours. Unpaid by then it is "incomplete_expired".
        """

    async def read_subscription(self, stripe_subscription_id: str) -> Subscription:
        """
        Read a subscription and the state of its latest invoice.
        """

    async def schedule_cancellation(
        self, stripe_subscription_id: str, *, at_period_end: bool, key: str
    ) -> Subscription:
        """
        End it with the period that is paid for, or (False) take that back.
        """

    async def cancel_subscription(self, stripe_subscription_id: str) -> Subscription:
        """
        End it now, with no money back and no last invoice; one that has ended already is returned as it is.

        Stripe takes no key here: it is the state that makes a repeat harmless.
        """

    async def preview_subscription(self, *, stripe_customer_id: str, price_id: str, quantity: int) -> InvoicePreview:
        """
        Say what subscribing would cost today. Nothing is made.
        """

    async def preview_renewal(self, stripe_subscription_id: str) -> InvoicePreview:
        """
        Say what the next invoice of a subscription will be. Nothing is made.
        """

    async def read_invoice(self, invoice_id: str) -> Invoice:
        """
        Read an invoice with all of its lines, and its payments.
        """

    def list_invoices(
        self, *, stripe_customer_id: str, created_since: datetime | None = None
    ) -> AsyncIterator[Invoice]:
        """
        Go through the customer's invoices, the newest first, each with its first ten lines.
        """

    # Events

    def list_events(self, *, created_since: datetime, types: Sequence[str] = ()) -> AsyncIterator[StripeEvent]:
        """
        Go through what happened, the newest first; Stripe remembers 30 days. At most 20 *types*; none is all.
        """
