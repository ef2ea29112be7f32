"""
`python -m crashes --kills 1000`: the long run, with a progress bar and a table; exits with 1 unless every row is fine.

Calm weather and forgotten keys have so many kills at each point; the weathers that are slow have a tenth, killed
servers a fiftieth. There are ten times as many races, in all their kinds together.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from crashes.facts import gather
from crashes.ground import new_database, open_ground
from crashes.judge import judge
from crashes.lane import Lane, open_lanes
from crashes.planted import BUG_OF, BUG_OF_RACES, BUG_OF_SERVER_KILLS, BUGS, plant
from crashes.races import CONTESTS, run_races
from crashes.runs import POINTS, WORKER_POINTS, run_point
from crashes.server_kills import ServerKills, plant_unawaited_commits
from crashes.table import Row, table_of
from crashes.weather import WEATHERS, Weather
from crashes.yard import open_yard, twin_process
from rsolv.local.cluster import Cluster
from rsolv.logs import set_up_logging

SHARE: Mapping[str, int] = {"calm": 1, "keys forgotten": 1, "a day later": 10, "storm": 10}
KILLS_MIN: Mapping[str, int] = {"calm": 1, "keys forgotten": 1, "a day later": 1, "storm": 5}
SERVER_SHARE = 50
SERVER_KILLS_MIN = 10
RACES_PER_KILL = 10
LOG_COLUMNS = 180
WORKS_PLANTED = 3
KILLED_AT_LEAST = {"calm": 1.0, "keys forgotten": 1.0, "a day later": 1.0, "storm": 0.3, "server killed": 0.3}
"""
Which part of the processes has to come to its point: where calls fail, not every one does.
"""


@dataclass
class Run:
    """
    The long run: where it happens, how far it is.
    """

    cluster: Cluster
    stripe_url: str
    lanes: list[Lane]
    progress: Progress
    caught: dict[str, bool]

    async def plant_all(self) -> None:
        """
        Find out of each planted bug whether it is caught.
        """
        task = self.progress.add_task("planted bugs", total=len(BUGS))
        for bug in BUGS:
            async with new_database(self.cluster) as url, open_yard(url, self.stripe_url, self.lanes) as yard:
                self.caught[bug] = bool((await plant(yard, bug)).findings)
            self.progress.advance(task)

    async def plant_at_server(self) -> None:
        """
        Find out of the server's own planted bug whether it is caught.
        """
        server = ServerKills(self.cluster, strikes=1)
        async with new_database(self.cluster) as url, open_yard(url, self.stripe_url, self.lanes) as yard:
            verdict = await plant_unawaited_commits(yard, server, WORKS_PLANTED)
        self.caught[BUG_OF_SERVER_KILLS] = bool(verdict.lost_charges)

    async def row(self, name: str, weather: Weather, point: str, kills: int) -> Row:
        """
        Try one crash point in one weather, over a database and a twin in which nothing has happened yet.
        """
        task = self.progress.add_task(f"{name}: {point}", total=kills)
        struck_before = weather.struck
        async with new_database(self.cluster) as url, open_yard(url, self.stripe_url, self.lanes) as yard:
            tally = await run_point(
                yard, point, kills, weather=weather, progress=lambda done: self.progress.advance(task, done)
            )
            verdict = judge(await gather(yard, works=tally.works))
        self.progress.remove_task(task)
        unclean = tally.complaints if KILLED_AT_LEAST[name] == 1 else []
        if weather.has_to_strike and weather.struck == struck_before:
            unclean = [*unclean, "nothing but the kills went wrong: this row measured less than it says"]
        bug = BUG_OF_SERVER_KILLS if isinstance(weather, ServerKills) else BUG_OF[point]
        return Row(
            weather=name,
            what=point,
            kills=tally.kills,
            kills_wanted=int(kills * KILLED_AT_LEAST[name]),
            verdict=verdict,
            unclean=tuple(unclean),
            bug=bug,
            is_bug_caught=self.caught[bug],
        )

    async def races(self, racers: tuple[str, ...], races: int) -> Row:
        """
        Run one kind of race.
        """
        name = " - ".join(racers)
        task = self.progress.add_task(name, total=races)
        async with new_database(self.cluster) as url, open_yard(url, self.stripe_url, self.lanes) as yard:
            unclean = await run_races(yard, racers, races, progress=lambda done: self.progress.advance(task, done))
            verdict = judge(await gather(yard, works=races))
        self.progress.remove_task(task)
        return Row(
            weather="race",
            what=name,
            kills=verdict.debts,
            kills_wanted=races,
            verdict=verdict,
            unclean=tuple(unclean),
            bug=BUG_OF_RACES,
            is_bug_caught=self.caught[BUG_OF_RACES],
        )


async def prove(run: Run, durable: Cluster, kills: int) -> list[Row]:
    """
    Run everything, and return the rows of the table.
    """
    await run.plant_all()
    whole = run.progress.add_task("rows", total=len(SHARE) * len(POINTS) + len(CONTESTS) + len(WORKER_POINTS))
    rows: list[Row] = []

    def done(row: Row) -> None:
        rows.append(row)
        run.progress.advance(whole)

    for name, share in SHARE.items():
        for point in POINTS:
            done(await run.row(name, WEATHERS[name], point, max(kills // share, KILLS_MIN[name])))
    for racers in CONTESTS:
        done(await run.races(racers, max(kills * RACES_PER_KILL // len(CONTESTS), 1)))
    run.cluster = durable
    await run.plant_at_server()
    for point in WORKER_POINTS:
        weather = ServerKills(durable, strikes=1)
        done(await run.row("server killed", weather, point, max(kills // SERVER_SHARE, SERVER_KILLS_MIN)))
    return rows


def main() -> int:
    """
    Run, print the table and what is wrong.
    """
    parser = argparse.ArgumentParser(prog="python -m crashes", description="Kill processes while they charge.")
    parser.add_argument("--kills", type=int, default=1000, help="processes killed at each crash point")
    kills = parser.parse_args().kills
    console = Console()
    if not console.is_terminal:
        console = Console(width=LOG_COLUMNS)
    set_up_logging(level="error", as_json=False)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with ExitStack() as stack:
        places = [Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rsolv-crashes-"))) for _ in range(3)]
        lanes = stack.enter_context(open_lanes(places[2] / "nursery.log"))
        stripe_url = stack.enter_context(twin_process(places[2]))
        cluster = stack.enter_context(open_ground(places[0], durable=False))
        durable = stack.enter_context(open_ground(places[1], durable=True))
        progress = stack.enter_context(Progress(*columns, console=console))
        run = Run(cluster=cluster, stripe_url=stripe_url, lanes=lanes, progress=progress, caught={})
        rows = asyncio.run(prove(run, durable, kills))
    console.print(table_of(rows))
    complaints = [complaint for row in rows for complaint in row.complaints()]
    for complaint in complaints:
        console.print(complaint, style="red", markup=False)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
