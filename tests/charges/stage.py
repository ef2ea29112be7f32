"""
A customer with a card and no credits, the twin of Stripe at the time of these tests, and a machine that charges.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import asyncpg

from factories.customers import make_customer, set_balance
from factories.ledger import Books, read_books
from fixes.reports import report
from rsolv import charges, fixes, ledger, payment_methods
from rsolv.audit import Actor
from rsolv.charges.jobs import Machine, advance
from rsolv.db import Database
from rsolv.kernel.events import EventBus
from rsolv.payment_methods import Declaration, PaymentMethod
from rsolv.provisioning import Provisioned
from rsolv.stripe_gateway import StripeGateway
from stripe_twin.core import Record
from stripe_twin.twin import Twin

NOW = datetime(2027, 6, 1, 12, tzinfo=UTC)
RUNS_AT_MOST = 200
SECOND = timedelta(seconds=1)
_issues = itertools.count(1)


def charging_bus() -> EventBus:
    """
    Return a bus on which fixes, cards and charges hear of each other.
    """
    bus = EventBus()
    bus.subscribe(fixes.PhaseCompleted, fixes.meter_fix)
    bus.subscribe(charges.ChargeSettled, fixes.settle_charged_fix)
    bus.subscribe(payment_methods.PaymentMethodAdded, charges.retry_with_new_card)
    bus.subscribe(payment_methods.ConsentGiven, charges.retry_with_new_consent)
    bus.subscribe(payment_methods.PaymentMethodRemoving, charges.refuse_removal_while_owing)
    return bus


def declared(at: datetime = NOW) -> Declaration:
    """
    Return that the customer agreed, or no longer does.
    """
    return Declaration(actor=Actor("customer", "1"), ip="192.0.2.1", user_agent="test", at=at)


@dataclass(frozen=True)
class Stage:
    """
    Everything a test of charges looks at or acts on.
    """

    database: Database
    owner: asyncpg.Connection
    gateway: StripeGateway
    twin: Twin
    acme: Provisioned
    bus: EventBus = field(default_factory=charging_bus)

    @property
    def customer_id(self) -> int:
        """
        Return acme's id.
        """
        return self.acme.customer.id

    def machine(self, **other: object) -> Machine:
        """
        Return a machine, as the worker has one unless told otherwise.
        """
        machine = Machine(database=self.database, gateway=self.gateway, bus=self.bus)
        return replace(machine, **other)

    async def add_card(self, card: str = "pm_card_visa", *, at: datetime = NOW) -> PaymentMethod:
        """
        Save a card with consent; the credits for it are taken away.
        """
        method = await payment_methods.attach(
            self.database,
            self.gateway,
            self.bus,
            declared(at),
            customer_id=self.customer_id,
            stripe_payment_method_id=card,
        )
        async with self.database.transaction() as connection:
            await set_balance(connection, customer_id=self.customer_id, credits=0)
        return method

    async def fix(self, *, at: datetime = NOW, data_json: str = '{"fixed": true}') -> int:
        """
        Report a fix that is to be charged, and return the charge's id.
        """
        async with self.database.transaction() as connection:
            stored = await fixes.store_phase(
                connection,
                report(issue_number=next(_issues), data_json=data_json),
                customer_id=self.customer_id,
                api_key_id=self.acme.key.api_key.id,
                bus=self.bus,
                ownership_required=False,
                now=at,
            )
        assert stored.billing.charge_id is not None, stored.billing
        return stored.billing.charge_id

    async def advance(self, charge_id: int, *, at: datetime = NOW, machine: Machine | None = None) -> charges.Charge:
        """
        Go on with a charge once, and return it as it then is. The twin's time is ours.
        """
        self.twin.account.advance(int(at.timestamp()))
        await advance(machine or self.machine(), customer_id=self.customer_id, charge_id=charge_id, now=at)
        return await self.charge(charge_id)

    async def finish(
        self, charge_id: int, *, at: datetime = NOW, machine: Machine | None = None, runs_max: int = RUNS_AT_MOST
    ) -> charges.Charge:
        """
        Go on with a charge at each of its times until it has ended or is parked; workers that died are forgotten.
        """
        for _ in range(runs_max):
            charge = await self.charge(charge_id)
            if charge.wake_at is None:
                return charge
            at = max(at, charge.wake_at)
            await self.end_leases()
            await self.advance(charge_id, at=at, machine=machine)
        raise AssertionError(f"never came to rest: {await self.charge(charge_id)}")

    async def charge(self, charge_id: int) -> charges.Charge:
        """
        Return a charge as it is.
        """
        async with self.database.reading() as connection:
            return await charges.get_charge(connection, customer_id=self.customer_id, charge_id=charge_id)

    async def explained(self, charge_id: int) -> charges.ChargeExplained:
        """
        Return all about a charge.
        """
        async with self.database.reading() as connection:
            return await charges.explain_charge(connection, customer_id=self.customer_id, charge_id=charge_id)

    async def end_leases(self) -> None:
        """
        Let the time pass that a dead worker's lease still had.
        """
        await self.owner.execute("UPDATE charge_intents SET lease_until = NULL WHERE lease_until IS NOT NULL")

    async def withdraw_consent(self, *, at: datetime = NOW) -> None:
        """
        Take back every consent.
        """
        async with self.database.transaction() as connection:
            await payment_methods.withdraw_consent(connection, self.bus, declared(at), customer_id=self.customer_id)

    def theirs(self) -> list[Record]:
        """
        Return the payments at Stripe, the oldest first.
        """
        return sorted(self.twin.store.all("payment_intent"), key=lambda intent: (intent["created"], intent["id"]))

    def paid(self) -> list[Record]:
        """
        Return those that succeeded.
        """
        return [intent for intent in self.theirs() if intent["status"] == "succeeded"]

    async def books(self) -> Books:
        """
        Return acme's ledger.
        """
        return await read_books(self.owner, customer_id=self.customer_id)

    async def money(self) -> Mapping[str, Mapping[str, int]]:
        """
        Return acme's balances of money.
        """
        return await ledger.money_balances(self.owner, customer_id=self.customer_id)

    async def breaches(self) -> list[ledger.Finding]:
        """
        Return what does not hold of books, fixes and charges.
        """
        invariants = (*ledger.INVARIANTS, *fixes.INVARIANTS, *charges.INVARIANTS)
        return ledger.breached(await ledger.verify(self.owner, invariants))

    async def require_paid_once(self, charge_id: int) -> None:
        """
        Insist on one payment at Stripe, one posting of its money, one credit bought and consumed, and sound books.
        """
        charge, explained, books = await self.charge(charge_id), await self.explained(charge_id), await self.books()
        assert charge.state == "succeeded", charge
        assert [intent["id"] for intent in self.paid()] == [charge.stripe_payment_id]
        assert [posting.leg for posting in explained.postings] == ["money", "credits", "main"]
        assert [row["cause_id"] for row in books.postings if row["leg"] == "money"] == [str(charge_id)]
        assert (await self.money())["usd"] == {"processor": charge.amount_cents, "revenue": -charge.amount_cents}
        assert await ledger.balance(self.owner, customer_id=self.customer_id) == 0
        assert await self.owner.fetchval("SELECT state FROM fixes WHERE id = $1", charge.fix_id) == "consumed"
        assert await self.breaches() == []

    async def require_nothing_moved(self) -> None:
        """
        Insist that no money moved anywhere, and on sound books.
        """
        assert self.paid() == []
        assert await self.money() == {}
        assert await self.breaches() == []


async def set_stage(
    database: Database,
    owner: asyncpg.Connection,
    gateway: StripeGateway,
    twin: Twin,
    bus: EventBus | None = None,
    *,
    email: str = "acme@example.com",
) -> Stage:
    """
    Make acme, who has a card, a consent and no credits.
    """
    twin.account.advance(int(NOW.timestamp()))
    async with database.transaction() as connection:
        acme = await make_customer(connection, email=email, name="Acme", now=NOW)
        await set_balance(connection, customer_id=acme.customer.id, credits=0)
    stage = Stage(database, owner, gateway, twin, acme, bus or charging_bus())
    await stage.add_card()
    return stage
