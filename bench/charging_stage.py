"""
Where charges are measured: the twin as a process of its own, as far away as Stripe, and customers who owe for each fix.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil

from bench.population import BenchCustomer
from rsolv import ledger, payment_methods
from rsolv.audit import SYSTEM, Actor
from rsolv.catalog import apply_catalog
from rsolv.customers import Acquisition, EmailPolicy, checked_new_customer
from rsolv.db import Database
from rsolv.kernel.events import EventBus
from rsolv.kernel.secret import Secret
from rsolv.local.catalog_file import read_catalog_file
from rsolv.provisioning import provision_customer
from rsolv.stripe_gateway import StripeGateway

KEY = Secret("sk_test_ofthebenchmark")
STOP_SECONDS_MAX = 10.0
MEMORY = Path("/dev/shm")  # noqa: S108 -- a directory of our own is made in it


@dataclass(frozen=True)
class Stage:
    """
    What a round takes place on. *onlooker* sees the connections of all roles.
    """

    database_url: str
    postgres_pid: int
    directory: Path
    twin: "RunningTwin"
    database: Database
    onlooker: Database
    customers: list[BenchCustomer]


@dataclass(frozen=True)
class RunningTwin:
    """
    The twin: where it is, its process, and the log of what it heard.
    """

    url: str
    process: psutil.Process
    log: Path

    def set_latency(self, seconds: float) -> None:
        """
        Have every call take so much longer.
        """
        httpx.post(f"{self.url}/_twin/latency", json={"seconds": seconds}).raise_for_status()

    def mistakes(self) -> int:
        """
        Count the twin's own mistakes.
        """
        return len(httpx.get(f"{self.url}/_twin/state").raise_for_status().json()["mistakes"])


@contextlib.contextmanager
def running_twin(directory: Path) -> Iterator[RunningTwin]:
    """
    Serve a twin without latency and without state from before; end it afterwards.

    It keeps its state in memory where there is a file system for that: Stripe does not write to the product's disk.
    """
    environment = {"PATH": os.defpath, "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else directory, prefix="rsolv-twin-") as home:
        log = Path(home) / "calls.jsonl"
        command = (sys.executable, "-m", "stripe_twin", "--home", f"{home}/state", "--log", str(log))
        with (directory / "twin.log").open("wb") as errors:
            process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors)
        try:
            assert process.stdout is not None, "a pipe"
            yield RunningTwin(json.loads(process.stdout.readline())["stripe_url"], psutil.Process(process.pid), log)
        finally:
            process.terminate()
            process.communicate(timeout=STOP_SECONDS_MAX)


async def populate_with_cards(
    database: Database, gateway: StripeGateway, bus: EventBus, *, count: int, announce: Callable[[str], None]
) -> list[BenchCustomer]:
    """
    Apply the catalogue and make *count* customers, each with a card, a consent and no credits left.
    """
    async with database.transaction() as connection:
        await apply_catalog(connection, read_catalog_file(), now=datetime.now(UTC))
    customers = [await _make_customer(database, gateway, bus, number) for number in range(count)]
    announce(f"{count} customers with cards")
    return customers


async def _make_customer(database: Database, gateway: StripeGateway, bus: EventBus, number: int) -> BenchCustomer:
    now = datetime.now(UTC)
    new = checked_new_customer(
        email=f"charged-{number}@example.com",
        name=f"Charged {number}",
        acquisition=Acquisition(),
        policy=EmailPolicy(example_domains_allowed=True),
    )
    async with database.transaction() as connection:
        provisioned = await provision_customer(connection, new, actor=SYSTEM, now=now)
    customer_id, key = provisioned.customer.id, provisioned.key
    agreed = payment_methods.Declaration(actor=Actor("customer", "1"), ip="192.0.2.1", user_agent="bench", at=now)
    await payment_methods.attach(
        database, gateway, bus, agreed, customer_id=customer_id, stripe_payment_method_id="pm_card_visa"
    )
    async with database.transaction() as connection:
        left = await ledger.balance(connection, customer_id=customer_id)
        await ledger.adjust(
            connection,
            customer_id=customer_id,
            credits=-left,
            reason="every fix is to be charged",
            cause=ledger.Cause("bench", str(customer_id)),
            now=now,
        )
    return BenchCustomer(customer_id, key.api_key.id, key.secret.reveal())
