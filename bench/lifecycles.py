"""
`make lifecycles LIVES=1000`: live so many lives at random, and write what they came to.

A life is a customer's, of up to 26 months: here, at Stripe's twin and in a model that was written from the
specification. After every step the three must agree, and at its end every invariant must hold. Each core lives a share.
"""

import argparse
import asyncio
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from bench.charging_report import table
from bench.machine import Machine, describe
from crashes.ground import TEMPLATE, open_ground
from rsolv.logs import set_up_logging
from subscriptions.life_machine import DISAGREED, Ground, Tally, live, live_by_script
from subscriptions.planted_lives import BUGS

HERE = Path(__file__).parent
HOW = (
    "After each step the product, Stripe's twin and a model written from the specification had to agree on "
    "subscriptions, periods, plan, credits, money by account, fixes, freezes and losses; at the end of each life "
    "every invariant of every room had to hold. In some lives no event was ever delivered; in the others each came, "
    "some twice, in any order."
)
STEPS, AT_A_TIME, WORDS_MAX = 60, 25, 200


@dataclass(frozen=True)
class Caught:
    """
    A planted bug, and what disagreed in the life in which most happens; None: it was not noticed.
    """

    bug: str
    noticed: str | None


def main() -> int:
    """
    Live, print, write; 0 when nothing differed and every planted bug was noticed.
    """
    lives, file = _parameters()
    set_up_logging(level="critical", as_json=False)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="rsolv-lives-") as name, open_ground(Path(name), durable=False) as cluster:
        machine = asyncio.run(describe(cluster, Path(name)))
        ground = Ground(cluster.url, TEMPLATE)
        caught = [_plant(ground, bug) for bug in BUGS]
    tally, differences = _live_on_all_cores(lives)
    text = _as_markdown(tally, differences, caught, machine, minutes=(time.monotonic() - began) / 60)
    print(text)
    file.write_text(text, encoding="utf-8")
    return 1 if differences or any(each.noticed is None for each in caught) else 0


def _live_on_all_cores(lives: int) -> tuple[Tally, list[str]]:
    """
    Live at least so many lives, a share on each core; return what was lived through and what differed.
    """
    cores = os.cpu_count() or 1
    live_share = partial(_live_share, cores=cores, lives=-(-lives // cores))
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as processes:
        shares = list(processes.map(live_share, range(cores)))
    return sum((tally for tally, _ in shares), Tally()), [each for _, differences in shares for each in differences]


def _live_share(first: int, *, cores: int, lives: int) -> tuple[Tally, list[str]]:
    """
    Live at least so many lives on a server of their own, some at a time, each time drawn as no other process draws.
    """
    set_up_logging(level="critical", as_json=False)
    tally, differences = Tally(), list[str]()
    with tempfile.TemporaryDirectory(prefix="rsolv-lives-") as name, open_ground(Path(name), durable=False) as cluster:
        for draw in itertools.count(first, cores):
            try:
                count = min(AT_A_TIME, lives - tally.lives)
                live(Ground(cluster.url, TEMPLATE), tally, lives=count, steps=STEPS, draw=draw)
            except DISAGREED as error:
                differences.append(f"draw {draw}: {type(error).__name__}: {error}")
                _announce(differences[-1])
            _announce(f"process {first}: {tally.lives:,} of {lives:,} lives, {tally.months:,.0f} months")
            if tally.lives >= lives:
                break
    return tally, differences


def _plant(ground: Ground, bug: str) -> Caught:
    try:
        live_by_script(ground, plant=BUGS[bug])
    except DISAGREED as error:
        words = " ".join(str(error).split())
        _announce(f"planted: {bug}: {words}")
        return Caught(bug, words[:WORDS_MAX])
    return Caught(bug, None)


def _as_markdown(
    tally: Tally, differences: Sequence[str], caught: Sequence[Caught], machine: Machine, *, minutes: float
) -> str:
    steps = [[name, f"{count:,}"] for name, count in sorted(tally.steps.items())]
    bugs = [[each.bug, each.noticed or "**not noticed**"] for each in caught]
    differing = "".join(f"\n- **{each}**" for each in differences) or "none."
    machine_words = f"{machine.cpu}, {machine.cores} cores, {machine.kernel}, {machine.python}"
    head = (
        f"# Lifecycles\n\nWritten by `make lifecycles LIVES={tally.lives}` on {datetime.now(UTC):%Y-%m-%d}, in "
        f"{minutes:.0f} min on {machine_words}, PostgreSQL {machine.postgresql['server_version']}.\n\n"
        f"{tally.lives:,} lives at random, {tally.months:,.0f} months in all, the longest {tally.longest:.0f}, "
        f"{tally.steps.total():,} steps. "
    )
    return (
        f"{head}{HOW}\n\nDifferences: {differing}\n\n## What happened\n\n{table(['step', 'times'], steps)}\n\n"
        f"## Planted bugs\n\n{table(['left out', 'noticed'], bugs)}\n"
    )


def _parameters() -> tuple[int, Path]:
    parser = argparse.ArgumentParser(prog="python -m bench.lifecycles", description=__doc__)
    parser.add_argument("--lives", type=int, default=1_000)
    parser.add_argument("--write", type=Path, default=HERE / "LIFECYCLES.md", help="where the table is kept")
    given = parser.parse_args()
    return given.lives, given.write


def _announce(line: str) -> None:
    print(f"[{time.monotonic() - _STARTED:5.0f} s] {line}", file=sys.stderr, flush=True)


_STARTED = time.monotonic()

if __name__ == "__main__":
    sys.exit(main())
