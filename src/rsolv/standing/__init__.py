"""
Standing: whether a customer's account is in good standing, and so whether new work is taken.

Computed from what is owed, never stored: whoever pays is in good standing with the same commit.
"""

from rsolv.standing.errors import PaymentOverdue
from rsolv.standing.rules import GOOD, GRACE, IN_GRACE, REFUSED, Standing
from rsolv.standing.service import get_standing, refuse_new_work, require_new_work_allowed

__all__ = [
    "GOOD",
    "GRACE",
    "IN_GRACE",
    "REFUSED",
    "PaymentOverdue",
    "Standing",
    "get_standing",
    "refuse_new_work",
    "require_new_work_allowed",
]
