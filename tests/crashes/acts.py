"""
What a forked process does: the product's own verbs, with death or frost at a named point.
"""

import asyncio
import os
import signal
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx

from crashes.errands import Errand
from crashes.wire import cut_wire
from rsolv import charges
from rsolv.charges.jobs import Machine, advance
from rsolv.db import Database
from rsolv.fixes import PhaseReport, Repository, store_phase
from rsolv.kernel import clock
from rsolv.kernel.events import EventBus
from rsolv.kernel.secret import Secret
from rsolv.stripe_gateway import GatewayFailure, StripeGateway
from rsolv.stripe_gateway.client import GatewayOptions, open_gateway
from rsolv.wiring import wired_bus

KEY = Secret("sk_test_ofthecrashes")
SHOP = Repository("acme", "shop")
BEFORE_COMMIT, IN_COMMIT, AFTER_COMMIT = "X0", "X1", "X2"
WEBHOOK_BEFORE_COMMIT = "X14"
_AT_ONCE = 4
_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # nothing here speaks TLS


@dataclass(frozen=True)
class Tools:
    """
    What an act works with: connections of its own process.
    """

    errand: Errand
    database: Database
    gateway: StripeGateway
    bus: EventBus

    @property
    def machine(self) -> Machine:
        """
        Return the product's machine, told where to die.
        """
        return Machine(database=self.database, gateway=self.gateway, bus=self.bus, at=self.at)

    @property
    def now(self) -> datetime:
        """
        Return the time as this process takes it to be.
        """
        return clock.now() + timedelta(hours=self.errand.hours_later)

    def at(self, point: str) -> None:
        """
        Die, or freeze, if this is the point.
        """
        if point == self.errand.die_at:
            die()
        if point == self.errand.freeze_at:
            os.kill(os.getpid(), signal.SIGSTOP)


def die() -> None:
    """
    End this process as a power cut would.
    """
    os.kill(os.getpid(), signal.SIGKILL)


@asynccontextmanager
async def opened(errand: Errand) -> AsyncIterator[Tools]:
    """
    Open what an errand needs.
    """
    options = GatewayOptions(api_key=KEY, base_url=errand.stripe_url, total_seconds=errand.patience_seconds)
    async with AsyncExitStack() as stack:
        url = errand.database_url
        if errand.commit_cut:
            url = await stack.enter_async_context(cut_wire(url, due=errand.commit_cut, fate=errand.commit_fate))
        database = await Database.open(url, application="crash proof", pool_size=_AT_ONCE)
        stack.push_async_callback(database.close)
        transport = httpx.AsyncHTTPTransport(verify=_NOBODY, trust_env=False)
        gateway = await stack.enter_async_context(open_gateway(options, transport))
        yield Tools(errand, database, gateway, wired_bus())


async def warm_up(errand: Errand) -> None:
    """
    Use everything once, for a stranger, so that what is imported on first use is there before the first fork.
    """
    key = f"warm up {os.getpid()}"
    async with opened(errand) as tools:
        async with tools.database.transaction() as connection:
            await connection.fetchval("SELECT 1")
        stranger = await tools.gateway.create_customer(
            email="stranger@example.com", name="Stranger", metadata={}, key=key
        )
        card = await tools.gateway.attach_payment_method(
            "pm_card_visa", stripe_customer_id=stranger.id, key=f"{key} card"
        )
        payment = await tools.gateway.create_payment(
            stripe_customer_id=stranger.id,
            amount_cents=100,
            currency="usd",
            payment_method_id=None,
            description="nobody's",
            metadata={},
            key=f"{key} payment",
        )
        await tools.gateway.confirm_payment(payment.id, payment_method_id=card.id, key=f"{key} confirm")
        with suppress(GatewayFailure):
            await tools.gateway.read_payment("pi_nobody")


async def work(errand: Errand) -> list[str]:
    """
    Go on with charges, some at a time, as a worker does.
    """
    async with opened(errand) as tools:
        turns = asyncio.Semaphore(_AT_ONCE)

        async def go_on(customer_id: int, charge_id: int) -> None:
            async with turns:
                await advance(tools.machine, customer_id=customer_id, charge_id=charge_id, now=tools.now)

        await asyncio.gather(*(go_on(*charge) for charge in errand.charges))
    return []


async def accept(errand: Errand) -> list[str]:
    """
    Store a fix that is to be charged, as the API does for a client.
    """
    async with opened(errand) as tools:
        async with tools.database.transaction() as connection:
            stored = await store_phase(
                connection,
                fix_of(errand.issue_number),
                customer_id=errand.customer_id,
                api_key_id=errand.api_key_id,
                bus=tools.bus,
                ownership_required=False,
                now=clock.now(),
            )
            tools.at(BEFORE_COMMIT)
            if errand.die_at == IN_COMMIT:
                # COMMIT is sent when the block ends; the next turn of the loop comes before its answer is read.
                asyncio.get_running_loop().call_soon(die)
        tools.at(AFTER_COMMIT)
    return [stored.billing.status]


def fix_of(issue_number: int) -> PhaseReport:
    """
    Return what is reported of a fix.
    """
    return PhaseReport(
        phase="mitigate",
        repository=SHOP,
        issue_number=issue_number,
        commit_sha="c0ffee",
        billable=True,
        data_json='{"fixed": true}',
    )


async def hear(errand: Errand) -> list[str]:
    """
    Believe what Stripe says of charges, as who handles its events does: each in a transaction of its own.
    """
    async with opened(errand) as tools:
        return [await heard(tools, *charge) for charge in errand.charges]


async def heard(tools: Tools, customer_id: int, charge_id: int) -> str:
    """
    Read a charge's payment at Stripe and settle by it.
    """
    async with tools.database.reading() as connection:
        charge = await charges.get_charge(connection, customer_id=customer_id, charge_id=charge_id)
    if charge.stripe_payment_id is None:
        return "no payment yet"
    try:
        payment = await tools.gateway.read_payment(charge.stripe_payment_id)
    except GatewayFailure:
        return "no answer"
    async with tools.database.transaction() as connection:
        settled = await charges.settle(connection, tools.bus, payment, now=tools.now)
        tools.at(WEBHOOK_BEFORE_COMMIT)
    return settled.believed


Act = Callable[[Errand], Coroutine[None, None, list[str]]]
ACTS: dict[str, Act] = {
    "work": work,
    "accept": accept,
    "hear": hear,
}
