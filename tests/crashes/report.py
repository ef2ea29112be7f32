"""
The table as a file to keep: what was killed, what came of it, how long it took and on what.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.machine import Machine
from crashes.table import HEADS, Row, sums_of

NO_KILLS = ("race", "timeouts")


@dataclass(frozen=True, kw_only=True)
class Extent:
    """
    How much was asked for.
    """

    kills: int
    races: int
    timeouts: int


PROMISED = Extent(kills=1_000, races=10_000, timeouts=5_000)


def as_markdown(
    part: str, rows: Sequence[Row], *, extent: Extent, minutes: float, machine: Machine, broken_off: Sequence[str] = ()
) -> str:
    """
    Lay out the rows of a part for a file; what falls short of what we promise, or is not fine, is said above the table.
    """
    command = f"make crash PART='{part}' N={extent.kills} RACES={extent.races} TIMEOUTS={extent.timeouts}"
    postgresql = machine.postgresql["server_version"]
    return "\n".join(
        [
            f"# Crash proof: {part}",
            "",
            f"Written by `{command}` in {minutes:.0f} min on {machine.cpu}, {machine.cores} cores,",
            f"{machine.kernel}, {machine.python}, PostgreSQL {postgresql}.",
            "",
            "Real processes are killed while they charge, and others finish; then every debt is compared with",
            "what Stripe's twin was paid. `kills` counts who died at the point (uncertain: lost a connection;",
            "X15: froze; race, timeouts: those), `also struck` failed calls and killed servers besides.",
            "",
            *_shortfalls(rows, extent),
            *_wrongs(rows, broken_off),
            _line(HEADS),
            _line("---" for _ in HEADS),
            *(_line(row.cells) for row in rows),
            _line(sums_of(rows)),
            "",
        ]
    )


def _shortfalls(rows: Sequence[Row], extent: Extent) -> list[str]:
    """
    Say how far the run stays below what we promise; where calls or servers fail, some processes end before their point.
    """
    fewest: dict[str, int] = {}
    for row in rows:
        fewest[row.weather] = min(row.kills, fewest.get(row.weather, row.kills))
    said = [
        f"- {weather}: {kills:,} kills at the point that had the fewest; promised are {PROMISED.kills:,}."
        for weather, kills in fewest.items()
        if weather not in NO_KILLS and kills < PROMISED.kills
    ]
    if "race" in fewest and extent.races < PROMISED.races:
        said.append(f"- {extent.races:,} races; promised are {PROMISED.races:,}.")
    if "timeouts" in fewest and extent.timeouts < PROMISED.timeouts:
        said.append(f"- {extent.timeouts:,} timeouts; promised are {PROMISED.timeouts:,}.")
    return [*said, ""] if said else []


def _wrongs(rows: Sequence[Row], broken_off: Sequence[str]) -> list[str]:
    wrong = [*broken_off, *(complaint for row in rows for complaint in row.complaints())]
    said = [f"- **{complaint}**" for complaint in wrong]
    return [*said, ""] if said else ["Nothing was wrong, and every planted bug was caught.", ""]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
