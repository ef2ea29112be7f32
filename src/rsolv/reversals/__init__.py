"""
Reversals: money and credits of a payment taken back, for a refund or a dispute, and restored should that fail.

What was paid (`Paid`) is a charge or an invoice of a subscription; both are taken back by the same rules. Credits go
back in proportion, counted over all that has been taken back of the payment and rounded in the customer's favour. What
of them is spent becomes receivable, never an error, and is taken once it flows back (docs/decisions/0011-refunds.md,
0016-invoices-taken-back.md).
"""

from rsolv.reversals.errors import PostedByReversal, ReversalDiffers, ReversalExceedsPayment, SeveralGrants
from rsolv.reversals.queries.invariants import INVARIANTS
from rsolv.reversals.rules import ChargeReversed, Paid, Reversal, ReversalKind, Reversible, paid_by
from rsolv.reversals.service.collect import collect_shortfall
from rsolv.reversals.service.paid import find_owner_of_payment, list_payments, lock_paid, note_dispute
from rsolv.reversals.service.read import find_reversal, list_postings, list_reversals, require_no_reversal
from rsolv.reversals.service.restore import restore
from rsolv.reversals.service.take_back import take_back

__all__ = [
    "INVARIANTS",
    "ChargeReversed",
    "Paid",
    "PostedByReversal",
    "Reversal",
    "ReversalDiffers",
    "ReversalExceedsPayment",
    "ReversalKind",
    "Reversible",
    "SeveralGrants",
    "collect_shortfall",
    "find_owner_of_payment",
    "find_reversal",
    "list_payments",
    "list_postings",
    "list_reversals",
    "lock_paid",
    "note_dispute",
    "paid_by",
    "require_no_reversal",
    "restore",
    "take_back",
]
