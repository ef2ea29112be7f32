"""
Events of Stripe's, for commands to be about.
"""

import json

from rsolv import billing_events
from rsolv.db import Database
from rsolv.kernel import clock
from rsolv.stripe_gateway import parse_event
from stripe_gateway import objects


async def store_event(database_url: str, stripe_event_id: str, **parts: object) -> str:
    """
    Store an event as a delivery would, and return Stripe's id of it.
    """
    raw = objects.event(id=stripe_event_id, **parts)
    arrival = billing_events.accept(parse_event(raw), body=json.dumps(raw).encode())
    database = await Database.open(database_url, application="test", pool_size=2)
    try:
        async with database.transaction() as connection:
            await billing_events.receive(connection, arrival, now=clock.now())
    finally:
        await database.close()
    return stripe_event_id
