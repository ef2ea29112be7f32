"""
The facts that can go wrong when credits move.
"""

from rsolv.kernel.errors import Conflict, NotFound, PaymentNeeded


class InsufficientCredits(PaymentNeeded):
    """
    The customer has fewer spendable credits than the work needs; nothing was written.
    """

    code = "insufficient_credits"
    sentence = "{needed} credits are needed and {spendable} can be spent."


class CauseReused(Conflict):
    """
    The cause has posted before, as something else; nothing was written.
    """

    code = "cause_reused"
    sentence = "{cause_kind} {cause_id} has already been posted with other figures."


class UnknownPosting(NotFound):
    """
    The customer has no such posting.
    """

    code = "unknown_posting"
    sentence = "Posting {posting_id} does not exist."


class AlreadyReversed(Conflict):
    """
    The posting has been reversed before, for another cause; nothing was written.
    """

    code = "already_reversed"
    sentence = "Posting {posting_id} has already been reversed."


class CustomerHasNoLedger(NotFound):
    """
    No accounts were opened for this customer, or there is no such customer.
    """

    code = "customer_has_no_ledger"
    sentence = "Customer {customer_id} has no ledger."
