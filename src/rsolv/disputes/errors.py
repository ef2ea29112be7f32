"""
The facts that can go wrong with a dispute.
"""

from rsolv.kernel.errors import NotFound


class UnknownDispute(NotFound):
    """
    None of our charges and invoices has such a dispute, as far as we have heard.
    """

    code = "unknown_dispute"
    sentence = "Dispute {stripe_dispute_id} is not known."
