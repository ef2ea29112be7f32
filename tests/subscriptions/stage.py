"""
A customer with a card and no credits, the twin of Stripe at the time of these tests, and verbs to live through months.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import asyncpg
import msgspec

from factories.cards import attach_card, declare, do_jobs
from factories.customers import make_customer, set_balance
from rsolv import charges, fixes, ledger, payment_methods, subscriptions
from rsolv.audit import Actor
from rsolv.db import Database
from rsolv.kernel.events import EventBus
from rsolv.provisioning import Provisioned
from rsolv.stripe_gateway import GatewayUnavailable, OutcomeUnknown, StripeGateway
from rsolv.subscriptions import Subscription, SubscriptionInProgress, SubscriptionRequest
from rsolv.wiring import wired_bus
from stripe_twin.core import Record
from stripe_twin.core.faults import Fault
from stripe_twin.embedded import sdk_client
from stripe_twin.twin import Twin

NOW = datetime(2027, 6, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ACTOR = Actor("customer", "api key 1")
TRIES_MAX = 20
LOOKS_MAX = 400

Done = TypeVar("Done")


@dataclass
class Stage:
    """
    Everything a test of subscriptions looks at or acts on. `now` is our time and the twin's; `live` moves it.
    """

    database: Database
    owner: asyncpg.Connection
    gateway: StripeGateway
    twin: Twin
    acme: Provisioned
    plan: str = "pro"
    bus: EventBus = field(default_factory=wired_bus)
    churned: list[subscriptions.CustomerChurned] = field(default_factory=list)
    now: datetime = NOW

    def __post_init__(self) -> None:
        """
        Hear of customers that are lost.
        """
        self.bus.subscribe(subscriptions.CustomerChurned, self._note)

    async def _note(self, _connection: object, event: subscriptions.CustomerChurned) -> None:
        self.churned.append(event)

    @property
    def customer_id(self) -> int:
        """
        Return acme's id.
        """
        return self.acme.customer.id

    def with_gateway(self, gateway: StripeGateway) -> "Stage":
        """
        Return the same stage for somebody who speaks to Stripe in another way.
        """
        return replace(self, gateway=gateway, bus=wired_bus(), churned=[])

    async def add_card(self, card: str = "pm_card_visa") -> payment_methods.PaymentMethod:
        """
        Attach a card with consent, which makes it the default.
        """
        return await attach_card(
            self.database, self.gateway, self.bus, customer_id=self.customer_id, stripe_id=card, now=self.now
        )

    async def subscribe(self, *, caller_key_hash: bytes | None = None) -> Subscription:
        """
        Subscribe to the plan, as the customer who is here.
        """
        request = SubscriptionRequest(plan=self.plan, declaration=declare(self.now), caller_key_hash=caller_key_hash)
        return await subscriptions.open_subscription(
            self.database, self.gateway, self.bus, request, customer_id=self.customer_id
        )

    async def ask_in_vain(self) -> None:
        """
        Subscribe, and never hear that it was done.
        """
        self.twin.faults.plan([Fault("timeout_after", method="POST", template="/v1/subscriptions")])
        try:
            await self.subscribe()
        except OutcomeUnknown:
            await self.end_leases()
            return
        raise AssertionError("an answer came")

    async def cancel(self, *, at_period_end: bool) -> Subscription:
        """
        End the subscription.
        """
        return await subscriptions.cancel_subscription(
            self.database,
            self.gateway,
            self.bus,
            customer_id=self.customer_id,
            at_period_end=at_period_end,
            actor=ACTOR,
            now=self.now,
        )

    async def resume(self) -> Subscription:
        """
        Take a scheduled end back.
        """
        return await subscriptions.resume_subscription(
            self.database, self.gateway, self.bus, customer_id=self.customer_id, actor=ACTOR, now=self.now
        )

    async def look(self, subscription_id: int | None = None) -> Subscription:
        """
        Ask Stripe what is true of a subscription: the newest, unless told which.
        """
        return await subscriptions.look(
            self.database,
            self.gateway,
            self.bus,
            customer_id=self.customer_id,
            subscription_id=subscription_id or (await self.newest()).id,
            now=self.now,
        )

    async def live(self, time: timedelta) -> None:
        """
        Let time pass here and at Stripe, looking whenever it is time to; nothing else tells of news.
        """
        until = self.now + time
        for _ in range(LOOKS_MAX):
            due = await self.owner.fetchrow("SELECT id, look_at FROM subscriptions WHERE look_at <= $1", until)
            if due is None:
                self.pass_time(until - self.now)
                return
            self.pass_time(max(due["look_at"] - self.now, timedelta(0)))
            await self.look(due["id"])
        raise AssertionError(f"looked too often: {await self.newest()}")

    def pass_time(self, time: timedelta) -> None:
        """
        Let time pass here and at Stripe, and look at nothing.
        """
        self.now += time
        self.twin.account.advance(max(int(self.now.timestamp()), self.twin.account.now))

    async def until_it_works(self, act: Callable[[], Awaitable[Done]]) -> Done:
        """
        Try as a caller does until what passes by itself has passed; a minute lies between two tries.
        """
        for _ in range(TRIES_MAX):
            try:
                return await act()
            except (GatewayUnavailable, OutcomeUnknown, SubscriptionInProgress):
                await self.end_leases()
                self.pass_time(timedelta(minutes=2))
        raise AssertionError("it never worked")

    async def end_leases(self) -> None:
        """
        Let the time pass that somebody's hold still had.
        """
        await self.owner.execute("UPDATE subscriptions SET lease_until = NULL WHERE lease_until IS NOT NULL")

    async def pay_open_invoice(self, card: str) -> None:
        """
        Pay what is open at Stripe, as its hosted page does, with another card.
        """
        stripe = sdk_client(self.twin).v1
        (invoice,) = [each for each in self.twin.store.all("invoice") if each["status"] == "open"]
        method = await stripe.payment_methods.attach_async(card, {"customer": invoice["customer"]})
        await stripe.invoices.pay_async(invoice["id"], {"payment_method": method.id, "off_session": False})

    async def do_card_jobs(self) -> None:
        """
        Do what is promised about the default card.
        """
        for kind in ("payment_method.make_default", "subscription.set_card"):
            await do_jobs(self.owner, self.database, self.gateway, self.bus, kind=kind)

    async def newest(self) -> Subscription:
        """
        Return the subscription as we know it.
        """
        async with self.database.reading() as connection:
            found = await subscriptions.find_current(connection, customer_id=self.customer_id)
        assert found is not None, "asked for before"
        return found

    async def credits(self) -> int:
        """
        Return acme's balance.
        """
        return await ledger.balance(self.owner, customer_id=self.customer_id)

    async def customer(self) -> tuple[str, str | None]:
        """
        Return acme's plan and the state beside it.
        """
        row = await self.owner.fetchrow("SELECT subscription_type, subscription_state FROM customers")
        return row["subscription_type"], row["subscription_state"]

    async def notices(self) -> list[str]:
        """
        Return what acme is told by mail, in order.
        """
        rows = await self.owner.fetch(
            "SELECT payload FROM pgqueuer WHERE entrypoint = 'mail.send_subscription_notice' ORDER BY id"
        )
        return [notice_in(row["payload"]) for row in rows]

    def theirs(self) -> list[Record]:
        """
        Return the subscriptions at Stripe, the oldest first.
        """
        return sorted(self.twin.store.all("subscription"), key=lambda each: (each["created"], each["id"]))

    def paid_cents(self) -> int:
        """
        Return what Stripe took in all.
        """
        return sum(intent["amount_received"] for intent in self.twin.store.all("payment_intent"))

    async def received_cents(self) -> int:
        """
        Return what our books say that Stripe took.
        """
        money = await ledger.money_balances(self.owner, customer_id=self.customer_id)
        return money.get("usd", {}).get("processor", 0)

    async def breaches(self) -> list[str]:
        """
        Return which invariants do not hold.
        """
        invariants = (*ledger.INVARIANTS, *fixes.INVARIANTS, *charges.INVARIANTS, *subscriptions.INVARIANTS)
        return [finding.id for finding in ledger.breached(await ledger.verify(self.owner, invariants))]

    async def break_at(self, table: str) -> None:
        """
        Let every transaction die that writes to a table.
        """
        await self.owner.execute(
            """
            CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'planted'; END $$
            """
        )
        await self.owner.execute(f"CREATE TRIGGER planted BEFORE INSERT ON {table} EXECUTE FUNCTION planted()")

    async def mend(self, table: str) -> None:
        """
        Take that back.
        """
        await self.owner.execute(f"DROP TRIGGER planted ON {table}")

    async def newest_card(self) -> str:
        """
        Return Stripe's id of the card that was added last.
        """
        return str(await self.owner.fetchval("SELECT stripe_payment_method_id FROM payment_methods ORDER BY id DESC"))

    async def require_sound_books(self) -> None:
        """
        Insist on books that hold, and agree with Stripe's.
        """
        assert await self.breaches() == []
        assert await self.received_cents() == self.paid_cents()

    async def require_one_period(self) -> None:
        """
        Insist on one subscription here and at Stripe, active, paid and credited once.
        """
        found, (theirs,) = await self.newest(), self.theirs()
        assert (found.state, theirs["status"]) == ("active", "active"), found
        assert found.stripe_subscription_id == theirs["id"]
        assert (await self.credits(), self.paid_cents()) == (found.period_credits, found.price_cents)
        assert (await self.customer()) == (self.plan, "active")
        await self.require_sound_books()


def notice_in(payload: bytes) -> str:
    """
    Return the notice that a mail job is about.
    """
    return str(msgspec.json.decode(payload)["notice"])


async def set_stage(database: Database, owner: asyncpg.Connection, gateway: StripeGateway, twin: Twin) -> Stage:
    """
    Make acme, who has a card, a consent and no credits.
    """
    twin.account.advance(int(NOW.timestamp()))
    async with database.transaction() as connection:
        acme = await make_customer(connection, email="acme@example.com", name="Acme", now=NOW)
    stage = Stage(database, owner, gateway, twin, acme)
    await stage.add_card()
    await stage.do_card_jobs()
    async with database.transaction() as connection:
        await set_balance(connection, customer_id=acme.customer.id, credits=0)
    return stage
