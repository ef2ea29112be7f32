"""
Reversals: money and credits of a payment taken back, for a refund or a dispute, and restored should that fail.

Credits go back in proportion, counted over all that has been taken back of the payment and rounded in the customer's
favour. What of them is spent becomes receivable, never an error, and is taken once it flows back
(docs/decisions/0011-refunds.md).
"""

from rsolv.reversals.errors import PostedByReversal, ReversalDiffers, ReversalExceedsPayment
from rsolv.reversals.queries.invariants import INVARIANTS
from rsolv.reversals.rules import ChargeReversed, Reversal, ReversalKind
from rsolv.reversals.service.collect import collect_shortfall
from rsolv.reversals.service.read import find_reversal, list_charge_postings, list_reversals, require_no_reversal
from rsolv.reversals.service.restore import restore
from rsolv.reversals.service.take_back import take_back

__all__ = [
    "INVARIANTS",
    "ChargeReversed",
    "PostedByReversal",
    "Reversal",
    "ReversalDiffers",
    "ReversalExceedsPayment",
    "ReversalKind",
    "collect_shortfall",
    "find_reversal",
    "list_charge_postings",
    "list_reversals",
    "require_no_reversal",
    "restore",
    "take_back",
]
