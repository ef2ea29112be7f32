"""
The figures of charging, for people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bench.charging_evidence import Matching
from bench.charging_round import Round
from bench.machine import Machine

STRIPES_LIMIT = 25
WITHIN_PER_SECOND, RAISED_PER_SECOND, SETTLED_P95_SECONDS_MAX = 20, 100, 5.0
STEADY = 0.97
"""
Of the rate at which fixes come, what settlements reach although the last one is a call's time later.
"""
QUIET_CORES_MAX = 0.1


@dataclass(frozen=True)
class Measured:
    """
    All that was measured.
    """

    measured_at: datetime
    seconds: float
    customers: int
    workers: int
    latency_ms: float
    machine: Machine
    rounds: list[Round]
    limits: dict[str, float]
    matching: Matching
    twin_mistakes: int


def as_markdown(measured: Measured) -> str:
    """
    Write what was measured, and which aims are met.
    """
    sections = [_head(measured), _aims(measured), _rounds(measured), *map(_heard, measured.rounds)]
    sections += [_limits(measured), _books(measured), _machine(measured)]
    return "\n\n".join(sections) + "\n"


def _head(measured: Measured) -> str:
    others = max(each.busy["others"] for each in measured.rounds)
    is_quiet = others <= QUIET_CORES_MAX
    quiet = "a quiet machine" if is_quiet else "**not a quiet machine**; read all figures with that in mind"
    return (
        "# Charges\n\n"
        f"Written by `make bench-charges` on {measured.measured_at:%Y-%m-%d}. Real processes on the same cores: "
        f"PostgreSQL (fsync on), 2 web workers, {measured.workers} worker, the twin of Stripe with "
        f"{measured.latency_ms:g} ms per call, the load. {measured.customers} customers with a card and no credits; "
        f"fixes came over HTTP for {measured.seconds:g} s a round.\n"
        f"Meanwhile others used {others:.2f} of {measured.machine.cores} cores: {quiet}."
    )


def _aims(measured: Measured) -> str:
    within, raised = measured.rounds
    most = max(each.most_in_a_second for each in within.heard)
    exact = measured.matching
    rows = [
        _aim(
            f"{WITHIN_PER_SECOND} charges/s sustained within Stripe's limits",
            f"{within.settled.per_second:.1f}/s",
            is_met=within.settled.per_second >= WITHIN_PER_SECOND * STEADY,
        ),
        _aim(f"no endpoint hears {STRIPES_LIMIT} calls in any second", f"{most}", is_met=most < STRIPES_LIMIT),
        _aim(
            f"accepted to settled: p95 at most {SETTLED_P95_SECONDS_MAX:g} s",
            f"{within.settled.latency.p95_ms / 1_000:.2f} s",
            is_met=within.settled.latency.p95_ms <= SETTLED_P95_SECONDS_MAX * 1_000,
        ),
        _aim(
            f"at least {RAISED_PER_SECOND} charges/s with the limits raised",
            f"{raised.settled.per_second:.1f}/s",
            is_met=raised.settled.per_second >= RAISED_PER_SECOND,
        ),
        _aim(
            "every payment has one posting, every posting one payment",
            f"{exact.payments:,} payments, {exact.postings:,} postings, {exact.unmatched} unmatched",
            is_met=exact.is_exact,
        ),
    ]
    return "## Aims\n\n" + table(["aim", "found", ""], rows)


def _rounds(measured: Measured) -> str:
    rows = [
        ["fixes offered per second", *(f"{each.offered_per_second:g}" for each in measured.rounds)],
        ["accepted per second", *(f"{each.accepted_per_second:.1f}" for each in measured.rounds)],
        ["acceptance, p95 ms", *(f"{each.acceptance.p95_ms:.1f}" for each in measured.rounds)],
        ["not accepted", *(_troubles(each) for each in measured.rounds)],
        ["settled", *(f"{each.settled.settled:,} of {each.settled.accepted:,}" for each in measured.rounds)],
        ["settled per second", *(f"{each.settled.per_second:.1f}" for each in measured.rounds)],
        *(
            [
                f"accepted to settled, {name} s",
                *(f"{getattr(each.settled.latency, f'{name}_ms') / 1_000:.2f}" for each in measured.rounds),
            ]
            for name in ("p50", "p95", "p99", "max")
        ),
        ["most jobs waiting", *(f"{each.most_waiting:,}" for each in measured.rounds)],
        [
            "longest transaction of the worker that was seen, ms",
            *(f"{each.longest_transaction_ms:.0f}" for each in measured.rounds),
        ],
        *(
            [f"processor time per charge, ms: {part}", *(f"{each.cpu_ms(part):.1f}" for each in measured.rounds)]
            for part in _PARTS[:4]
        ),
        *([f"cores busy: {part}", *(f"{each.busy[part]:.2f}" for each in measured.rounds)] for part in _PARTS),
    ]
    return "## Rounds\n\n" + table(["", *(each.name for each in measured.rounds)], rows)


_PARTS = ("worker", "web", "PostgreSQL", "twin", "load", "others")


def _heard(one: Round) -> str:
    rows = [
        [f"`{each.endpoint}`", f"{each.calls:,}", str(each.most_in_a_second), str(each.refused)] for each in one.heard
    ]
    return f"## What the twin heard, {one.name}\n\n" + table(
        ["endpoint", "calls", "most in any second", "refused"], rows
    )


def _limits(measured: Measured) -> str:
    rows = [[what, f"{rate:,.0f}"] for what, rate in measured.limits.items()]
    return "## What limits it\n\nMeasured in the same run, after the rounds.\n\n" + table(["", "per second"], rows)


def _books(measured: Measured) -> str:
    exact = measured.matching
    breaches = "".join(f"\n- **breached** {breach}" for breach in exact.breaches)
    return (
        f"## Books\n\nThe twin has {exact.payments:,} payments that succeeded, the ledger {exact.postings:,} postings "
        f"of their money, {exact.unmatched} without the other. {len(exact.breaches)} invariants of books, fixes and "
        f"charges are breached; the twin made {measured.twin_mistakes} mistakes of its own.{breaches}"
    )


def _machine(measured: Measured) -> str:
    machine = measured.machine
    fsync = f"{machine.fdatasync_per_second:,.0f} per second" if machine.fdatasync_per_second else "not measured"
    rows = [
        ["processor", f"{machine.cpu}, {machine.cores} cores, {machine.memory_gb:g} GB"],
        ["system", f"{machine.kernel}, {machine.file_system}"],
        ["fdatasync of 8 kB (pg_test_fsync)", fsync],
        ["Python", machine.python],
        ["PostgreSQL", machine.postgresql["server_version"]],
    ]
    return "## Machine\n\n" + table(["", ""], rows)


def _troubles(one: Round) -> str:
    return ", ".join(f"{count} x {kind}" for kind, count in one.troubles.items()) or "none"


def _aim(wanted: str, found: str, *, is_met: bool) -> list[str]:
    return [wanted, found, "met" if is_met else "**not met**"]


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """
    Write a table.
    """
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
