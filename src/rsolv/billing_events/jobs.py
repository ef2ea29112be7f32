"""
The promises about Stripe's events that the worker keeps: handle each, list those that never came, forget none.
"""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from rsolv.billing_events.queries import inbox
from rsolv.billing_events.rules import (
    MISSING_AT_STRIPE,
    NO_HANDLER,
    POLLED_AGAIN,
    REMEMBERED_BY_STRIPE,
    BillingEvent,
    Verdict,
    ignored,
    nothing,
    objection,
    parked,
)
from rsolv.billing_events.service.end import claim, end, fail
from rsolv.billing_events.service.handlers import HANDLERS
from rsolv.billing_events.service.means import Means, Settle
from rsolv.billing_events.service.receive import receive_listed
from rsolv.billing_events.service.wake import wake_overdue
from rsolv.db import Database, Unavailable
from rsolv.jobs import Handler, JobCall, Schedule
from rsolv.kernel import clock
from rsolv.kernel.events import EventBus
from rsolv.stripe_gateway import GatewayFailure, GatewayMisused, StripeEvent, StripeGateway

TYPES_AT_A_TIME = 20  # docs.stripe.com/api/events/list
PAGE = 100

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """
    What events are handled with. `at` is told each point on the way, so that a test can end the process there.
    """

    database: Database
    gateway: StripeGateway
    bus: EventBus
    livemode: bool = False
    at: Callable[[str], None] = nothing


def handle_billing_event(database: Database, gateway: StripeGateway, bus: EventBus, *, livemode: bool) -> Handler:
    """
    Return the handler of `billing_event.handle`: do what one event demands.
    """
    box = Inbox(database=database, gateway=gateway, bus=bus, livemode=livemode)

    async def handle(call: JobCall) -> None:
        await handle_event(box, int(call.ids["billing_event_id"]), now=clock.now())

    return handle


def poll_schedule(database: Database, gateway: StripeGateway) -> Schedule:
    """
    Return the schedule that lists what happened at Stripe, so that nothing depends on deliveries.
    """

    async def run() -> None:
        try:
            received = await poll(database, gateway, now=clock.now())
        except GatewayFailure as failure:
            log.warning("billing_events_not_listed", error=str(failure))
        else:
            log.info("billing_events_listed", new=received)

    return Schedule("billing_events.poll", "*/5 * * * *", run)


def wake_schedule(database: Database) -> Schedule:
    """
    Return the schedule that goes after events whose job was lost.
    """

    async def run() -> None:
        async with database.transaction() as connection:
            await wake_overdue(connection, now=clock.now())

    return Schedule("billing_events.wake", "* * * * *", run)


async def handle_event(box: Inbox, event_id: int, *, now: datetime) -> None:
    """
    Find out what an event is about, then believe that and mark the event, both in one transaction.

    Any number may do so at once and die anywhere: the event ends processed, ignored by a rule, or parked, and comes
    back by itself until then.

    Raises:
        Unavailable: the database is away; the event comes back after its lease.
    """
    started = time.perf_counter()
    async with box.database.transaction() as connection:
        event = await claim(connection, event_id, now=now)
        box.at("E1")
    if event is None:
        return
    try:
        await _handle(box, event, started=started, now=now)
    except Unavailable:
        raise
    except Exception as error:  # lint: allow no-broad-except -- whatever it is, the event is tried again, then parked
        async with box.database.transaction() as connection:
            await fail(connection, event, error, now=now)
    box.at("E5")


async def _handle(box: Inbox, event: BillingEvent, *, started: float, now: datetime) -> None:
    box.at("E2")
    found = await _look(box, event, now=now)
    box.at("E3")
    async with box.database.transaction() as connection:
        if await inbox.lock_waiting_by_id(connection, event.id) is None:
            return
        verdict = found if isinstance(found, Verdict) else await found(connection)
        duration_ms = round((time.perf_counter() - started) * 1_000)
        await end(connection, event, verdict, duration_ms=duration_ms, now=now)
        box.at("E4")


async def _look(box: Inbox, event: BillingEvent, *, now: datetime) -> Settle | Verdict:
    """
    Ask Stripe what is true, unless a rule says that nothing is to be done.
    """
    look = HANDLERS.get(event.type)
    objected = objection(event, is_handled=look is not None, livemode=box.livemode)
    if look is None or objected is not None:
        return objected or ignored(NO_HANDLER)
    try:
        return await look(Means(database=box.database, gateway=box.gateway, bus=box.bus, now=now), event)
    except GatewayMisused as failure:
        if failure.is_missing:
            return parked(MISSING_AT_STRIPE)
        raise


async def poll(database: Database, gateway: StripeGateway, *, now: datetime) -> int:
    """
    List what happened at Stripe since the last poll, and two hours before that; store what was not stored yet.

    Returns how many events were new. Only a poll that came to its end moves on; the first one goes back for as long as
    Stripe remembers. Calls Stripe, so do not call this in a transaction.

    Raises:
        GatewayFailure: Stripe could not be asked; what was listed until then is stored, the rest next time.
    """
    async with database.reading() as connection:
        listed_until = await inbox.find_listed_until_by_polls(connection)
    since = listed_until - POLLED_AGAIN if listed_until is not None else now - REMEMBERED_BY_STRIPE
    received, newest = 0, listed_until
    for types in _groups(sorted(HANDLERS), TYPES_AT_A_TIME):
        async for page in _pages(gateway.list_events(created_since=since, types=types)):
            async with database.transaction() as connection:
                received += await receive_listed(connection, page, now=now)
            newest = max([event.created_at for event in page] + ([newest] if newest is not None else []))
    if newest is not None:
        async with database.transaction() as connection:
            await inbox.note_listed_until(connection, newest)
    return received


def _groups(names: Sequence[str], size: int) -> list[Sequence[str]]:
    return [names[start : start + size] for start in range(0, len(names), size)]


async def _pages(events: AsyncIterator[StripeEvent]) -> AsyncIterator[list[StripeEvent]]:
    page: list[StripeEvent] = []
    async for event in events:
        page.append(event)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page
