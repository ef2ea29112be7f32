"""
The statements that store events and move each of them to its end.
"""

from datetime import datetime, timedelta

from rsolv.billing_events.rules import Arrival, BillingEvent, Verdict
from rsolv.db import Connection

_FIND_BY_ID = """
    SELECT id, stripe_event_id, type, api_version, is_thin, livemode, happened_at, received_at, source, object_id,
           object_kind, stripe_customer_id, amount_cents, currency, payload, customer_id, outcome, reason, attempts,
           failures, wake_at, handled_at, duration_ms
    FROM billing_events WHERE id = $1
"""
_LOCK_WAITING_BY_ID = """
    SELECT id, stripe_event_id, type, api_version, is_thin, livemode, happened_at, received_at, source, object_id,
           object_kind, stripe_customer_id, amount_cents, currency, payload, customer_id, outcome, reason, attempts,
           failures, wake_at, handled_at, duration_ms
    FROM billing_events WHERE id = $1 AND outcome = 'waiting' FOR NO KEY UPDATE
"""


async def insert_event_once(connection: Connection, arrival: Arrival, *, now: datetime) -> int | None:
    """
    Store an event and return our id of it; None when it is stored already. Waits for a rival.
    """
    event_id: int | None = await connection.fetchval(
        """
        INSERT INTO billing_events (stripe_event_id, type, api_version, is_thin, livemode, happened_at, received_at,
                                    source, object_id, object_kind, stripe_customer_id, amount_cents, currency,
                                    payload, wake_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $7)
        ON CONFLICT ON CONSTRAINT billing_events_once DO NOTHING RETURNING id
        """,
        arrival.stripe_event_id,
        arrival.type,
        arrival.api_version,
        arrival.is_thin,
        arrival.livemode,
        arrival.happened_at,
        now,
        arrival.source,
        arrival.object_id,
        arrival.object_kind,
        arrival.stripe_customer_id,
        arrival.amount_cents,
        arrival.currency,
        arrival.payload,
    )
    return event_id


async def list_known_by_stripe_id(connection: Connection, *, stripe_event_ids: list[str]) -> set[str]:
    """
    Return which of these events are stored already.
    """
    rows = await connection.fetch(
        "SELECT stripe_event_id FROM billing_events WHERE stripe_event_id = ANY($1::text[]) LIMIT $2",
        stripe_event_ids,
        len(stripe_event_ids),
    )
    return {row["stripe_event_id"] for row in rows}


async def find_event_by_id(connection: Connection, event_id: int) -> BillingEvent | None:
    """
    Return an event, whoever's it is.
    """
    row = await connection.fetchrow(_FIND_BY_ID, event_id)
    return row and BillingEvent(**row)


async def lock_waiting_by_id(connection: Connection, event_id: int) -> BillingEvent | None:
    """
    Lock an event that waits until the transaction ends; None when it has come to its end.
    """
    row = await connection.fetchrow(_LOCK_WAITING_BY_ID, event_id)
    return row and BillingEvent(**row)


async def note_attempt(connection: Connection, event_id: int, *, lease: timedelta, now: datetime) -> None:
    """
    Note that somebody begins with an event; it comes back by itself when they are not heard of any more.
    """
    await connection.execute(
        """
        UPDATE billing_events
        SET attempts = attempts + 1, failures = failures + 1, wake_at = $3::timestamptz + $2::interval
        WHERE id = $1 AND outcome = 'waiting'
        """,
        event_id,
        lease,
        now,
    )


async def note_failure(connection: Connection, event_id: int, *, reason: str, counts: bool, wake_at: datetime) -> None:
    """
    Note what went wrong and when to try again; what passes by itself counts for nothing, and takes back the count.
    """
    await connection.execute(
        """
        UPDATE billing_events SET reason = $2, failures = CASE WHEN $3 THEN failures ELSE 0 END, wake_at = $4
        WHERE id = $1 AND outcome = 'waiting'
        """,
        event_id,
        reason,
        counts,
        wake_at,
    )


async def end_event(
    connection: Connection, event_id: int, verdict: Verdict, *, duration_ms: int | None, now: datetime
) -> None:
    """
    Write down what became of an event that waited.
    """
    await connection.execute(
        """
        UPDATE billing_events
        SET outcome = $2, reason = $3, customer_id = coalesce($4, customer_id), handled_at = $5, duration_ms = $6,
            wake_at = NULL
        WHERE id = $1 AND outcome = 'waiting'
        """,
        event_id,
        verdict.outcome,
        verdict.reason,
        verdict.customer_id,
        now,
        duration_ms,
    )


async def list_overdue_by_wake_time(
    connection: Connection, *, due_before: datetime, limit: int
) -> list[tuple[int, datetime]]:
    """
    Return the ids and times of events that somebody should have begun with before a time.
    """
    rows = await connection.fetch(
        "SELECT id, wake_at FROM billing_events WHERE wake_at < $1 ORDER BY wake_at LIMIT $2", due_before, limit
    )
    return [(row["id"], row["wake_at"]) for row in rows]


async def find_listed_until_by_polls(connection: Connection) -> datetime | None:
    """
    Return up to when, by Stripe's clock, all events have been listed; None before the first poll.
    """
    listed_until: datetime | None = await connection.fetchval("SELECT listed_until FROM billing_event_polls")
    return listed_until


async def note_listed_until(connection: Connection, listed_until: datetime) -> None:
    """
    Note up to when all events have been listed; never goes back.
    """
    await connection.execute(
        """
        INSERT INTO billing_event_polls (listed_until) VALUES ($1)
        ON CONFLICT (is_only) DO UPDATE
        SET listed_until = greatest(billing_event_polls.listed_until, excluded.listed_until)
        """,
        listed_until,
    )
