"""
`python -m bench.charges`: how fast cards are charged, within Stripe's limits and without.

With the real processes, and with the twin of Stripe as far away as Stripe is.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from bench.charging_evidence import match, read_calls
from bench.charging_limits import all_but_the_calls, calls_alone
from bench.charging_report import WITHIN_PER_SECOND, Measured, as_markdown
from bench.charging_round import Round, charge_round
from bench.charging_stage import KEY, RunningTwin, Stage, populate_with_cards, running_twin
from bench.machine import describe
from bench.product import running_product
from rsolv import schema
from rsolv.db import Database
from rsolv.local.cluster import Cluster
from rsolv.logs import set_up_logging
from rsolv.stripe_gateway.client import GatewayOptions, open_gateway
from rsolv.wiring import wired_bus

HERE = Path(__file__).parent
LATENCY_SECONDS = 0.08
RAISED = {"STRIPE_CALLS_PER_SECOND": "2000", "STRIPE_CALLS_PER_SECOND_PER_ENDPOINT": "1000", "JOBS_AT_ONCE": "40"}
ECHOED = 1_000
WARM_UP_SECONDS = 3
AT_ONCE = 40


@dataclass(frozen=True)
class Parameters:
    """
    How long each round takes, over how many customers, and how fast fixes come when the limits are raised.
    """

    seconds: float
    customers: int
    raised_per_second: float
    workers: int


def main() -> int:
    """
    Measure, print, write; 0 when every charge was made exactly once.
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
        (HERE / "CHARGES.md").write_text(text, encoding="utf-8")
    return 0 if measured.matching.is_exact and not measured.twin_mistakes else 1


async def _measure(parameters: Parameters, cluster: Cluster, directory: Path, twin: RunningTwin) -> Measured:
    assert cluster.pid is not None, "it was started"
    machine = await describe(cluster, directory)
    database = await Database.open(cluster.url(), application="bench", pool_size=8)
    onlooker = await Database.open(cluster.url(), application="onlooker", pool_size=2, role=None)
    try:
        async with open_gateway(GatewayOptions(api_key=KEY, base_url=twin.url)) as gateway:
            customers = await populate_with_cards(
                database, gateway, wired_bus(), count=parameters.customers, announce=_announce
            )
        await calls_alone(twin, seconds=WARM_UP_SECONDS, at_once=1)  # it reads Stripe's contract as it meets it
        twin.set_latency(LATENCY_SECONDS)
        since = time.time()
        stage = Stage(cluster.url(), cluster.pid, directory, twin, database, onlooker, customers)
        rounds = [
            await _round(stage, parameters, "limits as they are", {}, per_second=WITHIN_PER_SECOND),
            await _round(stage, parameters, "limits raised", RAISED, per_second=parameters.raised_per_second),
        ]
        _announce("Looking at the books")
        async with database.snapshot() as connection:
            matching = await match(connection, read_calls(twin.log, since=since))
        limits = await _limits(stage, parameters)
    finally:
        await database.close()
        await onlooker.close()
    return Measured(
        measured_at=datetime.now(UTC),
        seconds=parameters.seconds,
        customers=parameters.customers,
        workers=parameters.workers,
        latency_ms=LATENCY_SECONDS * 1_000,
        machine=machine,
        rounds=rounds,
        limits=limits,
        matching=matching,
        twin_mistakes=twin.mistakes(),
    )


async def _round(
    stage: Stage, parameters: Parameters, name: str, settings: Mapping[str, str], *, per_second: float
) -> Round:
    _announce(f"{name}: {per_second:g} fixes a second for {parameters.seconds:g} s")
    stripe = {"STRIPE_API_KEY": KEY.reveal(), "STRIPE_API_BASE": stage.twin.url}
    with running_product(
        stage.database_url, stage.directory, settings={**stripe, **settings}, workers=parameters.workers
    ) as product:
        await charge_round(stage, product, name="warm-up", per_second=WITHIN_PER_SECOND, seconds=WARM_UP_SECONDS)
        return await charge_round(stage, product, name=name, per_second=per_second, seconds=parameters.seconds)


async def _limits(stage: Stage, parameters: Parameters) -> dict[str, float]:
    _announce("The calls alone, and everything but the calls")
    seconds = min(parameters.seconds, 10)
    far = await calls_alone(stage.twin, seconds=seconds, at_once=AT_ONCE)
    stage.twin.set_latency(0)
    near = await calls_alone(stage.twin, seconds=seconds, at_once=AT_ONCE)
    echoed = await all_but_the_calls(stage.database, wired_bus(), stage.customers, charges=ECHOED, at_once=16)
    return {
        f"payments created and confirmed by the gateway alone, {AT_ONCE} at once, same latency": far,
        "the same without latency: what twin, HTTP and Stripe's library take": near,
        "charges whose calls are answered at once, in one process: what our code and PostgreSQL take": echoed,
    }


def _parameters() -> tuple[Parameters, bool]:
    parser = argparse.ArgumentParser(prog="python -m bench.charges", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="of each round")
    parser.add_argument("--customers", type=int, default=200)
    parser.add_argument("--raised", type=float, default=120, help="fixes a second while the limits are raised")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="half a minute; prints and writes nothing")
    given = parser.parse_args()
    seconds, customers = (8, 40) if given.quick else (given.seconds, given.customers)
    return Parameters(seconds, customers, given.raised, given.workers), given.quick


def _announce(line: str) -> None:
    print(f"[{time.monotonic() - _STARTED:5.0f} s] {line}", file=sys.stderr, flush=True)


_STARTED = time.monotonic()

if __name__ == "__main__":
    sys.exit(main())
