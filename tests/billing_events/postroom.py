"""
What a test does with Stripe's events: take them from the twin, store them, handle them, and look what became of them.
"""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

import msgspec

from charges.stage import NOW, Stage
from rsolv import billing_events, disputes, ledger, refunds, reversals
from rsolv.audit import Actor
from rsolv.billing_events import BillingEvent
from rsolv.billing_events.jobs import Inbox, handle_event
from rsolv.stripe_gateway import parse_event
from stripe_twin.core import Record
from stripe_twin.core.account import API_VERSION
from stripe_twin.core.exchange import Request

ROUNDS_AT_MOST = 40


@dataclass(frozen=True)
class Postroom:
    """
    The inbox of a stage.
    """

    stage: Stage

    @property
    def now(self) -> datetime:
        """
        Return the time at which events come and are handled, unless told otherwise.
        """
        return NOW

    def box(self, **other: Any) -> Inbox:
        """
        Return what events are handled with, as the worker has it unless told otherwise.
        """
        stage = self.stage
        return Inbox(**{"database": stage.database, "gateway": stage.gateway, "bus": stage.bus} | other)

    def told(self, *types: str) -> list[Record]:
        """
        Return what the twin has to tell of these types, the oldest first; none is all.
        """
        return [each for each in reversed(self.stage.twin.store.all("event")) if not types or each["type"] in types]

    async def receive(self, event: Record, **changed: object) -> int | None:
        """
        Store an event as a delivery would, with some of its parts changed.
        """
        body = msgspec.json.encode(event | changed)
        arrival = billing_events.accept(parse_event(msgspec.json.decode(body)), body=body)
        async with self.stage.database.transaction() as connection:
            return await billing_events.receive(connection, arrival, now=self.now)

    async def take_in(self, *types: str) -> list[int]:
        """
        Store all of these types that are not stored yet.
        """
        received = [await self.receive(event) for event in self.told(*types)]
        return [event_id for event_id in received if event_id is not None]

    async def handle(
        self, event_id: int | None, *, at: datetime | None = None, box: Inbox | None = None
    ) -> BillingEvent:
        """
        Handle an event once and return it as it then is.
        """
        assert event_id is not None
        await handle_event(box or self.box(), event_id, now=at or self.now)
        return await self.event(event_id)

    async def finish(
        self, event_id: int | None, *, at: datetime | None = None, box: Inbox | None = None
    ) -> BillingEvent:
        """
        Handle an event at each of its times until it has ended.
        """
        assert event_id is not None
        for _ in range(ROUNDS_AT_MOST):
            event = await self.event(event_id)
            if event.wake_at is None:
                return event
            at = max(at or self.now, event.wake_at)
            await self.handle(event_id, at=at, box=box)
        raise AssertionError(f"never ended: {await self.event(event_id)}")

    async def deliver(self, *types: str) -> dict[str, tuple[str, str | None]]:
        """
        Store and handle all of these types that are not stored yet; what became of each type.
        """
        ended = [await self.finish(event_id) for event_id in await self.take_in(*types)]
        return {event.type: (event.outcome, event.reason) for event in ended}

    async def replay(self, event_id: int) -> None:
        """
        Have an event handled anew, as an operator does.
        """
        async with self.stage.database.transaction() as connection:
            await billing_events.replay(connection, name=str(event_id), actor=Actor("operator", "eve"), now=self.now)

    async def at_stripe(self, method: str, path: str) -> None:
        """
        Do something at Stripe that we never do.
        """
        headers = {"authorization": "Bearer sk_test_ofthetests", "stripe-version": API_VERSION}
        answer = await self.stage.twin.respond(Request(method=method, path=path, headers=headers, body=b""))
        assert answer.status == HTTPStatus.OK, answer.body

    async def event(self, event_id: int) -> BillingEvent:
        """
        Return an event as it is.
        """
        async with self.stage.database.reading() as connection:
            return await billing_events.get_event_for_operator(connection, name=str(event_id))

    async def breaches(self) -> list[ledger.Finding]:
        """
        Return what does not hold of books, fixes, charges, refunds and events.
        """
        invariants = (*reversals.INVARIANTS, *refunds.INVARIANTS, *disputes.INVARIANTS, *billing_events.INVARIANTS)
        return ledger.breached(await ledger.verify(self.stage.owner, invariants)) + await self.stage.breaches()

    async def audited(self, action: str) -> list[tuple[int | None, str]]:
        """
        Return whom an action was about, and what.
        """
        rows = await self.stage.owner.fetch(
            "SELECT customer_id, subject FROM audit_entries WHERE action = $1 ORDER BY id", action
        )
        return [(row["customer_id"], row["subject"]) for row in rows]
