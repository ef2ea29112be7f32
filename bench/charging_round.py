"""
One round of charging: fixes come over HTTP at a fixed rate, the worker charges them, and we look on.
"""

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from bench.charging_evidence import Heard, Settled, heard, read_calls, settled_since
from bench.charging_stage import RunningTwin, Stage
from bench.latencies import Percentiles, percentiles
from bench.load import OpenLoad, Operation
from bench.machine import busy_seconds
from bench.operations import FIRST_ISSUE, make_workload
from bench.population import BenchCustomer
from bench.product import Product
from rsolv.db import Database

CONNECTIONS = 32
DRAIN_SECONDS_MAX = 180.0
LOOK_EVERY_SECONDS = 0.1
_issues = itertools.count(FIRST_ISSUE)


@dataclass(frozen=True)
class Round:
    """
    What one round came to. `busy` has the cores that each part kept busy until all was settled, in `seconds`.
    """

    name: str
    offered_per_second: float
    accepted_per_second: float
    acceptance: Percentiles
    troubles: dict[str, int]
    settled: Settled
    heard: list[Heard]
    busy: dict[str, float]
    seconds: float
    longest_transaction_ms: float
    most_waiting: int

    def cpu_ms(self, part: str) -> float:
        """
        Give the processor time of a part per charge, in milliseconds.
        """
        return self.busy[part] * self.seconds / max(self.settled.settled, 1) * 1_000


@dataclass
class Watch:
    """
    What was seen of the worker's connections while it worked.
    """

    longest_transaction_ms: float = 0.0
    most_waiting: int = 0


async def charge_round(stage: Stage, product: Product, *, name: str, per_second: float, seconds: float) -> Round:
    """
    Have fixes come for so long, wait until all are settled, and tell.
    """
    first_charge_id, since, watch = await _next_charge_id(stage.database), time.time(), Watch()
    load = OpenLoad(
        _owing(stage.customers), port=product.port, connections=CONNECTIONS, seconds=seconds, per_second=per_second
    )
    await load.open()
    watching = asyncio.create_task(_look_on(stage.onlooker, watch))
    try:
        with metered(product, stage.twin, postgres_pid=stage.postgres_pid) as busy:
            tally = await load.run()
            await _until_settled(stage.database, first_charge_id)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    async with stage.database.reading() as connection:
        settled = await settled_since(connection, first_charge_id=first_charge_id)
    return Round(
        name=name,
        offered_per_second=per_second,
        accepted_per_second=tally.per_second,
        acceptance=percentiles(tally.latencies_seconds),
        troubles=dict(tally.troubles),
        settled=settled,
        heard=heard(read_calls(stage.twin.log, since=since)),
        busy=busy,
        seconds=time.time() - since,
        longest_transaction_ms=watch.longest_transaction_ms,
        most_waiting=watch.most_waiting,
    )


def _owing(customers: list[BenchCustomer]) -> Operation:
    """
    Give the same request as the other benchmark's, of customers without credits: it is to be charged.
    """
    billable = make_workload([*customers, customers[0]], random.Random(1), issues=_issues).billable
    return Operation("fix to be charged", billable.next_request, b'"charging"')


async def _next_charge_id(database: Database) -> int:
    async with database.reading() as connection:
        return int(await connection.fetchval("SELECT coalesce(max(id), 0) + 1 FROM charge_intents"))


async def _until_settled(database: Database, first_charge_id: int) -> None:
    deadline = time.monotonic() + DRAIN_SECONDS_MAX
    while time.monotonic() < deadline:
        async with database.reading() as connection:
            open_charges = await connection.fetchval(
                "SELECT count(*) FROM charge_intents WHERE id >= $1 AND state <> 'succeeded'", first_charge_id
            )
        if not open_charges:
            return
        await asyncio.sleep(LOOK_EVERY_SECONDS)


async def _look_on(database: Database, watch: Watch) -> None:
    """
    Note the longest transaction of the worker that is seen at any time, and the longest queue of jobs that are due.
    """
    while True:
        async with database.reading() as connection:
            row = await connection.fetchrow(
                """
                SELECT (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0) * 1000
                        FROM pg_stat_activity
                        WHERE application_name = 'rsolv worker' AND xact_start IS NOT NULL) AS longest_ms,
                       (SELECT count(*) FROM pgqueuer
                        WHERE entrypoint = 'charge.advance' AND status = 'queued'
                          AND execute_after <= clock_timestamp()) AS waiting
                """
            )
        assert row is not None, "two figures"
        watch.longest_transaction_ms = max(watch.longest_transaction_ms, float(row["longest_ms"]))
        watch.most_waiting = max(watch.most_waiting, row["waiting"])
        await asyncio.sleep(LOOK_EVERY_SECONDS)


@contextmanager
def metered(product: Product, twin: RunningTwin, *, postgres_pid: int) -> Iterator[dict[str, float]]:
    """
    Fill in, when the block ends, how many cores each part has kept busy meanwhile.
    """
    busy: dict[str, float] = {}
    before, began = _cpu(product, twin, postgres_pid), time.perf_counter()
    yield busy
    elapsed = time.perf_counter() - began
    used = {part: (now - before[part]) / elapsed for part, now in _cpu(product, twin, postgres_pid).items()}
    busy |= used | {"others": max(used.pop("machine") - sum(used.values()), 0.0)}
    busy.pop("machine", None)


def _cpu(product: Product, twin: RunningTwin, postgres_pid: int) -> dict[str, float]:
    server = psutil.Process(postgres_pid)
    postgres = sum(server.cpu_times()[:4])
    for backend in server.children():
        with contextlib.suppress(psutil.NoSuchProcess):
            postgres += sum(backend.cpu_times()[:2])
    return {
        "worker": sum(sum(worker.cpu_times()[:2]) for worker in product.workers),
        "web": product.cpu_seconds(),
        "PostgreSQL": postgres,
        "twin": sum(twin.process.cpu_times()[:2]),
        "load": time.process_time(),
        "machine": busy_seconds(),
    }
