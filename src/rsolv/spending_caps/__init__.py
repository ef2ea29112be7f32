"""
Spending caps: the most a customer lets us charge in a calendar month, and the most we let a machine charge anybody.

A cap holds a charge, never a fix: what is over it is recorded, waits, is shown and told, and goes on when there is
room: in the next month, when the cap is raised, or when a charge under way failed.
"""

from rsolv.spending_caps.errors import SpendingCapInvalid
from rsolv.spending_caps.rules import LARGEST_CENTS, SAFETY_CAP, SPENDING_CAP, CapStatus, SafetyCaps, Waiting
from rsolv.spending_caps.service import (
    cap_charges,
    find_waiting,
    get_status,
    retry_after_reversal,
    retry_waiting,
    set_cap,
)

__all__ = [
    "LARGEST_CENTS",
    "SAFETY_CAP",
    "SPENDING_CAP",
    "CapStatus",
    "SafetyCaps",
    "SpendingCapInvalid",
    "Waiting",
    "cap_charges",
    "find_waiting",
    "get_status",
    "retry_after_reversal",
    "retry_waiting",
    "set_cap",
]
