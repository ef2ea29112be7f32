"""
The yard where crashes are tried: a database, a twin of Stripe, customers, and nurseries whose children do the work.
"""

import asyncio
import itertools
import json
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from crashes import acts
from crashes.deadlines import START_SECONDS, read_line, running
from crashes.errands import Ended, Errand
from crashes.lane import COVERAGE, Lane
from factories.customers import make_customer, set_balance
from rsolv import payment_methods
from rsolv.audit import SYSTEM
from rsolv.db import Database
from rsolv.fixes import store_phase
from rsolv.kernel import clock
from rsolv.stripe_gateway.client import GatewayOptions, open_gateway
from rsolv.wiring import wired_bus

CUSTOMERS = 3
ROUNDS_MAX = 40
_AT_ONCE = 50
_PAGE = 100
_IDLE_SECONDS_MAX = 1  # the twin closes a connection that has idled for 5 s, at the moment of the next call perhaps


@dataclass(frozen=True)
class Payer:
    """
    A customer who pays by card.
    """

    customer_id: int
    api_key_id: int
    stripe_customer_id: str


@dataclass(frozen=True)
class Debt:
    """
    One debt: whose, and the charge that is to collect it.
    """

    customer_id: int
    charge_id: int

    @property
    def charge(self) -> tuple[int, int]:
        """
        Return the charge as errands name it.
        """
        return self.customer_id, self.charge_id


@dataclass
class Yard:
    """
    One database and one twin that belong together, and who works on them.
    """

    database_url: str
    stripe_url: str
    http: httpx.AsyncClient
    lanes: Sequence[Lane]
    patience_seconds: float = 20
    hours_later: int = 0
    trouble: Callable[[], asyncio.TimerHandle | None] = lambda: None
    payers: list[Payer] = field(default_factory=list)
    _issues: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    # --- what happens here

    async def settle_in(self, customers: int) -> None:
        """
        Empty the twin, and have customers with a saved card, their consent, and no credits left.
        """
        await self.control("POST", "reset", {})
        options = GatewayOptions(api_key=acts.KEY, base_url=self.stripe_url)
        transport = httpx.AsyncHTTPTransport(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), trust_env=False)
        async with self.database() as database, open_gateway(options, transport) as gateway:
            for _ in range(customers):
                async with database.transaction() as connection:
                    made = await make_customer(connection)
                customer_id = made.customer.id
                declaration = payment_methods.Declaration(actor=SYSTEM, ip=None, user_agent=None, at=clock.now())
                await payment_methods.attach(
                    database,
                    gateway,
                    wired_bus(),
                    declaration,
                    customer_id=customer_id,
                    stripe_payment_method_id="pm_card_visa",
                )
                async with database.transaction() as connection:
                    await set_balance(connection, customer_id=customer_id, credits=0)
                    known = await connection.fetchval(
                        "SELECT stripe_customer_id FROM stripe_customers WHERE customer_id = $1", customer_id
                    )
                self.payers.append(Payer(customer_id, made.key.api_key.id, known))

    async def open_debts(self, count: int) -> list[Debt]:
        """
        Have so many fixes reported that have to be charged.
        """
        debts: list[Debt] = []
        async with self.database() as database:
            while len(debts) < count:
                async with database.transaction() as connection:
                    for payer in itertools.islice(itertools.cycle(self.payers), min(_AT_ONCE, count - len(debts))):
                        stored = await store_phase(
                            connection,
                            acts.fix_of(self.next_issue()),
                            customer_id=payer.customer_id,
                            api_key_id=payer.api_key_id,
                            bus=wired_bus(),
                            ownership_required=False,
                            now=clock.now(),
                        )
                        assert stored.billing.charge_id is not None, stored
                        debts.append(Debt(payer.customer_id, stored.billing.charge_id))
        return debts

    def next_issue(self) -> int:
        """
        Number an issue that nobody has fixed yet.
        """
        return next(self._issues)

    async def send(self, lane: Lane, act: str, debts: Sequence[Debt] = (), **more: Any) -> Ended:
        """
        Send a process on an errand.
        """
        errand = Errand(
            act=act,
            database_url=self.database_url,
            stripe_url=self.stripe_url,
            charges=[debt.charge for debt in debts],
            patience_seconds=self.patience_seconds,
            hours_later=self.hours_later,
            **more,
        )
        coming = self.trouble()
        try:
            return await lane.send(errand)
        finally:
            if coming is not None:
                coming.cancel()

    async def finish(self, debts: Sequence[Debt], *, rounds: int = ROUNDS_MAX) -> list[Ended]:
        """
        Let healthy workers go on until every charge has ended or is parked, with the time to wait for moved to now.
        """
        ended: list[Ended] = []
        for _ in range(rounds):
            due = await self.wake(debts)
            if not due:
                break
            shares = [due[number :: len(self.lanes)] for number in range(len(self.lanes))]
            runs = (self.send(lane, "work", share) for lane, share in zip(self.lanes, shares, strict=True) if share)
            ended += await asyncio.gather(*runs)
        return ended

    async def wake(self, debts: Sequence[Debt]) -> list[Debt]:
        """
        Move the time until charges go on to now, and the end of a dead worker's lease too; return those that will.
        """
        owner = await asyncpg.connect(self.database_url)
        try:
            rows = await owner.fetch(
                """
                UPDATE charge_intents SET wake_at = clock_timestamp() - interval '1 second', lease_until = NULL
                WHERE (customer_id, id) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[])) AND wake_at IS NOT NULL
                RETURNING customer_id, id
                """,
                [debt.customer_id for debt in debts],
                [debt.charge_id for debt in debts],
            )
        finally:
            await owner.close()
        return [Debt(row["customer_id"], row["id"]) for row in rows]

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Database]:
        """
        Lend the product's own pool.
        """
        opened = await Database.open(self.database_url, application="crash proof", pool_size=2)
        try:
            yield opened
        finally:
            await opened.close()

    # --- the twin

    async def control(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """
        Make a call of the twin's control.
        """
        answer = await self.http.request(method, f"/_twin/{path}", json=body)
        assert answer.status_code == httpx.codes.OK, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def calm_down(self) -> None:
        """
        Have nothing go wrong at the twin any more, and everybody patient.
        """
        self.patience_seconds = 20
        await self.control("DELETE", "faults")
        await self.control("POST", "idempotency", {"on": True})

    async def list_at_stripe(self, kind: str, stripe_customer_id: str) -> list[dict[str, Any]]:
        """
        List all of a customer's objects of a kind, as the twin has them.
        """
        found: list[dict[str, Any]] = []
        page: dict[str, Any] = {"has_more": True}
        while page["has_more"]:
            asked = {"customer": stripe_customer_id, "limit": str(_PAGE)} | (
                {"starting_after": found[-1]["id"]} if found else {}
            )
            answer = await self.http.get(
                f"/v1/{kind}", params=asked, headers={"authorization": f"Bearer {acts.KEY.reveal()}"}
            )
            assert answer.status_code == httpx.codes.OK, answer.text
            page = answer.json()
            found += page["data"]
        return found


@contextmanager
def twin_process(home: Path, *, log: Path | None = None) -> Iterator[str]:
    """
    Run a twin as a process of its own; give its address.
    """
    command = [sys.executable, "-m", "stripe_twin", "--home", str(home), *(["--log", str(log)] if log else [])]
    environment = {name: value for name, value in os.environ.items() if name != COVERAGE}
    with running(command, whom="the twin", farewell=subprocess.Popen.terminate, env=environment) as process:
        yield json.loads(read_line(process, whom="the twin", seconds=START_SECONDS))["stripe_url"]


@asynccontextmanager
async def open_yard(
    database_url: str, stripe_url: str, lanes: Sequence[Lane], *, customers: int = CUSTOMERS
) -> AsyncIterator[Yard]:
    """
    Open a yard over an empty, migrated database; at the end the twin has made no mistake of its own.
    """
    nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    limits = httpx.Limits(keepalive_expiry=_IDLE_SECONDS_MAX)
    async with httpx.AsyncClient(
        base_url=stripe_url, verify=nobody, trust_env=False, timeout=60, limits=limits
    ) as http:
        yard = Yard(database_url=database_url, stripe_url=stripe_url, http=http, lanes=lanes)
        await yard.calm_down()
        await yard.settle_in(customers)
        for lane in lanes:
            await yard.send(lane, "work")  # a nursery's first errand warms it up, which needs quiet weather
        yield yard
        await yard.calm_down()
        assert (await yard.control("GET", "state"))["mistakes"] == []
