"""
The order of the measurements: product and pgbench take turns, everything several times.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.costs import Costs, Meter
from bench.latencies import Percentiles, percentiles
from bench.load import Load, OpenLoad, Operation
from bench.operations import LAST_ISSUE, Workload
from bench.pgbench import LEAST_DEBIT, Pgbench
from bench.population import BenchCustomer
from bench.product import Product
from bench.script import ISSUES_PER_CLIENT, Script

OPEN_PER_SECOND = 500
OPEN_CONNECTIONS = 64
WARM_UP_SHARE = 0.2
HALF = 0.5

HEALTH = "GET /health"
ONBOARD = "onboarding"
SCAN = "store, not billable"
BILLABLE = "billable store"
HOT = "billable store, one customer"
BILLABLE_OPEN = f"billable store at {OPEN_PER_SECOND}/s"
SCAN_OPEN = f"store, not billable, at {OPEN_PER_SECOND}/s"
SAME_SQL = "pgbench, same SQL"
SAME_SQL_HOT = "pgbench, same SQL, one customer"
LEAST = "pgbench, least debit"


@dataclass(frozen=True)
class Parameters:
    """
    How long, how wide and how often is measured.
    """

    seconds: float
    connections: int
    customers: int
    repetitions: int


@dataclass(frozen=True)
class Run:
    """
    One measurement. Latencies of pgbench are its average, in `mean_ms`; those of the load are percentiles.
    """

    name: str
    per_second: float
    acknowledged: int
    troubles: dict[str, int]
    trouble_example: str
    latency: Percentiles | None
    mean_ms: float | None
    lateness: Percentiles | None
    costs: Costs
    connections_by_worker: list[int]

    def cpu_us(self, part: str) -> float:
        """
        Give the processor time of one part (generator, web, postgres) per request, in microseconds.
        """
        seconds: float = getattr(self.costs, part)
        return seconds / max(self.acknowledged, 1) * 1_000_000


class Campaign:
    """
    All measurements over one running product.
    """

    def __init__(
        self,
        parameters: Parameters,
        *,
        product: Product,
        meter: Meter,
        workload: Workload,
        same_sql: tuple[Pgbench, Script],
        least: Pgbench,
        customers: list[BenchCustomer],
        announce: Callable[[str], None],
    ) -> None:
        self.runs: list[Run] = []
        self.consumed_by_load = 0
        self.consumed_by_pgbench = 0
        self._parameters = parameters
        self._product = product
        self._meter = meter
        self._workload = workload
        self._same_sql, self._script = same_sql
        self._least = least
        self._customers = customers
        self._announce = announce
        self._pgbench_runs = 0

    async def warm_up(self) -> None:
        """
        Give the customers a history, fill caches, and prepare statements on every connection.

        Counted in the books, not in the figures.
        """
        self._same(SAME_SQL)
        for operation in (self._workload.scan, self._workload.billable, self._workload.onboard):
            await self._load(operation.name, operation, share=WARM_UP_SHARE)
        self.runs.clear()

    async def repeat(self, *, pgbench_first: bool) -> None:
        """
        Measure everything once.

        Who comes first pays for what the other finds done, such as the first change of a page after a checkpoint; so
        the order of product and pgbench changes from round to round.
        """
        workload = self._workload
        await self._load(HEALTH, workload.health, share=WARM_UP_SHARE)
        if pgbench_first:
            self._same(SAME_SQL)
        await self._load(BILLABLE, workload.billable)
        if not pgbench_first:
            self._same(SAME_SQL)
        self._least_debit()
        await self._load(HOT, workload.hot, share=HALF)
        self._same(SAME_SQL_HOT, share=HALF, hot=True)
        await self._load(SCAN, workload.scan, share=HALF)
        await self._load(ONBOARD, workload.onboard, share=HALF)
        await self._load(BILLABLE_OPEN, workload.billable, open_loop=True)
        await self._load(SCAN_OPEN, workload.scan, open_loop=True)

    async def _load(self, name: str, operation: Operation, *, share: float = 1.0, open_loop: bool = False) -> None:
        seconds = self._parameters.seconds * share
        load = (
            OpenLoad(
                operation,
                port=self._product.port,
                connections=OPEN_CONNECTIONS,
                seconds=seconds,
                per_second=OPEN_PER_SECOND,
            )
            if open_loop
            else Load(operation, port=self._product.port, connections=self._parameters.connections, seconds=seconds)
        )
        await load.open()
        self._meter.read()
        split = self._product.connections_by_worker()
        tally = await load.run()
        costs = self._meter.read()
        if operation in {self._workload.billable, self._workload.hot}:
            self.consumed_by_load += tally.acknowledged
        self._note(
            Run(
                name=name,
                per_second=tally.per_second,
                acknowledged=tally.acknowledged,
                troubles=dict(tally.troubles),
                trouble_example=tally.trouble_example,
                latency=percentiles(tally.latencies_seconds),
                mean_ms=None,
                lateness=percentiles(tally.lateness_seconds) if open_loop else None,
                costs=costs,
                connections_by_worker=split,
            )
        )

    def _same(self, name: str, *, share: float = 1.0, hot: bool = False) -> None:
        customers = self._customers[-1:] if hot else self._customers[:-1]
        variables = self._script.constants | {
            "first_customer": str(customers[0].customer_id),
            "last_customer": str(customers[-1].customer_id),
            "api_key_offset": str(customers[0].api_key_id - customers[0].customer_id),
            "first_issue": str(self._first_number()),
            "sequence": "0",
        }
        with tempfile.TemporaryDirectory(prefix="rsolv-bench-script-") as directory:
            script = Path(directory) / "same.sql"
            script.write_text(self._script.text, encoding="utf-8")
            self.consumed_by_pgbench += self._pgbench(
                name, self._same_sql, script, variables=variables, share=share, as_product=True
            )

    def _least_debit(self) -> None:
        variables = {
            "customers": str(self._parameters.customers),
            "first_key": str(self._first_number()),
            "sequence": "0",
        }
        self._pgbench(LEAST, self._least, LEAST_DEBIT, variables=variables)

    def _pgbench(
        self,
        name: str,
        pgbench: Pgbench,
        script: Path,
        *,
        variables: dict[str, str],
        share: float = 1.0,
        as_product: bool = False,
    ) -> int:
        self._meter.read()
        seconds = self._parameters.seconds * share
        result = pgbench.run(script, seconds=seconds, variables=variables, as_product=as_product)
        self._note(
            Run(
                name=name,
                per_second=result.per_second,
                acknowledged=result.transactions,
                troubles={},
                trouble_example="",
                latency=None,
                mean_ms=result.latency_ms,
                lateness=None,
                costs=self._meter.read(),
                connections_by_worker=[],
            )
        )
        return result.transactions

    def _first_number(self) -> int:
        """
        Give the first number of a range that no other run of pgbench uses.
        """
        self._pgbench_runs += 1
        return LAST_ISSUE + 1 + self._pgbench_runs * self._parameters.connections * ISSUES_PER_CLIENT

    def _note(self, run: Run) -> None:
        self.runs.append(run)
        latency = f"p95 {run.latency.p95_ms:6.1f} ms" if run.latency else f"mean {run.mean_ms or 0:5.1f} ms"
        troubles = "".join(f"  {count} x {kind}!" for kind, count in run.troubles.items())
        self._announce(
            f"{run.name:32} {run.per_second:8,.0f}/s  {latency}  others {run.costs.others_cores:.1f} cores{troubles}"
        )
