"""
A history at Stripe of which the product has not heard yet: payments, renewals, failures, ends, refunds, disputes.
"""

import math
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import asyncpg
import httpx

from bench.charging_stage import RunningTwin, populate_with_cards
from bench.events_telling import read_bodies
from bench.population import COMMIT_SHA, REPOSITORY, BenchCustomer
from rsolv import fixes, payment_methods, subscriptions
from rsolv.audit import Actor
from rsolv.charges.jobs import Machine, advance
from rsolv.db import Database
from rsolv.kernel.events import EventBus
from rsolv.stripe_gateway import StripeGateway

EVENTS_PER_PAIR, EVENTS_PER_CHARGE = 60, 3
CHARGES_PER_CUSTOMER, RENEWALS = 4, 2
MONTH_SECONDS = 31 * 86_400 + 7_200
FATES = ("fail", "recover", "end later", "end now", *["go on"] * 6)
FAILING = "pm_card_chargeCustomerFail"
SILENCE = """
    DELETE FROM pgqueuer;
    UPDATE charge_intents SET lease_until = NULL, wake_at = now() + interval '1 day' WHERE wake_at IS NOT NULL;
    UPDATE subscriptions SET look_at = now() + interval '1 day' WHERE look_at IS NOT NULL;
    INSERT INTO billing_event_polls (listed_until) VALUES (now() + interval '1 year')
"""
"""
Nobody has promised to ask Stripe soon, and polls have nothing to list: only deliveries tell.
"""


class Died(BaseException):
    """
    The worker that confirmed a payment was never heard of again.
    """


@dataclass
class History:
    """
    Where it happens: our database, Stripe, and what is drawn.
    """

    database_url: str
    database: Database
    gateway: StripeGateway
    bus: EventBus
    twin: RunningTwin
    chance: random.Random
    issues: Iterator[int]
    bodies: dict[str, bytes] = field(default_factory=dict)

    async def happen(self, *, events: int, announce: Callable[[str], None]) -> list[BenchCustomer]:
        """
        Have at least so many events happen, and hear of none.
        """
        count = math.ceil(events / EVENTS_PER_PAIR)
        people = await populate_with_cards(self.database, self.gateway, self.bus, count=2 * count, announce=announce)
        subscribers, payers = people[:count], people[count:]
        for each in subscribers:
            await self._subscribe(each)
        for each in payers * CHARGES_PER_CUSTOMER:
            await self._pay_unseen(each)
        announce(f"{count} subscriptions, {count * CHARGES_PER_CUSTOMER} payments that nobody saw")
        for month in range(RENEWALS):
            await self._change_fates()
            await self._read_events()
            self._pass_month()
            announce(f"renewal {month + 1}")
        await self._change_fates()
        await self._take_money_back()
        await self._read_events()
        missing = events - len(self.bodies)
        for _ in range(max(math.ceil(missing / EVENTS_PER_CHARGE), 0)):
            await self._pay_unseen(self.chance.choice(payers))
        await self._read_events()
        owner = await asyncpg.connect(self.database_url)
        await owner.execute(SILENCE)
        await owner.close()
        return people

    async def _read_events(self) -> None:
        """
        Read what Stripe has to tell, in order, before it forgets the oldest.
        """
        self.bodies |= await read_bodies(self.twin.url)

    async def _subscribe(self, who: BenchCustomer) -> None:
        agreed = payment_methods.Declaration(
            actor=Actor("customer", "1"), ip="192.0.2.1", user_agent="bench", at=datetime.now(UTC)
        )
        request = subscriptions.SubscriptionRequest(plan="pro", declaration=agreed)
        await subscriptions.open_subscription(
            self.database, self.gateway, self.bus, request, customer_id=who.customer_id
        )

    async def _pay_unseen(self, who: BenchCustomer) -> None:
        """
        Have a fix charged whose worker dies after the call: the money is there, and we do not know.
        """
        namespace, _, name = REPOSITORY.partition("/")
        fix = fixes.PhaseReport(
            phase="mitigate",
            repository=fixes.Repository(namespace, name),
            issue_number=next(self.issues),
            commit_sha=COMMIT_SHA,
            billable=True,
            data_json='{"fixed": true}',
        )
        async with self.database.transaction() as connection:
            stored = await fixes.store_phase(
                connection,
                fix,
                customer_id=who.customer_id,
                api_key_id=who.api_key_id,
                bus=self.bus,
                ownership_required=False,
                now=datetime.now(UTC),
            )
        assert stored.billing.charge_id is not None, "payers have no credits"
        machine = Machine(database=self.database, gateway=self.gateway, bus=self.bus, at=_die_at_the_answer)
        with suppress(Died):
            await advance(
                machine, customer_id=who.customer_id, charge_id=stored.billing.charge_id, now=datetime.now(UTC)
            )

    async def _change_fates(self) -> None:
        """
        Have some subscriptions go another way, at Stripe: a card that fails or works again, an end now or later.
        """
        async with self.database.reading() as connection:
            rows = await connection.fetch("SELECT stripe_subscription_id, stripe_customer_id FROM subscriptions")
        for row in rows:
            theirs = await self.gateway.read_subscription(row["stripe_subscription_id"])
            if theirs.state in {"canceled", "incomplete_expired"}:
                continue
            match self.chance.choice(FATES):
                case "fail":
                    await self._set_card(theirs.id, row["stripe_customer_id"], FAILING)
                case "recover":
                    await self._set_card(theirs.id, row["stripe_customer_id"], "pm_card_visa")
                case "end later":
                    await self.gateway.schedule_cancellation(theirs.id, at_period_end=True, key=self._key())
                case "end now":
                    await self.gateway.cancel_subscription(theirs.id)
                case _:
                    continue

    async def _set_card(self, stripe_subscription_id: str, stripe_customer_id: str, card: str) -> None:
        method = await self.gateway.attach_payment_method(card, stripe_customer_id=stripe_customer_id, key=self._key())
        await self.gateway.set_subscription_card(stripe_subscription_id, payment_method_id=method.id, key=self._key())

    async def _take_money_back(self) -> None:
        """
        Have every tenth payment refunded on Stripe's pages.
        """
        async with self.database.reading() as connection:
            rows = await connection.fetch("SELECT stripe_payment_id FROM charge_intents WHERE state = 'confirming'")
        for row in self.chance.sample(rows, len(rows) // 10):
            await self.gateway.refund_payment(
                row["stripe_payment_id"], amount_cents=1_000, reason="duplicate", metadata={}, key=self._key()
            )

    def _pass_month(self) -> None:
        url = f"{self.twin.url}/_twin/clock"
        httpx.post(url, json={"advance_seconds": MONTH_SECONDS}, timeout=600).raise_for_status()

    def _key(self) -> str:
        return f"history {next(self.issues)}"


def _die_at_the_answer(point: str) -> None:
    if point == "X10":
        raise Died
