"""
Show events to operators.
"""

from rsolv.billing_events.errors import UnknownBillingEvent
from rsolv.billing_events.queries import operating
from rsolv.billing_events.rules import BillingEvent, EventFilter
from rsolv.db import Connection


async def get_event_for_operator(connection: Connection, *, name: str) -> BillingEvent:
    """
    Return the event of this id, ours or Stripe's, with what came in it.

    Raises:
        UnknownBillingEvent: there is none.
    """
    event = await operating.find_event_for_operator(connection, name=name)
    if event is None:
        raise UnknownBillingEvent(event=name)
    return event


async def list_events_for_operator(connection: Connection, wanted: EventFilter, *, limit: int) -> list[BillingEvent]:
    """
    Return the events that are meant, the newest first, without what came in them.
    """
    return await operating.list_events_for_operator(connection, wanted, limit=limit)
