"""
Begin with an event, and write down what became of it.
"""

from dataclasses import replace
from datetime import datetime

import structlog

from rsolv import customers
from rsolv.audit import SYSTEM, record
from rsolv.billing_events.queries import inbox
from rsolv.billing_events.rules import (
    LEASE,
    WORKER_DIED,
    BillingEvent,
    Verdict,
    handle_job,
    parked,
    pause_after,
)
from rsolv.db import Connection
from rsolv.jobs import enqueue

log = structlog.get_logger()


async def claim(connection: Connection, event_id: int, *, now: datetime) -> BillingEvent | None:
    """
    Begin with an event that waits; None when there is nothing to do about it.

    The attempt is counted first, so that one which takes the worker with it each time is parked in the end.
    """
    event = await inbox.lock_waiting_by_id(connection, event_id)
    if event is None:
        return None
    if event.failures and pause_after(event, passes_by_itself=False) is None:
        await end(connection, event, parked(event.reason or WORKER_DIED), duration_ms=None, now=now)
        return None
    await inbox.note_attempt(connection, event_id, lease=LEASE, now=now)
    return await inbox.find_event_by_id(connection, event_id)


async def end(
    connection: Connection, event: BillingEvent, verdict: Verdict, *, duration_ms: int | None, now: datetime
) -> None:
    """
    Write down what became of an event, with whom it was about; one that is parked alerts and is recorded.
    """
    if verdict.customer_id is None and event.stripe_customer_id is not None:
        customer_id = await customers.find_by_stripe_id(connection, stripe_customer_id=event.stripe_customer_id)
        verdict = replace(verdict, customer_id=customer_id)
    await inbox.end_event(connection, event.id, verdict, duration_ms=duration_ms, now=now)
    if verdict.outcome == "parked":
        log.error("billing_event_parked", billing_event_id=event.id, type=event.type, reason=verdict.reason)
        await record(
            connection,
            actor=SYSTEM,
            action="billing_event:parked",
            subject=f"billing_event {event.id}",
            customer_id=verdict.customer_id,
            facts={"type": event.type, "reason": verdict.reason, "attempts": event.attempts},
        )


async def fail(connection: Connection, event: BillingEvent, error: Exception, *, now: datetime) -> None:
    """
    Try an event again after a growing pause, or park it after the last try.
    """
    waiting = await inbox.lock_waiting_by_id(connection, event.id)
    if waiting is None:
        return
    reason = type(error).__name__
    passes_by_itself = bool(getattr(error, "passes_by_itself", False))
    pause = pause_after(waiting, passes_by_itself=passes_by_itself)
    if pause is None:
        await end(connection, waiting, parked(reason), duration_ms=None, now=now)
        return
    log.warning("billing_event_failed", billing_event_id=event.id, attempts=waiting.attempts, error=reason)
    await inbox.note_failure(connection, event.id, reason=reason, counts=not passes_by_itself, wake_at=now + pause)
    await enqueue(connection, handle_job(event.id, wake_at=now + pause, now=now))
