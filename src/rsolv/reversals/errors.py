"""
The facts that can go wrong when a payment is taken back.
"""

from rsolv.kernel.errors import Conflict


class ReversalExceedsPayment(Conflict):
    """
    More would be taken back than is left of what was paid; nothing was written.
    """

    code = "reversal_exceeds_payment"
    sentence = "Of what was paid {left_cents} cents are left, fewer than {amount_cents}."


class SeveralGrants(Conflict):
    """
    The payment brought several grants of credits, and no rule says which of them goes back; nothing was written.
    """

    code = "several_grants"
    sentence = "Invoice {invoice_id} brought several grants of credits; what goes back is for somebody to decide."


class PostedByReversal(Conflict):
    """
    The posting is one of a refund's or a dispute's, which alone undoes it; nothing was written.
    """

    code = "posted_by_reversal"
    sentence = "Posting {posting_id} was made for {stripe_object_id}; it is restored when that fails or is won."


class ReversalDiffers(Conflict):
    """
    The refund or dispute has taken something else back before; nothing was written.
    """

    code = "reversal_differs"
    sentence = "{stripe_object_id} has already taken something else back."
