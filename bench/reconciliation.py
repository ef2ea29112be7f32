"""
`python -m bench.reconciliation`: how fast everything at Stripe is compared with everything here.

The limits beside it, in the same run: listing the same payments through the gateway and comparing nothing, and asking
our database alone for its side of them.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from bench.charging_stage import KEY, populate_with_cards
from bench.machine import Machine, describe
from bench.population import COMMIT_SHA, BenchCustomer
from rsolv import fixes, reconciliation, schema
from rsolv.charges.jobs import Machine as Charging
from rsolv.charges.jobs import advance
from rsolv.db import Database
from rsolv.fixes import PhaseReport, Repository
from rsolv.local.cluster import Cluster
from rsolv.logs import set_up_logging
from rsolv.reconciliation import Report
from rsolv.stripe_gateway import StripeGateway
from rsolv.stripe_gateway.client import GatewayOptions, Limits, open_gateway
from rsolv.wiring import wired_bus
from stripe_twin.embedded import TwinTransport
from stripe_twin.twin import Twin

HERE = Path(__file__).parent
Result = TypeVar("Result")
CUSTOMERS = 50
UNHEARD_EACH = 20
BACK = timedelta(days=1)
NO_LIMITS = Limits(per_second=1e6, per_second_per_endpoint=1e6, at_once=64)
PROMISED_MOVEMENTS, PROMISED_SECONDS = 50_000, 60


@dataclass(frozen=True)
class Measured:
    """
    What was compared, and how long it and its parts took, in seconds.
    """

    machine: Machine
    movements: int
    unheard: int
    first: Report
    first_seconds: float
    again_seconds: float
    listing_seconds: float
    asking_seconds: float


class Died(BaseException):
    """
    What ends a worker after Stripe was paid.
    """


def main() -> int:
    """
    Measure, print, and write bench/RECONCILIATION.md unless asked for a quick look.
    """
    parser = argparse.ArgumentParser(prog="python -m bench.reconciliation")
    parser.add_argument("--movements", type=int, default=5_000, help="payments to compare")
    parser.add_argument("--quick", action="store_true", help="few, and only print")
    asked = parser.parse_args()
    set_up_logging(level="critical", as_json=False)
    with tempfile.TemporaryDirectory(prefix="rsolv-bench-") as name:
        directory = Path(name)
        directory.chmod(0o711)  # the server's own user passes through
        cluster = Cluster(directory / "postgres", durable=True)
        cluster.start()
        try:
            schema.upgrade(cluster.url())
            measured = asyncio.run(_measure(cluster, directory, 500 if asked.quick else asked.movements))
        finally:
            cluster.remove()
    text = as_markdown(measured)
    print(text)
    if not asked.quick:
        (HERE / "RECONCILIATION.md").write_text(text, encoding="utf-8")
    is_exact = not measured.first.differences and measured.first.total.settled == measured.unheard
    return 0 if is_exact else 1


async def _measure(cluster: Cluster, directory: Path, movements: int) -> Measured:
    twin, bus = Twin(seed="bench"), wired_bus()
    twin.account.advance(int(time.time()))
    machine = await describe(cluster, directory)
    database = await Database.open(cluster.url(), application="bench", pool_size=8)
    options = GatewayOptions(api_key=KEY, limits=NO_LIMITS)
    try:
        async with open_gateway(options, TwinTransport(twin)) as gateway:
            customers = await populate_with_cards(database, gateway, bus, count=CUSTOMERS, announce=_announce)
            charging = Charging(database=database, gateway=gateway, bus=bus)
            unheard = movements // UNHEARD_EACH
            for number in range(movements):
                is_unheard = number % UNHEARD_EACH == 0
                await _pay(charging, customers[number % CUSTOMERS], number, is_unheard=is_unheard)
            _announce(f"{movements} payments")
            since = datetime.now(UTC) - BACK

            async def compare() -> Report:
                return await reconciliation.reconcile(
                    database, gateway, bus, since=since, scope="asked", now=datetime.now(UTC)
                )

            first, first_seconds = await _timed(compare)
            _, again_seconds = await _timed(compare)
            ids, listing_seconds = await _timed(lambda: _list(gateway, since))
            _, asking_seconds = await _timed(lambda: _ask(database, ids))
    finally:
        await database.close()
        twin.close()
    return Measured(
        machine=machine,
        movements=movements,
        unheard=unheard,
        first=first,
        first_seconds=first_seconds,
        again_seconds=again_seconds,
        listing_seconds=listing_seconds,
        asking_seconds=asking_seconds,
    )


async def _pay(charging: Charging, customer: BenchCustomer, number: int, *, is_unheard: bool) -> None:
    """
    Have a fix paid at Stripe; the worker dies before it hears of it, or not.
    """
    now = datetime.now(UTC)
    report = PhaseReport("mitigate", Repository("acme", "shop"), number + 1, COMMIT_SHA, True, '{"fixed": true}')  # noqa: FBT003 -- a record's field
    async with charging.database.transaction() as connection:
        stored = await fixes.store_phase(
            connection,
            report,
            customer_id=customer.customer_id,
            api_key_id=customer.api_key_id,
            bus=charging.bus,
            ownership_required=False,
            now=now,
        )
    assert stored.billing.charge_id is not None, "without credits it is charged"

    def at(point: str) -> None:
        if is_unheard and point == "X10":
            raise Died

    with suppress(Died):
        await advance(
            replace(charging, at=at), customer_id=customer.customer_id, charge_id=stored.billing.charge_id, now=now
        )


async def _timed(act: Callable[[], Awaitable[Result]]) -> tuple[Result, float]:
    began = time.perf_counter()
    result = await act()
    return result, time.perf_counter() - began


async def _list(gateway: StripeGateway, since: datetime) -> list[str]:
    return [payment.id async for payment in gateway.list_all_payments(created_since=since)]


async def _ask(database: Database, ids: list[str]) -> None:
    from rsolv.reconciliation.queries.payments import find_by_payment_for_operator  # noqa: PLC0415 -- the part alone

    for start in range(0, len(ids), 100):
        async with database.reading() as connection:
            await find_by_payment_for_operator(connection, ids[start : start + 100])


def as_markdown(measured: Measured) -> str:
    """
    Write the figures as bench/RECONCILIATION.md has them.
    """
    per_movement_ms = measured.again_seconds / measured.movements * 1_000
    rows = {
        f"compared for the first time, {measured.unheard:,} of them settled": measured.first_seconds,
        "compared again, all agreeing": measured.again_seconds,
        "limit: listed through the gateway, nothing compared": measured.listing_seconds,
        "limit: our side asked of the database alone": measured.asking_seconds,
    }
    projected = per_movement_ms / 1_000 * PROMISED_MOVEMENTS
    return "\n".join(
        [
            "# Reconciliation",
            "",
            f"Written by `make bench-reconciliation` on {datetime.now(UTC):%Y-%m-%d} on {measured.machine.cpu},",
            f"{measured.machine.cores} cores, PostgreSQL {measured.machine.postgresql['server_version']}, fsync on.",
            "The twin of Stripe answers in the same process, every answer checked; no limit of calls per second.",
            "",
            f"| {measured.movements:,} payments | seconds | per payment, ms |",
            "| --- | --- | --- |",
            *(f"| {what} | {took:.1f} | {took / measured.movements * 1_000:.2f} |" for what, took in rows.items()),
            "",
            f"At this rate {PROMISED_MOVEMENTS:,} payments that agree take {projected:.0f} s; the aim is",
            f"{PROMISED_SECONDS} s. Not measured at that size.",
            "",
        ]
    )


def _announce(what: str) -> None:
    print(what, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
