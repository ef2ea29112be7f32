"""
How we hear of what happens at Stripe while time passes: by looking when it is time to, and perhaps by deliveries.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from rsolv import billing_events, disputes
from rsolv.billing_events.jobs import Inbox, handle_event
from rsolv.charges import Cap
from rsolv.charges.jobs import Machine, advance
from rsolv.disputes.service.freeze import wake_waiting
from rsolv.refunds.jobs import Machine as RefundMachine
from rsolv.refunds.jobs import advance as advance_refund
from rsolv.spending_caps import SafetyCaps
from rsolv.stripe_gateway import parse_event
from rsolv.wiring import charge_holds
from subscriptions.stage import Stage

Ear = Literal["looks", "deliveries"]
NO_CAPS = SafetyCaps(per_hour_max_cents=10**9, per_day_max_cents=10**9)
DUE_MAX = 10_000
DUE = """
    SELECT kind, id, at FROM (
        SELECT 'subscription' AS kind, id::text, look_at AS at FROM subscriptions
        UNION ALL SELECT 'charge', id::text, wake_at FROM charge_intents
        UNION ALL SELECT 'refund', id::text, wake_at FROM refunds
        UNION ALL SELECT 'dispute', stripe_dispute_id, wake_at FROM disputes
        UNION ALL SELECT 'event', id::text, wake_at FROM billing_events
    ) AS due WHERE at <= $1 ORDER BY at, kind, length(id), id LIMIT 1
"""


async def nothing_wrong(_stage: Stage) -> None:
    """
    Plant no bug.
    """


@dataclass
class Hearing:
    """
    The worker of a life.

    By the ear "looks" no event is ever delivered; by "deliveries" each comes, some twice, in any order. *wrong* is a
    planted bug: what is done besides whenever we have heard of something.
    """

    stage: Stage
    ear: Ear
    chance: random.Random
    cap: Cap = field(default_factory=lambda: charge_holds(NO_CAPS))
    wrong: Callable[[Stage], Awaitable[None]] = nothing_wrong
    told: int = 0

    async def live(self, time: timedelta) -> None:
        """
        Let time pass, doing what is due whenever it is.
        """
        await self._do_due(self.stage.now + time)

    def sleep(self, time: timedelta) -> None:
        """
        Let time pass while no worker runs.
        """
        self.stage.pass_time(time)

    async def catch_up(self) -> None:
        """
        Know all that there is to know now: do what is due, hear what was told, and look at every subscription.
        """
        await self._do_due(self.stage.now)
        if self.ear == "deliveries":
            await self._take_deliveries()
        else:
            for row in await self.stage.owner.fetch("SELECT id FROM subscriptions ORDER BY id"):
                await self.stage.look(row["id"])
        await self.wrong(self.stage)
        await self._retry_held()
        await self._do_due(self.stage.now)

    async def dispute(self, payment_id: str) -> None:
        """
        Look at the disputes of a payment, where no event tells of them.
        """
        stage = self.stage
        if self.ear == "looks":
            await disputes.look_at_payment(
                stage.database, stage.gateway, stage.bus, stripe_payment_id=payment_id, now=stage.now
            )

    async def _do_due(self, until: datetime) -> None:
        for _ in range(DUE_MAX):
            due = await self.stage.owner.fetchrow(DUE, until)
            if due is None:
                self.stage.pass_time(until - self.stage.now)
                return
            self.stage.pass_time(max(due["at"] - self.stage.now, timedelta(0)))
            await self._do(due["kind"], due["id"])
        raise AssertionError(f"never came to rest: {due}")

    async def _do(self, kind: str, name: str) -> None:
        stage = self.stage
        parts = {"database": stage.database, "gateway": stage.gateway, "bus": stage.bus}
        match kind:
            case "subscription":
                await stage.look(int(name))
            case "charge":
                machine = Machine(**parts, cap=self.cap)
                await advance(machine, customer_id=stage.customer_id, charge_id=int(name), now=stage.now)
            case "refund":
                machine = RefundMachine(**parts)
                await advance_refund(machine, customer_id=stage.customer_id, refund_id=int(name), now=stage.now)
            case "dispute":
                await disputes.look_at_dispute(*parts.values(), stripe_dispute_id=name, now=stage.now)
            case _:
                await handle_event(Inbox(**parts), int(name), now=stage.now)

    async def _take_deliveries(self) -> None:
        """
        Store what was told since the last time in any order, a third of it twice, and handle it in any order.
        """
        told = self.stage.twin.store.all("event")
        new = told[: len(told) - self.told]
        self.told = len(told)
        for event in self.chance.sample(new * 2, len(new) * 4 // 3):
            await self._receive(event)
        for event in new:
            await self._receive(event)
        rows = await self.stage.owner.fetch("SELECT id FROM billing_events WHERE outcome = 'waiting' ORDER BY id")
        for row in self.chance.sample(rows, len(rows)):
            await self._do("event", str(row["id"]))

    async def _receive(self, event: object) -> None:
        body = msgspec.json.encode(event)
        arrival = billing_events.accept(parse_event(msgspec.json.decode(body)), body=body)
        async with self.stage.database.transaction() as connection:
            await billing_events.receive(connection, arrival, now=self.stage.now)

    async def _retry_held(self) -> None:
        """
        Keep the promise to go on with what waited for a freeze to be lifted.
        """
        sql = "DELETE FROM pgqueuer WHERE entrypoint = 'dispute.retry_held' RETURNING id"
        for _ in await self.stage.owner.fetch(sql):
            async with self.stage.database.transaction() as connection:
                await wake_waiting(connection, customer_id=self.stage.customer_id, now=self.stage.now)
