"""
What operators ask about events, and how they set them going again.
"""

from datetime import datetime

from rsolv.billing_events.rules import BillingEvent, EventFilter
from rsolv.db import Connection

ID_DIGITS = len(str(2**63))


async def find_event_for_operator(connection: Connection, *, name: str) -> BillingEvent | None:
    """
    Return the event that has this id, ours or Stripe's.
    """
    row = await connection.fetchrow(
        """
        SELECT id, stripe_event_id, type, api_version, is_thin, livemode, happened_at, received_at, source, object_id,
               object_kind, stripe_customer_id, amount_cents, currency, payload, customer_id, outcome, reason,
               attempts, failures, wake_at, handled_at, duration_ms
        FROM billing_events WHERE stripe_event_id = $1 OR id = $2 ORDER BY id LIMIT 1
        """,
        name,
        int(name) if name.isascii() and name.isdigit() and len(name) < ID_DIGITS else None,
    )
    return row and BillingEvent(**row)


async def list_events_for_operator(connection: Connection, wanted: EventFilter, *, limit: int) -> list[BillingEvent]:
    """
    Return the events that are meant, the newest first, without what came in them.
    """
    rows = await connection.fetch(
        """
        SELECT id, stripe_event_id, type, api_version, is_thin, livemode, happened_at, received_at, source, object_id,
               object_kind, stripe_customer_id, amount_cents, currency, NULL AS payload, customer_id, outcome, reason,
               attempts, failures, wake_at, handled_at, duration_ms
        FROM billing_events
        WHERE ($1::text IS NULL OR outcome = $1) AND ($2::text IS NULL OR type = $2)
          AND ($3::bigint IS NULL OR customer_id = $3)
        ORDER BY id DESC LIMIT $4
        """,
        wanted.outcome,
        wanted.type,
        wanted.customer_id,
        limit,
    )
    return [BillingEvent(**row) for row in rows]


async def list_ids_for_operator(connection: Connection, wanted: EventFilter, *, after_id: int, limit: int) -> list[int]:
    """
    Return the ids of the events that are meant, the oldest first, those after *after_id*.
    """
    rows = await connection.fetch(
        """
        SELECT id FROM billing_events
        WHERE id > $4 AND ($1::text IS NULL OR outcome = $1) AND ($2::text IS NULL OR type = $2)
          AND ($3::bigint IS NULL OR customer_id = $3)
        ORDER BY id LIMIT $5
        """,
        wanted.outcome,
        wanted.type,
        wanted.customer_id,
        after_id,
        limit,
    )
    return [row["id"] for row in rows]


async def begin_anew(connection: Connection, event_ids: list[int], *, now: datetime) -> None:
    """
    Have events wait once more, as if they had just come.
    """
    await connection.execute(
        """
        UPDATE billing_events SET outcome = 'waiting', reason = NULL, failures = 0, wake_at = $2
        WHERE id = ANY($1::bigint[])
        """,
        event_ids,
        now,
    )
