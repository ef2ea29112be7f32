"""
Disputes: what a customer's bank asks, takes, keeps or returns of a charge or an invoice.

An inquiry moves nothing. Money that is away at Stripe is reversed here and freezes the customer's new charges; money
that comes back restores both. What is true is read by id and not concluded from the order of events.
"""

from rsolv.disputes.errors import UnknownDispute
from rsolv.disputes.queries.invariants import INVARIANTS
from rsolv.disputes.rules import DISPUTED, REASON_LENGTH_MAX, Dispute, look_job
from rsolv.disputes.service.freeze import hold_disputed, is_frozen, release
from rsolv.disputes.service.look import look_at_dispute, look_at_payment
from rsolv.disputes.service.read import get_dispute_by_stripe_id, list_disputes, list_disputes_for_operator
from rsolv.disputes.service.settle import Settled, settle_dispute

__all__ = [
    "DISPUTED",
    "INVARIANTS",
    "REASON_LENGTH_MAX",
    "Dispute",
    "Settled",
    "UnknownDispute",
    "get_dispute_by_stripe_id",
    "hold_disputed",
    "is_frozen",
    "list_disputes",
    "list_disputes_for_operator",
    "look_at_dispute",
    "look_at_payment",
    "look_job",
    "release",
    "settle_dispute",
]
