"""
The figures of deliveries, for people.
"""

from dataclasses import dataclass
from datetime import datetime

from bench.charging_report import QUIET_CORES_MAX, table
from bench.delivering import HANDLED_SECONDS_MAX, Delivered
from bench.latencies import Percentiles
from bench.machine import Machine
from bench.pgbench import PgbenchResult

PER_SECOND, ACK_P95_MS_MAX = 1_000 / 60, 12.0
PARTS = ("web", "worker", "PostgreSQL", "twin", "load", "others")


@dataclass(frozen=True)
class Measured:
    """
    All that was measured.
    """

    measured_at: datetime
    seconds: float
    step_seconds: float
    workers: int
    latency_ms: float
    machine: Machine
    busy: dict[str, float]
    steady: Delivered
    steps: list[Delivered]
    bare: Percentiles
    least: PgbenchResult
    row_bytes: int
    twin_mistakes: int


def as_markdown(measured: Measured) -> str:
    """
    Write what was measured, and which aims are met.
    """
    sections = [_head(measured), _aims(measured), _rounds(measured), _beside(measured), _limits(measured)]
    return "\n\n".join([*sections, _machine(measured.machine)]) + "\n"


def _head(measured: Measured) -> str:
    others = measured.busy["others"]
    is_quiet = others <= QUIET_CORES_MAX
    quiet = "a quiet machine" if is_quiet else "**not a quiet machine**; read all figures with that in mind"
    return (
        "# Deliveries\n\n"
        f"Written by `make bench-deliveries` on {measured.measured_at:%Y-%m-%d}. Real processes on the same cores: "
        f"PostgreSQL (fsync on), 2 web workers, {measured.workers} worker, the twin of Stripe with "
        f"{measured.latency_ms:g} ms per call, the load. The steady round delivers events of a history at the "
        "twin that the product had not heard of, each once; in the steps to the highest rate they come again under "
        "other ids, with the limits on calls to Stripe raised.\n"
        f"In the steady round others used {others:.2f} of {measured.machine.cores} cores: {quiet}."
    )


def _aims(measured: Measured) -> str:
    steady, sustained = measured.steady, _sustained(measured)
    lossless = f"{steady.sent:,} sent, {steady.stored:,} stored, {steady.outcomes.get('waiting', 0)} not handled"
    rows = [
        [
            f"1,000 deliveries/min for {measured.seconds:g} s: acknowledged in at most {ACK_P95_MS_MAX:g} ms, p95",
            f"{steady.ack.p95_ms:.1f} ms",
            _met(is_met=steady.ack.p95_ms <= ACK_P95_MS_MAX),
        ],
        [
            f"all handled within {HANDLED_SECONDS_MAX:g} s",
            f"the slowest after {steady.lag.max_ms / 1_000:.2f} s",
            _met(is_met=steady.lag.max_ms <= HANDLED_SECONDS_MAX * 1_000),
        ],
        ["nothing is lost", lossless, _met(is_met=steady.is_lossless)],
        ["the highest rate sustained", f"{sustained:,.0f}/s" if sustained else "none of the steps", ""],
    ]
    return "## Aims\n\n" + table(["aim", "found", ""], rows)


def _sustained(measured: Measured) -> float:
    return max((each.acked_per_second for each in measured.steps if each.is_sustained), default=0.0)


def _rounds(measured: Measured) -> str:
    rounds = [measured.steady, *measured.steps]
    rows = [
        ["acknowledged per second", *(f"{each.acked_per_second:.1f}" for each in rounds)],
        *(
            [f"acknowledgement, {name} ms", *(f"{getattr(each.ack, f'{name}_ms'):.1f}" for each in rounds)]
            for name in ("p50", "p95", "p99", "max")
        ),
        *(
            [f"delivered to handled, {name} s", *(f"{getattr(each.lag, f'{name}_ms') / 1_000:.2f}" for each in rounds)]
            for name in ("p50", "p95", "p99", "max")
        ),
        ["sent", *(f"{each.sent:,}" for each in rounds)],
        ["stored", *(f"{each.stored:,}" for each in rounds)],
        *([outcome, *(f"{each.outcomes.get(outcome, 0):,}" for each in rounds)] for outcome in _outcomes(rounds)),
        ["not acknowledged", *(_listed(each.troubles) for each in rounds)],
    ]
    names = ["steady", *(f"{each.offered_per_second:g}/s" for each in measured.steps)]
    heading = f"## Rounds\n\nThe steady one of {measured.seconds:g} s, then steps of {measured.step_seconds:g} s.\n\n"
    return heading + table(["", *names], rows)


def _outcomes(rounds: list[Delivered]) -> list[str]:
    return sorted({outcome for each in rounds for outcome in each.outcomes})


def _beside(measured: Measured) -> str:
    steady = measured.steady
    rows = [[name, f"{took.p50_ms:.1f}", f"{took.p95_ms:.1f}"] for name, took in steady.beside.items()]
    busy = ", ".join(f"{part} {measured.busy[part]:.2f}" for part in PARTS)
    troubles = f"\n\nNot acknowledged: {_listed(steady.beside_troubles)}. Cores busy: {busy}."
    return "## Beside it, in the steady round\n\n" + table(["", "p50 ms", "p95 ms"], rows) + troubles


def _limits(measured: Measured) -> str:
    least = measured.least
    rows = [
        ["the same server's answer without a database, same rate, p95", f"{measured.bare.p95_ms:.1f} ms"],
        [
            f"pgbench: a row as large as a delivery ({measured.row_bytes:,} bytes), one a commit, 16 connections",
            f"{least.per_second:,.0f} per second, {least.latency_ms:.2f} ms",
        ],
    ]
    return "## What limits it\n\nMeasured in the same run.\n\n" + table(["", ""], rows)


def _machine(machine: Machine) -> str:
    fsync = f"{machine.fdatasync_per_second:,.0f} per second" if machine.fdatasync_per_second else "not measured"
    rows = [
        ["processor", f"{machine.cpu}, {machine.cores} cores, {machine.memory_gb:g} GB"],
        ["system", f"{machine.kernel}, {machine.file_system}"],
        ["fdatasync of 8 kB (pg_test_fsync)", fsync],
        ["Python", machine.python],
        ["PostgreSQL", machine.postgresql["server_version"]],
    ]
    return "## Machine\n\n" + table(["", ""], rows)


def _listed(troubles: dict[str, int]) -> str:
    return ", ".join(f"{count} x {kind}" for kind, count in troubles.items()) or "none"


def _met(*, is_met: bool) -> str:
    return "met" if is_met else "**not met**"
