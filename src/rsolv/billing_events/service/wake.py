"""
Set events going again: because nobody else did, or because an operator says so.
"""

from datetime import datetime, timedelta

import structlog

from rsolv.audit import Actor, record
from rsolv.billing_events.errors import UnknownBillingEvent
from rsolv.billing_events.queries import inbox, operating
from rsolv.billing_events.rules import BillingEvent, EventFilter, handle_job
from rsolv.db import Connection
from rsolv.jobs import enqueue

OVERDUE_AFTER = timedelta(minutes=1)
AT_A_TIME = 1_000

log = structlog.get_logger()


async def wake_overdue(connection: Connection, *, now: datetime) -> int:
    """
    Promise anew to handle events whose time has come and passed: their job was lost, or their worker died.

    Returns how many there are, a thousand at most. Harmless beside a job that is merely late, and promised once only
    for each of an event's times, so that a backlog does not grow by being looked at.
    """
    overdue = await inbox.list_overdue_by_wake_time(connection, due_before=now - OVERDUE_AFTER, limit=AT_A_TIME)
    if overdue:
        jobs = [handle_job(event_id, wake_at=wake_at, now=now, why="overdue") for event_id, wake_at in overdue]
        await enqueue(connection, *jobs)
        log.warning("billing_events_overdue", count=len(overdue))
    return len(overdue)


async def replay(connection: Connection, *, name: str, actor: Actor, now: datetime) -> BillingEvent:
    """
    Have one event, by Stripe's id or ours, handled anew, whatever became of it: what is true already stays as it is.

    Raises:
        UnknownBillingEvent: there is none of this id.
    """
    event = await operating.find_event_for_operator(connection, name=name)
    if event is None:
        raise UnknownBillingEvent(event=name)
    await _replay(connection, [event.id], actor=actor, facts={"type": event.type}, now=now)
    return event


async def replay_some(
    connection: Connection, wanted: EventFilter, *, after_id: int, actor: Actor, now: datetime
) -> list[int]:
    """
    Have the next thousand events after *after_id* that are meant handled anew; return their ids, in order.
    """
    ids = await operating.list_ids_for_operator(connection, wanted, after_id=after_id, limit=AT_A_TIME)
    facts: dict[str, object] = {"type": wanted.type, "customer_id": wanted.customer_id, "count": len(ids)}
    if ids:
        await _replay(connection, ids, actor=actor, facts={"outcome": wanted.outcome, **facts}, now=now)
    return ids


async def _replay(
    connection: Connection, ids: list[int], *, actor: Actor, facts: dict[str, object], now: datetime
) -> None:
    await operating.begin_anew(connection, ids, now=now)
    await enqueue(connection, *(handle_job(event_id, wake_at=now, now=now, why="replay") for event_id in ids))
    subject = f"billing_event {ids[0]}" if len(ids) == 1 else f"billing_events {ids[0]} to {ids[-1]}"
    await record(connection, actor=actor, action="billing_event:replayed", subject=subject, facts=facts)
