"""
`python -m bench`: measure the product beside pgbench on a cluster of its own, and write the results.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import uvloop

from bench.books import check_books
from bench.campaign import Campaign, Parameters
from bench.costs import Meter
from bench.machine import describe
from bench.operations import make_workload
from bench.pgbench import LEAST_DATABASE, Pgbench, make_least_tables
from bench.population import BenchCustomer, populate
from bench.product import Product, running_product
from bench.report import as_markdown
from bench.results import Results, as_json
from bench.script import Script, make_script
from bench.tape import record_billable_stores
from rsolv import schema
from rsolv.db import Database
from rsolv.local.cluster import DATABASE, Cluster
from rsolv.wiring import wired_bus

HERE = Path(__file__).parent
QUICK = Parameters(seconds=2, connections=16, customers=200, repetitions=1)
REPETITIONS = 3
RECORDED = 3


def main() -> int:
    """
    Measure, print, write; 0 when every request was acknowledged and the books are right.
    """
    parameters, is_quick = _parameters()
    with tempfile.TemporaryDirectory(prefix="rsolv-bench-") as name:
        directory = Path(name)
        directory.chmod(0o711)  # the server's own user passes through
        cluster = Cluster(directory / "postgres", durable=True, announce=_announce)
        cluster.start()
        try:
            schema.upgrade(cluster.url())
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                results = runner.run(_measure(parameters, cluster, directory))
        finally:
            cluster.remove()
    text = as_markdown(results)
    print(text)
    if not is_quick:
        (HERE / "RESULTS.md").write_text(text, encoding="utf-8")
        (HERE / "results.json").write_text(as_json(results), encoding="utf-8")
    return 0 if results.is_sound else 1


async def _measure(parameters: Parameters, cluster: Cluster, directory: Path) -> Results:
    machine = await describe(cluster, directory)
    database = await Database.open(cluster.url(), application="bench", pool_size=2)
    try:
        customers = await populate(database, wired_bus(), count=parameters.customers, announce=_announce)
        await make_least_tables(cluster, customers=parameters.customers)
        script = make_script(await record_billable_stores(cluster.url(), customers[-1 - RECORDED : -1]))
        await _analyze(cluster)
        with running_product(cluster.url(), directory) as product:
            campaign = _campaign(parameters, cluster, product, customers=customers, script=script)
            await campaign.warm_up()
            await _analyze(cluster)
            for repetition in range(1, parameters.repetitions + 1):
                _announce(f"Round {repetition} of {parameters.repetitions}")
                await campaign.repeat(pgbench_first=repetition % 2 == 0)
            memory = product.memory()
        _announce("Checking the books")
        books = await check_books(
            database,
            acknowledged=campaign.consumed_by_load,
            pgbench_acknowledged=campaign.consumed_by_pgbench,
        )
    finally:
        await database.close()
    return Results(
        measured_at=datetime.now(UTC),
        parameters=parameters,
        machine=machine,
        runs=campaign.runs,
        memory=memory,
        books=books,
        statements=script.statements,
        frozen=script.frozen,
    )


def _campaign(
    parameters: Parameters, cluster: Cluster, product: Product, *, customers: list[BenchCustomer], script: Script
) -> Campaign:
    assert cluster.pid is not None, "it was started"
    same = Pgbench(cluster, DATABASE, parameters.connections)
    return Campaign(
        parameters,
        product=product,
        meter=Meter(product, cluster.pid),
        workload=make_workload(customers, random.Random(1)),
        same_sql=(same, script),
        least=replace(same, database=LEAST_DATABASE),
        customers=customers,
        announce=_announce,
    )


async def _analyze(cluster: Cluster) -> None:
    """
    Tell the planner how large the tables are, as autovacuum does within a minute; plans made before are made anew.
    """
    owner = await asyncpg.connect(cluster.url())
    try:
        await owner.execute("VACUUM (ANALYZE)")
    finally:
        await owner.close()


def _parameters() -> tuple[Parameters, bool]:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="of each main measurement")
    parser.add_argument("--connections", type=int, default=16, help="of the closed loop and of pgbench")
    parser.add_argument("--customers", type=int, default=2_000)
    parser.add_argument("--quick", action="store_true", help="half a minute; prints and writes nothing")
    given = parser.parse_args()
    if given.quick:
        return QUICK, True
    return Parameters(given.seconds, given.connections, given.customers, REPETITIONS), False


def _announce(line: str) -> None:
    print(f"[{time.monotonic() - _STARTED:5.0f} s] {line}", file=sys.stderr, flush=True)


_STARTED = time.monotonic()

if __name__ == "__main__":
    sys.exit(main())
