"""
Refunds: money of a charge or an invoice on its way back, asked for by us or made at Stripe, each exactly once.

A refund is a row before Stripe is called. It is looked for there before the call is ever repeated, so that no second
one is made whatever answer was lost. Every way to the truth (worker, webhook, poll) ends in `settle_refund`, which
takes the money and its credits back, and restores them should the refund fail (docs/decisions/0011-refunds.md).
"""

from rsolv.refunds.errors import (
    ChargeDisputed,
    InvoiceDisputed,
    InvoicePaidInParts,
    RefundDiffers,
    RefundExceedsCharge,
    RefundExceedsInvoice,
    UnknownRefund,
)
from rsolv.refunds.queries.invariants import INVARIANTS
from rsolv.refunds.rules import NONCE_KEY, POINTS, REFUND_KEY, Refund, RefundState, believed_state
from rsolv.refunds.service.ask import ask_refund, refund_late_payment
from rsolv.refunds.service.claim import wake_overdue
from rsolv.refunds.service.read import get_refund, list_refunds
from rsolv.refunds.service.settle import Settled, settle_refund

__all__ = [
    "INVARIANTS",
    "NONCE_KEY",
    "POINTS",
    "REFUND_KEY",
    "ChargeDisputed",
    "InvoiceDisputed",
    "InvoicePaidInParts",
    "Refund",
    "RefundDiffers",
    "RefundExceedsCharge",
    "RefundExceedsInvoice",
    "RefundState",
    "Settled",
    "UnknownRefund",
    "ask_refund",
    "believed_state",
    "get_refund",
    "list_refunds",
    "refund_late_payment",
    "settle_refund",
    "wake_overdue",
]
