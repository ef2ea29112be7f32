"""
The record of who did what, append-only, written in the transaction of the act itself.
"""

from rsolv.audit.rules import SYSTEM, Actor
from rsolv.audit.service import record

__all__ = ["SYSTEM", "Actor", "record"]
