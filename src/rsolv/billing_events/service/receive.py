"""
Store what Stripe tells, before anything is done about it.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from rsolv.billing_events.queries import inbox
from rsolv.billing_events.rules import Arrival, Source, arrival_of, handle_job
from rsolv.db import Connection
from rsolv.jobs import enqueue
from rsolv.stripe_gateway import StripeEvent


def accept(event: StripeEvent, *, body: bytes, source: Source = "webhook") -> Arrival:
    """
    Make of an event, and the bytes it came in, what will be stored of it.

    Raises:
        NotAnEvent: it cannot be one of Stripe's.
    """
    return arrival_of(event, payload=body.decode(), source=source)


async def receive(connection: Connection, arrival: Arrival, *, now: datetime) -> int | None:
    """
    Store an event and promise to handle it, both or neither; return our id of it.

    Idempotent by Stripe's id of the event, for ever: None for one that is stored already, however it came.
    """
    event_id = await inbox.insert_event_once(connection, arrival, now=now)
    if event_id is not None:
        await enqueue(connection, handle_job(event_id, wake_at=now, now=now))
    return event_id


async def receive_listed(connection: Connection, events: Sequence[StripeEvent], *, now: datetime) -> int:
    """
    Store those of a listed page that are not stored yet, and promise to handle them; return how many there were.
    """
    known = await inbox.list_known_by_stripe_id(connection, stripe_event_ids=[event.id for event in events])
    received = [
        await receive(connection, accept(event, body=msgspec.json.encode(event.raw), source="poll"), now=now)
        for event in reversed(events)
        if event.id not in known
    ]
    return sum(event_id is not None for event_id in received)
