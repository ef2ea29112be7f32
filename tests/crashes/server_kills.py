"""
PostgreSQL itself is killed while processes work, and what it must not have acknowledged is looked for.
"""

import asyncio
import os
import random
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import asyncpg

from crashes.deadlines import STOP_SECONDS, TooLate
from crashes.facts import gather
from crashes.judge import Verdict, judge
from crashes.weather import Weather
from crashes.yard import Yard
from rsolv.local.cluster import Cluster

STRIKES_AFTER_SECONDS = (0.002, 0.02)


@dataclass
class ServerKills(Weather):
    """
    PostgreSQL itself is killed, all of its processes, so many times while others work; then it is started again.
    """

    cluster: Cluster
    strikes: int
    every: int = 2
    struck: int = 0
    failure: BaseException | None = None
    has_to_strike: ClassVar[bool] = True
    _chance: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 -- chance that can be repeated
    _sent: int = 0

    async def begin(self, yard: Yard) -> None:
        yard.trouble = self._plan

    async def clear(self, yard: Yard) -> None:
        """
        Have it stay alive; say so if it did not come back.
        """
        yard.trouble = lambda: None
        if self.failure is not None:
            raise self.failure

    def _plan(self) -> asyncio.TimerHandle | None:
        """
        Strike soon, at a moment nobody knows, once in so many errands.
        """
        self._sent += 1
        if self.struck >= self.strikes or self._sent % self.every:
            return None
        return asyncio.get_running_loop().call_later(self._chance.uniform(*STRIKES_AFTER_SECONDS), self._strike)

    def _strike(self) -> None:
        try:
            self.strike()
        except BaseException as error:  # a loop would only print what its timers raise
            self.failure = error

    def strike(self) -> None:
        """
        Kill the server with all of its processes, and start it again.

        Raises:
            TooLate: it does not die.
        """
        server = self.cluster.pid
        assert server is not None
        for pid in (server, *children_of(server)):
            _signal(pid, signal.SIGKILL)
        _await_death(server)
        self.cluster.start()
        self.struck += 1


async def plant_unawaited_commits(yard: Yard, server: ServerKills, works: int) -> Verdict:
    """
    Answer clients before their commit is on disk, kill the server, and judge.

    PostgreSQL's writer of its log is stopped meanwhile, which only makes sure that the crash comes first.
    """
    async with yard.database() as database, database.reading() as connection:
        name = await connection.fetchval("SELECT current_database()")
    owner = await asyncpg.connect(yard.database_url)
    await owner.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    await owner.close()
    assert server.cluster.pid is not None
    with stopped(server.cluster.pid, "walwriter"):
        for payer in yard.payers[:works]:
            ended = await yard.send(
                yard.lanes[0],
                "accept",
                issue_number=yard.next_issue(),
                customer_id=payer.customer_id,
                api_key_id=payer.api_key_id,
            )
            assert ended.fate == "left", ended
        server.strike()
    return judge(await gather(yard, works=works))


@contextmanager
def stopped(server: int, name: str) -> Iterator[None]:
    """
    Have a process of the server stand still, and go on again whatever happens.

    It must never be left standing: whoever creates or drops a database waits for every process of the server, and has
    no limit of time.
    """
    stopped = [pid for pid in children_of(server) if name in _title(pid)]
    for pid in stopped:
        _signal(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in stopped:
            _signal(pid, signal.SIGCONT)


def children_of(pid: int) -> list[int]:
    """
    List the processes of a server; any of them may be gone by the time that it is looked at.
    """
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(word) for word in listed.split()]


def _title(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _await_death(pid: int) -> None:
    """
    Wait for a child of ours, and leave it to be reaped by who started it.
    """
    watched = os.pidfd_open(pid)
    try:
        if not select.select([watched], [], [], STOP_SECONDS)[0]:
            raise TooLate(f"the killed server is still there after {STOP_SECONDS} s")
    finally:
        os.close(watched)
