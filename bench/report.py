"""
Results for people.
"""

from collections.abc import Sequence

from bench.campaign import (
    BILLABLE,
    BILLABLE_OPEN,
    HEALTH,
    HOT,
    LEAST,
    ONBOARD,
    OPEN_CONNECTIONS,
    SAME_SQL,
    SAME_SQL_HOT,
    SCAN,
    SCAN_OPEN,
    Run,
)
from bench.latencies import Spread, spread
from bench.results import Results

CLOSED = (BILLABLE, HOT, SCAN, ONBOARD, HEALTH)
OPEN = (BILLABLE_OPEN, SCAN_OPEN)
PGBENCH = (SAME_SQL, LEAST, SAME_SQL_HOT)
QUIET_CORES_MAX = 0.1


def as_markdown(results: Results) -> str:
    """
    Write what was measured, on what, and which aims are met.
    """
    sections = [_head(results), _aims(results), _rates(results), _fixed_rate(results), _ratios(results)]
    sections += [_costs(results), _memory(results), _books(results), _machine(results), _method(results)]
    return "\n\n".join(sections) + "\n"


def _head(results: Results) -> str:
    others = spread([run.costs.others_cores for run in results.runs])
    is_quiet = others.high <= QUIET_CORES_MAX
    quiet = "a quiet machine" if is_quiet else "**not a quiet machine**; read rates and latencies with that in mind"
    given = results.parameters
    return (
        "# Benchmark results\n\n"
        f"Written by `make bench` on {results.measured_at:%Y-%m-%d}. {given.connections} connections, "
        f"{given.customers} customers, {given.seconds:g} s for each main measurement, {given.repetitions} rounds. "
        "Figures are medians of the rounds with their range in brackets.\n"
        f"Meanwhile others used {_figure(others, 2)} of {results.machine.cores} cores: {quiet}."
    )


def _aims(results: Results) -> str:
    rows = [[aim.wanted, aim.found, "met" if aim.is_met else "**not met**"] for aim in results.aims()]
    return "## Aims\n\n" + _table(["aim", "found", ""], rows)


def _rates(results: Results) -> str:
    rows = [
        [name, _figure(results.rates(name), 0), *_latencies(results, name), _troubles(results, name)] for name in CLOSED
    ]
    for name in PGBENCH:
        mean = spread([run.mean_ms for run in results.named(name) if run.mean_ms is not None])
        rows.append([name, _figure(results.rates(name), 0), f"mean {_figure(mean, 1)}", "", "", "none"])
    return "## Closed loop: as fast as answers come\n\n" + _table(
        ["", "per second", "p50 ms", "p95 ms", "p99 ms", "not acknowledged"], rows
    )


def _fixed_rate(results: Results) -> str:
    rows = [[name, *_latencies(results, name), _lateness(results, name), _troubles(results, name)] for name in OPEN]
    return (
        "## Open loop: requests come at a fixed rate\n\n"
        f"Over at most {OPEN_CONNECTIONS} connections; latency counts from the moment the request was due, so the "
        "generator's own lateness (its timers have a millisecond) is in it.\n\n"
        + _table(["", "p50 ms", "p95 ms", "p99 ms", "of it sent late, p95 ms", "not acknowledged"], rows)
    )


def _ratios(results: Results) -> str:
    rows = [[ratio.name, _figure(ratio.spread, 2)] for ratio in results.ratios()]
    return "## The product beside pgbench\n\n" + _table(["ratio of the rates", ""], rows)


def _costs(results: Results) -> str:
    names = (*CLOSED, *OPEN, *PGBENCH)
    rows = [
        [name, *(_figure(_cpu(results.named(name), part), 0) for part in ("web", "postgres", "generator"))]
        for name in names
    ]
    return (
        "## Processor time per request, in microseconds\n\n"
        "The steadiest figures on a busy machine. The generator is ours or pgbench.\n\n"
        + _table(["", "web", "PostgreSQL", "generator"], rows)
    )


def _memory(results: Results) -> str:
    rows = [
        [memory.process, f"{memory.rss_mb:.0f}", f"{memory.pss_mb:.0f}" if memory.pss_mb is not None else "unknown"]
        for memory in results.memory
    ]
    return "## Memory after the load, in MB\n\n" + _table(["process", "RSS", "PSS"], rows)


def _books(results: Results) -> str:
    books = results.books
    breaches = "".join(f"\n- **breached** {breach}" for breach in books.breaches)
    return (
        "## Books after the load\n\n"
        f"The load had {books.acknowledged:,} consumed fixes acknowledged and {books.stored:,} are stored; pgbench "
        f"{books.pgbench_acknowledged:,} and {books.pgbench_stored:,}. {books.invariants} invariants were verified, "
        f"{len(books.breaches)} breached.{breaches}"
    )


def _machine(results: Results) -> str:
    machine = results.machine
    fsync = f"{machine.fdatasync_per_second:,.0f} per second" if machine.fdatasync_per_second else "not measured"
    rows = [
        ["processor", f"{machine.cpu}, {machine.cores} cores, {machine.memory_gb:g} GB"],
        ["system", f"{machine.kernel}, {machine.file_system}"],
        ["fdatasync of 8 kB (pg_test_fsync)", fsync],
        ["Python", machine.python],
        ["packages", ", ".join(f"{name} {version}" for name, version in machine.packages.items())],
        ["PostgreSQL", ", ".join(f"{name} = {value}" for name, value in machine.postgresql.items())],
    ]
    return "## Machine\n\n" + _table(["", ""], rows)


def _method(results: Results) -> str:
    splits = sorted({tuple(sorted(run.connections_by_worker)) for run in results.runs if run.connections_by_worker})
    return f"""## How it was measured

- A durable cluster of its own, the schema migrated, customers provisioned by the product's own verbs,
  then a warm-up that gives them a history of fixes, and VACUUM ANALYZE.
- `rsolv web` with 2 workers and `rsolv worker`, default settings; load and PostgreSQL on the same cores, none pinned.
- *billable store*: a mitigation of about a kilobyte that fixed a new issue, of a random customer each time.
  *not billable*: a scan at a new commit. *onboarding*: a new customer with key, credits and promised jobs.
- *{SAME_SQL}*: {results.statements} statements, BEGIN and COMMIT among them, recorded while the product's application
  answered one billable store, with its role and time limits, prepared, ids flowing from statement to statement.
  Repeated instead of varied: {", ".join(results.frozen) or "nothing"}.
- *{LEAST}*: one statement (bench/least_debit.sql): idempotency key, balance guarded against going below zero, row.
- Product and pgbench take turns, the one first in one round, the other in the next.
- How the connections fell to the web workers: {splits}."""


def _latencies(results: Results, name: str) -> list[str]:
    return [_figure(results.latency(name, figure), 1) for figure in ("p50_ms", "p95_ms", "p99_ms")]


def _lateness(results: Results, name: str) -> str:
    return _figure(spread([run.lateness.p95_ms for run in results.named(name) if run.lateness is not None]), 1)


def _troubles(results: Results, name: str) -> str:
    kinds: dict[str, int] = {}
    for run in results.named(name):
        for kind, count in run.troubles.items():
            kinds[kind] = kinds.get(kind, 0) + count
    examples = [run.trouble_example for run in results.named(name) if run.trouble_example][:1]
    counted = ", ".join(f"{count} x {kind}" for kind, count in kinds.items())
    return f"{counted} {' '.join(f'`{example}`' for example in examples)}".strip() or "none"


def _cpu(runs: list[Run], part: str) -> Spread:
    return spread([run.cpu_us(part) for run in runs])


def _figure(values: Spread, digits: int) -> str:
    return f"{values.median:,.{digits}f} ({values.low:,.{digits}f}-{values.high:,.{digits}f})"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
