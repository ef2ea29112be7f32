"""
The long run, in parts: every point in every weather, the races, the timeouts; a row for each, and its planted bug.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from rich.progress import Progress

from crashes.facts import gather
from crashes.ground import new_database
from crashes.judge import judge
from crashes.lane import Lane
from crashes.planted import BUG_OF, BUG_OF_RACES, BUG_OF_SERVER_KILLS, BUG_OF_TIMEOUTS, plant
from crashes.races import CONTESTS, MAY_CANCEL, run_races
from crashes.report import Extent
from crashes.runs import run_point, run_timeouts
from crashes.server_kills import ServerKills, plant_unawaited_commits
from crashes.table import Row
from crashes.ways import POINTS, WORKER_POINTS
from crashes.weather import WEATHERS, Weather
from crashes.yard import CUSTOMERS, Yard, open_yard
from rsolv.local.cluster import Cluster

SENT_PER_STRIKE = 10
FIXES_PER_CUSTOMER = 25
SERVER_KILLED = "server killed"
CONTENTION = "timeouts and races"
WORKS_PLANTED = 3


@dataclass
class LongRun:
    """
    One part: where it happens, how far it is, what came of it.
    """

    part: str
    cluster: Cluster
    durable: Cluster
    stripe_url: str
    lanes: list[Lane]
    progress: Progress
    extent: Extent
    rows: list[Row] = field(default_factory=list)
    caught: dict[str, bool] = field(default_factory=dict)

    @property
    def rows_planned(self) -> int:
        """
        Return how many rows there will be.
        """
        return {CONTENTION: 1 + len(CONTESTS), SERVER_KILLED: len(WORKER_POINTS)}.get(self.part, len(POINTS))

    async def prove(self) -> None:
        """
        Run all of the part.
        """
        await PARTS[self.part](self)

    async def kill_processes(self) -> None:
        """
        Try every point in one weather.
        """
        await self._plant(dict.fromkeys(BUG_OF[point] for point in POINTS))
        for point in POINTS:
            await self._kill(self.cluster, WEATHERS[self.part], point)

    async def contend(self) -> None:
        """
        Have answers not come, and debts raced for.
        """
        await self._plant([BUG_OF_TIMEOUTS, BUG_OF_RACES])
        await self._time_out()
        for racers in CONTESTS:
            await self._race(racers, -(-self.extent.races // len(CONTESTS)))

    async def kill_servers(self) -> None:
        """
        Try every point of a worker's while PostgreSQL itself is killed.
        """
        await self._plant_unawaited_commits()
        for point in WORKER_POINTS:
            strikes = max(self.extent.kills // SENT_PER_STRIKE, 1)
            await self._kill(self.durable, ServerKills(self.durable, strikes=strikes, every=SENT_PER_STRIKE), point)

    async def _plant(self, bugs: Iterable[str]) -> None:
        """
        Find out of each of these bugs whether it is caught.
        """
        with self._task("planted bugs") as advance:
            for bug in bugs:
                async with self._yard(self.cluster) as yard:
                    self.caught[bug] = bool((await plant(yard, bug)).findings)
                advance(1)

    async def _plant_unawaited_commits(self) -> None:
        with self._task("planted bug"):
            async with self._yard(self.durable) as yard:
                verdict = await plant_unawaited_commits(yard, ServerKills(self.durable, strikes=1), WORKS_PLANTED)
            self.caught[BUG_OF_SERVER_KILLS] = bool(verdict.lost_charges)

    async def _kill(self, cluster: Cluster, weather: Weather, point: str) -> None:
        """
        Try one crash point in one weather, over a database and a twin in which nothing has happened yet.
        """
        wanted, struck_before = self.extent.kills, weather.struck
        with self._task(f"{self.part}: {point}", wanted) as advance:
            async with self._yard(cluster, wanted) as yard:
                tally = await run_point(yard, point, wanted, weather=weather, progress=advance)
                verdict = judge(await gather(yard, works=tally.works))
        struck = weather.struck - struck_before
        unclean = tally.complaints
        if weather.has_to_strike and not struck:
            unclean = [*unclean, "nothing but the kills went wrong: this row measured less than it says"]
        bug = BUG_OF_SERVER_KILLS if self.part == SERVER_KILLED else BUG_OF[point]
        self._done(
            Row(
                weather=self.part,
                what=point,
                kills=tally.kills,
                kills_wanted=wanted,
                verdict=verdict,
                unclean=tuple(unclean),
                bug=bug,
                is_bug_caught=self.caught[bug],
                struck=struck,
            )
        )

    async def _time_out(self) -> None:
        """
        Have so many answers not come, which must not make a second payment either.
        """
        wanted = self.extent.timeouts
        with self._task("timeouts", wanted) as advance:
            async with self._yard(self.cluster, wanted) as yard:
                tally = await run_timeouts(yard, wanted, progress=advance)
                verdict = judge(await gather(yard, works=tally.works))
        unclean = list(tally.complaints)
        if verdict.payments_at_stripe != verdict.debts:
            unclean.append(f"{verdict.payments_at_stripe} payments were made at Stripe for {verdict.debts} debts")
        self._done(
            Row(
                weather="timeouts",
                what="at random",
                kills=tally.kills,
                kills_wanted=wanted,
                verdict=verdict,
                unclean=tuple(unclean),
                bug=BUG_OF_TIMEOUTS,
                is_bug_caught=self.caught[BUG_OF_TIMEOUTS],
            )
        )

    async def _race(self, racers: tuple[str, ...], races: int) -> None:
        """
        Run one kind of race.
        """
        name = " - ".join(racers)
        with self._task(f"race: {name}", races) as advance:
            async with self._yard(self.cluster, races) as yard:
                raced = await run_races(yard, racers, races, progress=advance)
                verdict = judge(await gather(yard, works=raced.debts, may_be_canceled=MAY_CANCEL in racers))
        self._done(
            Row(
                weather="race",
                what=name,
                kills=raced.races,
                kills_wanted=races,
                verdict=verdict,
                unclean=tuple(raced.unclean),
                bug=BUG_OF_RACES,
                is_bug_caught=self.caught[BUG_OF_RACES],
            )
        )

    def _done(self, row: Row) -> None:
        self.rows.append(row)
        if not self.progress.console.is_terminal:
            self.progress.console.print(" | ".join(row.cells), markup=False)

    @contextmanager
    def _task(self, name: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        task = self.progress.add_task(name, total=total)
        yield lambda done: self.progress.advance(task, done)
        self.progress.remove_task(task)

    @asynccontextmanager
    async def _yard(self, cluster: Cluster, fixes: int = 0) -> AsyncIterator[Yard]:
        customers = max(CUSTOMERS, fixes // FIXES_PER_CUSTOMER)
        async with (
            new_database(cluster) as url,
            open_yard(url, self.stripe_url, self.lanes, customers=customers) as yard,
        ):
            yield yard


PARTS: Mapping[str, Callable[[LongRun], Awaitable[None]]] = {
    **dict.fromkeys(WEATHERS, LongRun.kill_processes),
    CONTENTION: LongRun.contend,
    SERVER_KILLED: LongRun.kill_servers,
}
"""
By name, what the long run consists of. Each can be run alone, beside another one.
"""
