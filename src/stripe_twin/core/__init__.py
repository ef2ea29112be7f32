"""
What every part of the twin stands on: one account's state, its clock, errors, lists, idempotency and events.
"""

from stripe_twin.core.account import Account, Call
from stripe_twin.core.errors import StripeError, card_error, invalid_request, not_done, resource_missing
from stripe_twin.core.expand import Includables
from stripe_twin.core.lists import page, whole_list
from stripe_twin.core.records import Record
from stripe_twin.core.routes import Routes
from stripe_twin.core.tasks import TaskHandlers

__all__ = [
    "Account",
    "Call",
    "Includables",
    "Record",
    "Routes",
    "StripeError",
    "TaskHandlers",
    "card_error",
    "invalid_request",
    "not_done",
    "page",
    "resource_missing",
    "whole_list",
]
