"""
What charging cannot be faster than: the calls alone, and everything but the calls.
"""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from bench.charging_stage import KEY, RunningTwin
from bench.population import COMMIT_SHA, REPOSITORY, BenchCustomer
from rsolv import fixes
from rsolv.charges.jobs import Machine, advance
from rsolv.db import Database
from rsolv.kernel.events import EventBus
from rsolv.stripe_gateway import Payment
from rsolv.stripe_gateway.client import GatewayOptions, Limits, open_gateway

FIRST_ISSUE = 1_800_000_000  # above those of the load


class EchoGateway:
    """
    Answers at once as Stripe does when all is well: what charging costs without any call.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._payments: dict[str, Payment] = {}

    async def create_payment(
        self, *, stripe_customer_id: str, amount_cents: int, currency: str, metadata: Mapping[str, str], **_: object
    ) -> Payment:
        """
        Make a payment, unconfirmed.
        """
        payment = Payment(
            id=f"pi_echo{next(self._numbers)}",
            state="confirmable",
            stripe_state="requires_payment_method",
            amount_cents=amount_cents,
            amount_received_cents=0,
            currency=currency,
            stripe_customer_id=stripe_customer_id,
            livemode=False,
            metadata=dict(metadata),
            payment_method_id=None,
            charge_id=None,
            amount_refunded_cents=None,
            is_disputed=None,
            receipt_url=None,
            decline=None,
            next_action_url=None,
            client_secret=None,
            created_at=datetime.now(UTC),
            request_id="req_echo",
        )
        self._payments[payment.id] = payment
        return payment

    async def confirm_payment(self, payment_id: str, *, payment_method_id: str, **_: object) -> Payment:
        """
        Have it succeed.
        """
        payment = self._payments.pop(payment_id)
        return replace(
            payment,
            state="succeeded",
            stripe_state="succeeded",
            amount_received_cents=payment.amount_cents,
            payment_method_id=payment_method_id,
            charge_id=f"ch_{payment_id}",
            amount_refunded_cents=0,
            is_disputed=False,
        )


async def calls_alone(twin: RunningTwin, *, seconds: float, at_once: int) -> float:
    """
    Return how many payments a second are created and confirmed through the gateway, without limits and database.
    """
    options = GatewayOptions(api_key=KEY, base_url=twin.url, limits=Limits(at_once=at_once))
    async with open_gateway(options) as gateway:
        customer = await gateway.create_customer(email="alone@example.com", name="Alone", metadata={}, key="alone")
        card = await gateway.attach_payment_method(
            "pm_card_visa", stripe_customer_id=customer.id, key=f"alone {time.time_ns()}"
        )
        numbers = itertools.count(time.time_ns())

        async def pay() -> None:
            number = next(numbers)
            payment = await gateway.create_payment(
                stripe_customer_id=customer.id,
                amount_cents=2_900,
                currency="usd",
                payment_method_id=None,
                description="Alone",
                metadata={"number": str(number)},
                key=f"create {number}",
            )
            await gateway.confirm_payment(payment.id, payment_method_id=card.id, key=f"confirm {number}")

        return await _rate(pay, seconds=seconds, at_once=at_once)


async def all_but_the_calls(
    database: Database, bus: EventBus, customers: Sequence[BenchCustomer], *, charges: int, at_once: int
) -> float:
    """
    Return how many charges a second one process makes, from claim to settlement, whose calls are answered at once.
    """
    machine = Machine(database=database, gateway=EchoGateway(), bus=bus)
    owed = [
        await _owe(database, bus, customers[number % len(customers)], FIRST_ISSUE + number) for number in range(charges)
    ]
    turns = asyncio.Semaphore(at_once)

    async def make(customer_id: int, charge_id: int) -> None:
        async with turns:
            await advance(machine, customer_id=customer_id, charge_id=charge_id, now=datetime.now(UTC))

    began = time.perf_counter()
    await asyncio.gather(*(make(*each) for each in owed))
    return charges / (time.perf_counter() - began)


async def _owe(database: Database, bus: EventBus, customer: BenchCustomer, issue_number: int) -> tuple[int, int]:
    namespace, _, name = REPOSITORY.partition("/")
    report = fixes.PhaseReport(
        phase="mitigate",
        repository=fixes.Repository(namespace, name),
        issue_number=issue_number,
        commit_sha=COMMIT_SHA,
        billable=True,
        data_json='{"fixed": true}',
    )
    async with database.transaction() as connection:
        stored = await fixes.store_phase(
            connection,
            report,
            customer_id=customer.customer_id,
            api_key_id=customer.api_key_id,
            bus=bus,
            ownership_required=False,
            now=datetime.now(UTC),
        )
    assert stored.billing.charge_id is not None, stored.billing
    return customer.customer_id, stored.billing.charge_id


async def _rate(act: Callable[[], Awaitable[None]], *, seconds: float, at_once: int) -> float:
    began, done = time.perf_counter(), itertools.count()

    async def lane() -> None:
        while time.perf_counter() - began < seconds:
            await act()
            next(done)

    await asyncio.gather(*(lane() for _ in range(at_once)))
    return next(done) / (time.perf_counter() - began)
