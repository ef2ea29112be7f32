"""
`make bench-deliveries`: how fast Stripe's deliveries are acknowledged and handled, and how many can be taken.

With the real processes, and with the twin of Stripe as far away as Stripe is.
"""

import argparse
import asyncio
import itertools
import random
import sys
import tempfile
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import uvloop

from bench.charging_round import metered
from bench.charging_stage import KEY, RunningTwin, running_twin
from bench.deliveries_report import PER_SECOND, Measured, as_markdown
from bench.delivering import Beside, Delivered, anew, bare_acks, deliver
from bench.events_history import History
from bench.events_telling import SECRET
from bench.machine import describe
from bench.pgbench import HERE as SCRIPTS
from bench.pgbench import LEAST_DATABASE, Pgbench, PgbenchResult
from bench.population import populate
from bench.product import Product, running_product
from rsolv import schema
from rsolv.db import Database
from rsolv.local.cluster import Cluster
from rsolv.logs import set_up_logging
from rsolv.stripe_gateway.client import GatewayOptions, open_gateway
from rsolv.wiring import wired_bus

HERE = Path(__file__).parent
LATENCY_SECONDS = 0.08
RAISED = {"STRIPE_CALLS_PER_SECOND": "2000", "STRIPE_CALLS_PER_SECOND_PER_ENDPOINT": "1000", "JOBS_AT_ONCE": "40"}
SIGNUPS_PER_SECOND, FIXES_PER_SECOND = 1, 10
STEPS = (50, 100, 150, 200, 300, 400, 600, 800)
WARM_UP_SECONDS, LEAST_SECONDS = 3, 5
ROW_BYTES = 2_500


@dataclass(frozen=True)
class Parameters:
    """
    How long the steady round and each step take, how many customers have fixes, how many workers handle events.
    """

    seconds: float
    step_seconds: float
    customers: int
    workers: int


def main() -> int:
    """
    Measure, print, write; 0 when nothing was lost.
    """
    parameters, is_quick = _parameters()
    set_up_logging(level="warning", as_json=False)
    with tempfile.TemporaryDirectory(prefix="rsolv-bench-") as name:
        directory = Path(name)
        directory.chmod(0o711)  # the server's own user passes through
        cluster = Cluster(directory / "postgres", durable=True, announce=_announce)
        cluster.start()
        try:
            schema.upgrade(cluster.url())
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, running_twin(directory) as twin:
                measured = runner.run(_measure(parameters, cluster, directory, twin))
        finally:
            cluster.remove()
    text = as_markdown(measured)
    print(text)
    if not is_quick:
        (HERE / "DELIVERIES.md").write_text(text, encoding="utf-8")
    return 0 if measured.steady.is_lossless and not measured.twin_mistakes else 1


async def _measure(parameters: Parameters, cluster: Cluster, directory: Path, twin: RunningTwin) -> Measured:
    assert cluster.pid is not None, "it was started"
    machine = await describe(cluster, directory)
    bus = wired_bus()
    database = await Database.open(cluster.url(), application="bench", pool_size=8)
    try:
        people = await populate(database, bus, count=parameters.customers, announce=_announce)
        async with open_gateway(GatewayOptions(api_key=KEY, base_url=twin.url)) as gateway:
            history = History(
                cluster.url(), database, gateway, bus, twin, random.Random("deliveries"), itertools.count(1)
            )
            await history.happen(events=round(PER_SECOND * parameters.seconds), announce=_announce)
    finally:
        await database.close()
    twin.set_latency(LATENCY_SECONDS)
    bodies = list(history.bodies.values())
    with _product(cluster, directory, twin, parameters) as product:
        await bare_acks(product, per_second=PER_SECOND, seconds=WARM_UP_SECONDS)
        _announce(f"{PER_SECOND:.1f} deliveries a second for {parameters.seconds:g} s, beside signups and fixes")
        beside = Beside(people, SIGNUPS_PER_SECOND, FIXES_PER_SECOND)
        with metered(product, twin, postgres_pid=cluster.pid) as busy:
            steady = await deliver(
                cluster.url(),
                product,
                iter(bodies),
                per_second=PER_SECOND,
                seconds=parameters.seconds,
                beside=beside,
            )
        bare = await bare_acks(product, per_second=PER_SECOND, seconds=LEAST_SECONDS)
    with _product(cluster, directory, twin, parameters, **RAISED) as product:
        steps = await _climb(cluster, product, bodies, seconds=parameters.step_seconds)
    return Measured(
        measured_at=datetime.now(UTC),
        seconds=parameters.seconds,
        step_seconds=parameters.step_seconds,
        workers=parameters.workers,
        latency_ms=LATENCY_SECONDS * 1_000,
        machine=machine,
        busy=busy,
        steady=steady,
        steps=steps,
        bare=bare,
        least=await _least(cluster),
        row_bytes=sum(map(len, bodies)) // len(bodies),
        twin_mistakes=twin.mistakes(),
    )


async def _climb(cluster: Cluster, product: Product, bodies: list[bytes], *, seconds: float) -> list[Delivered]:
    """
    Raise the rate step by step until one is not sustained.
    """
    again, steps = anew(bodies), []
    for per_second in STEPS:
        _announce(f"{per_second} deliveries a second for {seconds:g} s")
        done = await deliver(cluster.url(), product, again, per_second=per_second, seconds=seconds, beside=None)
        steps.append(done)
        if not done.is_sustained:
            break
    return steps


def _product(
    cluster: Cluster, directory: Path, twin: RunningTwin, parameters: Parameters, **settings: str
) -> AbstractContextManager[Product]:
    stripe = {
        "STRIPE_API_KEY": KEY.reveal(),
        "STRIPE_API_BASE": twin.url,
        "STRIPE_WEBHOOK_SECRETS": SECRET.reveal(),
    }
    return running_product(cluster.url(), directory, settings=stripe | settings, workers=parameters.workers)


async def _least(cluster: Cluster) -> PgbenchResult:
    """
    Insert rows of the size of a delivery, one a commit, as fast as the database can.
    """
    _announce("The least that taking one in can be")
    owner = await asyncpg.connect(cluster.url())
    await owner.execute(f"CREATE DATABASE {LEAST_DATABASE}")
    await owner.close()
    owner = await asyncpg.connect(cluster.url(LEAST_DATABASE))
    await owner.execute("CREATE TABLE least_deliveries (id text PRIMARY KEY, payload text NOT NULL)")
    await owner.close()
    script = SCRIPTS / "least_delivery.sql"
    variables = {"sequence": "0", "bytes": str(ROW_BYTES)}
    pgbench = Pgbench(cluster, LEAST_DATABASE, connections=16)
    return await asyncio.to_thread(pgbench.run, script, seconds=LEAST_SECONDS, variables=variables)


def _parameters() -> tuple[Parameters, bool]:
    parser = argparse.ArgumentParser(prog="python -m bench.deliveries", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300, help="of the steady round")
    parser.add_argument("--step-seconds", type=float, default=15, help="of each step to the highest rate")
    parser.add_argument("--customers", type=int, default=200, help="who have fixes meanwhile")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="a minute; prints and writes nothing")
    given = parser.parse_args()
    if given.quick:
        return Parameters(15, 4, 50, given.workers), True
    return Parameters(given.seconds, given.step_seconds, given.customers, given.workers), False


def _announce(line: str) -> None:
    print(f"[{time.monotonic() - _STARTED:5.0f} s] {line}", file=sys.stderr, flush=True)


_STARTED = time.monotonic()

if __name__ == "__main__":
    sys.exit(main())
