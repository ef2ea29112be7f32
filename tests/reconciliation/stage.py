"""
Several customers who pay, and Stripe's side of it edited behind everybody's back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from charges.stage import NOW, Stage, set_stage
from rsolv import charges, disputes, fixes, ledger, reconciliation, refunds, reversals, subscriptions
from rsolv.charges import Charge
from rsolv.db import Database
from rsolv.kernel.events import EventBus
from rsolv.reconciliation import SIDES, Difference, Discrepancy, Report
from rsolv.stripe_gateway import StripeGateway
from rsolv.wiring import wired_bus
from stripe_twin.twin import Twin

SINCE = NOW - timedelta(hours=2)
INVARIANTS = (
    *ledger.INVARIANTS,
    *fixes.INVARIANTS,
    *charges.INVARIANTS,
    *reversals.INVARIANTS,
    *refunds.INVARIANTS,
    *disputes.INVARIANTS,
    *subscriptions.INVARIANTS,
)


@dataclass
class Office:
    """
    Where the two sides are compared.
    """

    database: Database
    owner: asyncpg.Connection
    gateway: StripeGateway
    twin: Twin
    bus: EventBus = field(default_factory=wired_bus)
    told: dict[str, int] = field(default_factory=dict)

    async def customer(self, name: str = "acme") -> Stage:
        """
        Make a customer with a card, a consent and no credits.
        """
        return await set_stage(
            self.database, self.owner, self.gateway, self.twin, self.bus, email=f"{name}@example.com"
        )

    async def paid(self, stage: Stage) -> Charge:
        """
        Have a fix paid for.
        """
        charge = await stage.finish(await stage.fix())
        assert charge.state == "succeeded", charge
        return charge

    async def reconcile(self, *, since: datetime = SINCE, now: datetime = NOW, sides: Any = SIDES) -> Report:
        """
        Compare everything.
        """
        return await reconciliation.reconcile(
            self.database,
            self.gateway,
            self.bus,
            since=since,
            scope="asked",
            now=now,
            told=self._hear,
            sides=sides,
        )

    def _hear(self, kind: str, more: int) -> None:
        self.told[kind] = self.told.get(kind, 0) + more

    def edit(self, kind: str, stripe_id: str, **changed: object) -> None:
        """
        Change an object at Stripe without an event; *changed* maps fields, two underscores for a part of a part.
        """
        with self.twin.store.unit():
            record = self.twin.store.edit(kind, stripe_id)
            for name, value in changed.items():
                *path, last = name.split("__")
                part = record
                for step in path:
                    part = part[step]
                part[last] = value

    def lose(self, kind: str, stripe_id: str) -> None:
        """
        Have Stripe forget an object.
        """
        with self.twin.store.unit():
            self.twin.store.remove(kind, stripe_id)

    async def open_discrepancies(self) -> list[Discrepancy]:
        """
        Return what somebody has to look at.
        """
        async with self.database.reading() as connection:
            return await reconciliation.list_discrepancies_for_operator(connection, limit=1_000)

    async def breaches(self) -> list[ledger.Finding]:
        """
        Return what does not hold of our books.
        """
        return ledger.breached(await ledger.verify(self.owner, INVARIANTS))

    async def jobs(self, kind: str) -> int:
        """
        Count the jobs of a kind that were promised.
        """
        return int(await self.owner.fetchval("SELECT count(*) FROM pgqueuer WHERE entrypoint = $1", kind))


def classes(found: Sequence[Difference] | Sequence[Discrepancy]) -> set[tuple[str, str, str]]:
    """
    Return what differs, by kind, class and Stripe's id.
    """
    return {(each.kind, each.klass, each.stripe_object_id) for each in found}
