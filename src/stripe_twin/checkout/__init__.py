"""
Checkout Sessions: a hosted page that saves a card or opens a subscription.
"""

from stripe_twin.checkout.completing import Card, complete, on_event
from stripe_twin.checkout.sessions import INCLUDABLES, ROUTES, TASKS, find, last_error, lines_of

__all__ = ["INCLUDABLES", "ROUTES", "TASKS", "Card", "complete", "find", "last_error", "lines_of", "on_event"]
