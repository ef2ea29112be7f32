"""
The machine: go on with one charge as far as it goes, calling Stripe only between transactions.

Whatever it did before it died is on disk (docs/decisions/0010-charges.md): the next one to come looks there, asks
Stripe where that does not say enough, and goes on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from rsolv import customers
from rsolv.charges.errors import FenceLost
from rsolv.charges.rules import (
    BILLING_OFF,
    FINAL,
    JOB,
    LEASE,
    LOOK_AGAIN_WHEN_HELD,
    Attempt,
    Held,
    Intent,
    is_of,
    may_repeat,
    metadata_of,
    nothing,
)
from rsolv.charges.service import prepare
from rsolv.charges.service.arm import Cap, Terms, arm, no_cap
from rsolv.charges.service.claim import claim
from rsolv.charges.service.end import end_without_payment
from rsolv.charges.service.fail import take_failure, take_silence
from rsolv.charges.service.link import Link, claim_by_link, find_by_link
from rsolv.charges.service.rest import hold, rest
from rsolv.charges.service.settle import settle
from rsolv.charges.service.sweep import sweep_orphans
from rsolv.charges.service.wake import wake_overdue
from rsolv.db import Database
from rsolv.jobs import Handler, JobCall, Schedule
from rsolv.kernel import clock
from rsolv.kernel.events import EventBus
from rsolv.stripe_gateway import GatewayFailure, GatewayMisused, Payment, StripeGateway

_LISTED_BACK = timedelta(days=1)  # clocks of ours and of Stripe's may differ

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """
    What charges are made with. `at` is told each point on the way, so that a test can end the process there.
    """

    database: Database
    gateway: StripeGateway
    bus: EventBus
    billing_enabled: bool = True
    cap: Cap = no_cap
    lease: timedelta = LEASE
    at: Callable[[str], None] = nothing

    @property
    def terms(self) -> Terms:
        """
        Return under which conditions charges are made.
        """
        return Terms(billing_enabled=self.billing_enabled, cap=self.cap, lease=self.lease)


def advance_charge(
    database: Database, gateway: StripeGateway, bus: EventBus, *, billing_enabled: bool = True, cap: Cap = no_cap
) -> Handler:
    """
    Return the handler of `charge.advance`: go on with one charge, once it is due.
    """
    machine = Machine(database=database, gateway=gateway, bus=bus, billing_enabled=billing_enabled, cap=cap)

    async def handle(call: JobCall) -> None:
        await advance(
            machine,
            customer_id=int(call.ids["customer_id"]),
            charge_id=int(call.ids["charge_id"]),
            now=clock.now(),
        )

    return handle


def sweep_charge(database: Database, gateway: StripeGateway) -> Handler:
    """
    Return the handler of `charge.sweep`: end at Stripe what lost answers left there of one charge.
    """

    async def handle(call: JobCall) -> None:
        await sweep_orphans(database, gateway, call, now=clock.now())

    return handle


HANDLES = JOB


def wake_schedule(database: Database) -> Schedule:
    """
    Return the schedule that goes after charges whose job was lost.
    """

    async def run() -> None:
        async with database.transaction() as connection:
            await wake_overdue(connection, now=clock.now())

    return Schedule("charges.wake", "* * * * *", run)


async def advance(machine: Machine, *, customer_id: int, charge_id: int, now: datetime) -> None:
    """
    Go on with a charge that is due until it has ended or rests; then there is a job, or a reason to park it.

    Any number may do so at once and die anywhere: the debt is paid at most once, and in the end it is paid, declined or
    parked. Who loses the charge to another, or to the truth, leaves it to them.

    Raises:
        UnknownCharge: the customer has no such charge.
        Unavailable: the database is away; the lease ends, and another run goes on.
    """
    try:
        async with machine.database.transaction() as connection:
            intent = await claim(connection, customer_id=customer_id, charge_id=charge_id, lease=machine.lease, now=now)
            machine.at("X3")
        if intent is not None:
            await _Run(machine, now).go(intent)
    except FenceLost:
        log.info("charge_left_to_another", customer_id=customer_id, charge_id=charge_id)
    machine.at("X13")


async def pay_by_link(machine: Machine, link: Link, *, return_url: str, now: datetime) -> str | None:
    """
    Let the customer, who is here, pay a charge that waits for them; return where their bank asks them, if it does.

    The way of every charge: what Stripe knows first, then the last look, the attempt written down, the call. Any number
    may do so at once beside any number of workers, and die anywhere: it is one payment. From the bank's page they come
    back to *return_url*. None: there is nothing to do there; `find_by_link` tells how the charge stands.

    Raises:
        UnknownLink: there is no such charge, or the token is not its own.
        TooManyTries: the customer has tried ten times within a day.
    """
    try:
        async with machine.database.transaction() as connection:
            intent = await claim_by_link(connection, link, lease=machine.lease, now=now)
            machine.at("X3")
        return await _Run(machine, now, return_url=return_url).pay(intent) if intent is not None else None
    except FenceLost:
        log.info("charge_left_to_another", customer_id=link.customer_id, charge_id=link.charge_id)
        return None


async def look_by_link(machine: Machine, link: Link, *, now: datetime) -> None:
    """
    Find out what came of a customer's visit at their bank, and settle by it. Confirms nothing.

    Raises:
        UnknownLink: there is no such charge, or the token is not its own.
        GatewayFailure: Stripe could not be asked; looking again is safe.
    """
    async with machine.database.reading() as connection:
        charge = (await find_by_link(connection, link)).charge
    if charge.state in FINAL or charge.stripe_payment_id is None:
        return
    payment = await machine.gateway.read_payment(charge.stripe_payment_id)
    async with machine.database.transaction() as connection:
        await settle(connection, machine.bus, payment, now=now)


class _Run:
    """
    One worker's way through one charge, or with a *return_url* its customer's.
    """

    def __init__(self, machine: Machine, now: datetime, *, return_url: str | None = None) -> None:
        self._machine = machine
        self._database = machine.database
        self._gateway = machine.gateway
        self._now = now
        self._return_url = return_url
        self._next_action_url: str | None = None

    async def pay(self, intent: Intent) -> str | None:
        """
        Look, and charge if that can be; return where the bank wants the customer.
        """
        await self._look(intent)
        return self._next_action_url

    async def go(self, intent: Intent) -> None:
        if intent.ending is not None:
            await self._end(intent)
        elif intent.state == "preparing":
            await self._prepare(intent)
        elif intent.state == "prepared" and intent.attempts == 0:
            await self._charge(intent, seen=None)
        else:
            await self._look(intent)

    async def _prepare(self, intent: Intent) -> None:
        """
        Create the payment, or find the one that was created, and charge it.
        """
        if not self._machine.billing_enabled:
            await self._rest(intent, Held(BILLING_OFF, self._now + LOOK_AGAIN_WHEN_HELD))
            return
        try:
            stripe_customer_id = await customers.ensure_stripe_customer(
                self._database, self._gateway, customer_id=intent.customer_id
            )
            payment = await self._created(intent, stripe_customer_id)
        except GatewayFailure as failure:
            await self._failed(intent, failure, kind="create")
            return
        if payment is None:
            return
        self._machine.at("X5")
        async with self._database.transaction() as connection:
            stored = await prepare.store_payment(
                connection,
                intent,
                payment,
                stripe_customer_id=stripe_customer_id,
                lease=self._machine.lease,
                now=self._now,
            )
            self._machine.at("X6")
        self._machine.at("X7")
        if stored is not None:
            await self._charge(stored, seen=None)

    async def _created(self, intent: Intent, stripe_customer_id: str) -> Payment | None:
        """
        Create the payment, unconfirmed; where the key cannot be trusted any more, adopt what an earlier call made.
        """
        attempt, found = await self._creation(intent), None
        has_to_look = attempt.tries > 0 and not may_repeat(attempt, now=self._now)
        if has_to_look:
            found = await self._find_created(intent, stripe_customer_id)
        if found is not None:
            return found
        self._machine.at("X4")
        if attempt.outcome is not None or intent.fence > 1:
            async with self._database.transaction() as connection:
                again = await prepare.attempt_creation(connection, intent, nothing_there=has_to_look, now=self._now)
            if again is None:
                return None
            attempt = again
        return await self._gateway.create_payment(
            stripe_customer_id=stripe_customer_id,
            amount_cents=intent.amount_cents,
            currency=intent.currency,
            payment_method_id=None,
            description=intent.description,
            metadata=metadata_of(intent),
            key=attempt.key,
        )

    async def _creation(self, intent: Intent) -> Attempt:
        async with self._database.reading() as connection:
            return await prepare.find_creation(connection, intent)

    async def _find_created(self, intent: Intent, stripe_customer_id: str) -> Payment | None:
        """
        Go through the customer's payments for the charge's own; by list, which is never behind, not by search.
        """
        found = None
        since = intent.created_at - _LISTED_BACK
        async for payment in self._gateway.list_payments(stripe_customer_id=stripe_customer_id, created_since=since):
            if is_of(intent, payment):
                found = payment  # of several the oldest
        return found

    async def _charge(self, intent: Intent, *, seen: Payment | None) -> None:
        """
        Arm and confirm.
        """
        async with self._database.transaction() as connection:
            armed = await arm(
                connection,
                intent,
                seen=seen,
                terms=self._machine.terms,
                return_url=self._return_url,
                now=self._now,
            )
            self._machine.at("X8")
        if armed is None:
            return
        assert armed.intent.stripe_payment_id is not None, "stored before"
        self._machine.at("X9")
        try:
            payment = await self._gateway.confirm_payment(
                armed.intent.stripe_payment_id,
                payment_method_id=armed.stripe_payment_method_id,
                key=armed.attempt.key,
                return_url=self._return_url,
            )
        except GatewayFailure as failure:
            self._machine.at("X10")
            await self._failed(armed.intent, failure, kind="confirm")
            return
        self._machine.at("X10")
        await self._believe(armed.intent, payment)

    async def _look(self, intent: Intent) -> None:
        """
        Read what is true at Stripe, believe it, and charge where that says that nothing happened.
        """
        assert intent.stripe_payment_id is not None, "without a payment there is nothing to look at"
        try:
            payment = await self._gateway.read_payment(intent.stripe_payment_id)
        except GatewayFailure as failure:
            async with self._database.transaction() as connection:
                await take_silence(connection, intent, failure, now=self._now)
            return
        confirmable = await self._believe(intent, payment)
        if confirmable is not None:
            await self._charge(confirmable, seen=payment)

    async def _believe(self, intent: Intent, payment: Payment) -> Intent | None:
        """
        Settle by what Stripe says; the charge is returned when it may be confirmed.
        """
        async with self._database.transaction() as connection:
            settled = await settle(
                connection,
                self._machine.bus,
                payment,
                now=self._now,
                fence=intent.fence,
                lease=self._machine.lease,
                customer_present=self._return_url is not None,
            )
            self._machine.at("X11")
        self._machine.at("X12")
        if settled.believed == "stale":
            raise FenceLost
        self._next_action_url = payment.next_action_url if settled.believed == "moved" else None
        return settled.intent if settled.believed == "confirmable" else None

    async def _end(self, intent: Intent) -> None:
        """
        End a charge that is to end: at Stripe first, whose word is the last.
        """
        if intent.stripe_payment_id is None:
            async with self._database.transaction() as connection:
                await end_without_payment(connection, intent, now=self._now)
            return
        key = f"ci:{intent.customer_id}-{intent.id}-{intent.nonce}:cancel"
        try:
            payment = await self._ended(intent.stripe_payment_id, key)
        except GatewayFailure as failure:
            async with self._database.transaction() as connection:
                await take_silence(connection, intent, failure, now=self._now)
            return
        await self._believe(intent, payment)

    async def _ended(self, stripe_payment_id: str, key: str) -> Payment:
        try:
            return await self._gateway.cancel_payment(stripe_payment_id, key=key)
        except GatewayMisused:
            return await self._gateway.read_payment(stripe_payment_id)  # too late, perhaps: it may have succeeded

    async def _failed(self, intent: Intent, failure: GatewayFailure, *, kind: str) -> None:
        async with self._database.transaction() as connection:
            await take_failure(
                connection, intent, failure, kind="create" if kind == "create" else "confirm", now=self._now
            )

    async def _rest(self, intent: Intent, held: Held) -> None:
        async with self._database.transaction() as connection:
            await rest(connection, await hold(connection, intent), held, now=self._now)
