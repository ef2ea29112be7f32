"""
All that was measured, and how it stands against what we aim for.
"""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from bench.books import Books
from bench.campaign import BILLABLE, BILLABLE_OPEN, HOT, LEAST, SAME_SQL, SAME_SQL_HOT, SCAN_OPEN, Parameters, Run
from bench.latencies import Spread, spread
from bench.machine import Machine
from bench.product import Memory

SHARE_OF_PGBENCH_MIN = 0.5
OPEN_P95_MS_MAX = 12.0
WORKER_MB_MAX = 80.0


@dataclass(frozen=True)
class Ratio:
    """
    The product's rate over pgbench's, round by round.
    """

    name: str
    spread: Spread


@dataclass(frozen=True)
class Aim:
    """
    What we want, what was found, and whether that is met.
    """

    wanted: str
    found: str
    is_met: bool


@dataclass(frozen=True)
class Results:
    """
    One whole measurement. *frozen* are the parameters that pgbench repeats and the product varies.
    """

    measured_at: datetime
    parameters: Parameters
    machine: Machine
    runs: list[Run]
    memory: list[Memory]
    books: Books
    statements: int
    frozen: list[str]

    @property
    def is_sound(self) -> bool:
        """
        Whether every request was acknowledged and the books are right.
        """
        return self.books.are_right and not any(run.troubles for run in self.runs)

    def named(self, name: str) -> list[Run]:
        """
        Give the repetitions of one measurement, in the order they were made.
        """
        return [run for run in self.runs if run.name == name]

    def rates(self, name: str) -> Spread:
        """
        Give requests per second over the repetitions.
        """
        return spread([run.per_second for run in self.named(name)])

    def latency(self, name: str, figure: str) -> Spread:
        """
        Give one figure of the latency (p50_ms, p95_ms, p99_ms) over the repetitions.
        """
        return spread([getattr(run.latency, figure) for run in self.named(name) if run.latency is not None])

    def ratios(self) -> list[Ratio]:
        """
        Give the product's share of what pgbench reaches, each round by itself.
        """
        pairs = [(BILLABLE, SAME_SQL), (BILLABLE, LEAST), (HOT, SAME_SQL_HOT)]
        return [Ratio(f"{ours} / {theirs}", self._ratio(ours, theirs)) for ours, theirs in pairs]

    def aims(self) -> list[Aim]:
        """
        Hold the figures against what we aim for: medians of the rounds, the largest web worker.
        """
        share = self._ratio(BILLABLE, SAME_SQL).median
        largest_mb = max(memory.rss_mb for memory in self.memory if memory.process.startswith("web worker"))
        open_loop = [(name, self.latency(name, "p95_ms").median) for name in (BILLABLE_OPEN, SCAN_OPEN)]
        return [
            Aim(
                f"{BILLABLE}: at least {SHARE_OF_PGBENCH_MIN} of {SAME_SQL}",
                f"{share:.2f}",
                share >= SHARE_OF_PGBENCH_MIN,
            ),
            *(
                Aim(f"{name}: p95 at most {OPEN_P95_MS_MAX:g} ms", f"{p95_ms:.1f} ms", p95_ms <= OPEN_P95_MS_MAX)
                for name, p95_ms in open_loop
            ),
            Aim(
                f"a web worker holds at most {WORKER_MB_MAX:g} MB (RSS)",
                f"{largest_mb:.0f} MB",
                largest_mb <= WORKER_MB_MAX,
            ),
            Aim("every request is acknowledged", f"{self._troubles()} were not", self._troubles() == 0),
            Aim(
                "the books hold what was acknowledged",
                f"{self.books.stored} of {self.books.acknowledged}, {len(self.books.breaches)} invariants breached",
                self.books.are_right,
            ),
        ]

    def _ratio(self, ours: str, theirs: str) -> Spread:
        rounds = zip(self.named(ours), self.named(theirs), strict=True)
        return spread([our.per_second / their.per_second for our, their in rounds])

    def _troubles(self) -> int:
        return sum(sum(run.troubles.values()) for run in self.runs)


def as_json(results: Results) -> str:
    """
    Write everything for a program, with ratios and aims.
    """
    whole = {
        "measured_at": results.measured_at,
        "parameters": results.parameters,
        "machine": results.machine,
        "ratios": results.ratios(),
        "aims": results.aims(),
        "memory": results.memory,
        "books": results.books,
        "statements": results.statements,
        "frozen": results.frozen,
        "runs": results.runs,
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=1).decode() + "\n"
