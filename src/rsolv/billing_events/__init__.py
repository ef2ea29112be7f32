"""
Billing events: the inbox of what Stripe tells, by webhook or when asked.

Each event is stored once, under Stripe's id of it, before anything is done. It is a hint: what it is about is read from
Stripe by its id, and believed in the transaction that also marks the event. So each ends processed, ignored by a rule
or parked, and neither order nor number nor loss of deliveries matters.
"""

from rsolv.billing_events.errors import UnknownBillingEvent
from rsolv.billing_events.queries.invariants import INVARIANTS
from rsolv.billing_events.rules import OUTCOMES, POINTS, Arrival, BillingEvent, EventFilter, Outcome
from rsolv.billing_events.service.handlers import HANDLERS
from rsolv.billing_events.service.read import get_event_for_operator, list_events_for_operator
from rsolv.billing_events.service.receive import accept, receive
from rsolv.billing_events.service.wake import replay, replay_some, wake_overdue

__all__ = [
    "HANDLERS",
    "INVARIANTS",
    "OUTCOMES",
    "POINTS",
    "Arrival",
    "BillingEvent",
    "EventFilter",
    "Outcome",
    "UnknownBillingEvent",
    "accept",
    "get_event_for_operator",
    "list_events_for_operator",
    "receive",
    "replay",
    "replay_some",
    "wake_overdue",
]
