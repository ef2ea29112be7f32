"""
The facts that can go wrong with a spending cap.
"""

from rsolv.kernel.errors import Invalid


class SpendingCapInvalid(Invalid):
    """
    The cap is neither none, nor nothing, nor enough for one fix.
    """

    code = "spending_cap_invalid"
    sentence = "A spending cap is 0, or from {smallest_cents} cents (one fix) to {largest_cents} cents."
