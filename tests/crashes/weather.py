"""
What else goes wrong while processes are killed.
"""

import asyncio
import os
import random
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import asyncpg

from crashes.facts import gather
from crashes.judge import Verdict, judge
from crashes.yard import Yard
from rsolv.local.cluster import Cluster
from stripe_twin.core.faults import KINDS

SHORT_PATIENCE_SECONDS = 0.2
PROBABILITY_MAX = 0.1
SKIPPED_MAX = 4
SLOW_SECONDS = 0.02
HOURS_LATER = 25
FAULTS_PLANNED = 100_000
STRIKES_AFTER_SECONDS = (0.002, 0.02)


class Weather:
    """
    Nothing else goes wrong.

    `begin` is called before processes are killed, `turn` before others go on, `clear` after so many `rounds` of those.
    """

    rounds = 0
    struck = 0
    has_to_strike: ClassVar[bool] = False

    async def begin(self, yard: Yard) -> None:
        """
        Let it begin.
        """

    async def turn(self, yard: Yard) -> None:
        """
        Let it change.
        """

    async def clear(self, yard: Yard) -> None:
        """
        Let it end.
        """


class KeysForgotten(Weather):
    """
    Stripe executes every repeat anew.
    """

    rounds = 10

    async def begin(self, yard: Yard) -> None:
        await yard.control("POST", "idempotency", {"on": False})


class ADayLater(Weather):
    """
    Others go on 25 hours later: Stripe has forgotten the keys, and we may not repeat by them.
    """

    async def turn(self, yard: Yard) -> None:
        await yard.control("POST", "clock", {"advance_seconds": HOURS_LATER * 3600})
        yard.hours_later += HOURS_LATER


class Storm(Weather):
    """
    Calls to Stripe fail, each in one of the ways that there are, about two in five once all have begun.
    """

    rounds = 8
    has_to_strike: ClassVar[bool] = True

    def __init__(self, seed: int = 11) -> None:
        self._chance = random.Random(seed)  # noqa: S311 -- chance that can be repeated

    async def begin(self, yard: Yard) -> None:
        # The twin's own chance begins anew whenever faults are cleared, so each beginning has other odds.
        faults = [
            {
                "kind": kind,
                "times": FAULTS_PLANNED,
                "skip": self._chance.randrange(SKIPPED_MAX),
                "probability": self._chance.uniform(0, PROBABILITY_MAX),
                "seconds": SLOW_SECONDS,
            }
            for kind in self._chance.sample(KINDS, len(KINDS))
        ]
        await yard.control("DELETE", "faults")
        await yard.control("POST", "faults", faults)
        yard.patience_seconds = SHORT_PATIENCE_SECONDS

    async def clear(self, yard: Yard) -> None:
        """
        Count how often it struck.
        """
        planned = (await yard.control("GET", "faults"))["faults"]
        self.struck += sum(FAULTS_PLANNED - fault["times"] for fault in planned)


@dataclass
class ServerKills(Weather):
    """
    PostgreSQL itself is killed, all of its processes, so many times while others work; then it is started again.
    """

    cluster: Cluster
    strikes: int
    every: int = 2
    struck: int = 0
    has_to_strike: ClassVar[bool] = True
    _chance: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 -- chance that can be repeated
    _sent: int = 0

    async def begin(self, yard: Yard) -> None:
        yard.trouble = self._plan

    def _plan(self) -> asyncio.TimerHandle | None:
        """
        Strike soon, at a moment nobody knows, once in so many errands.
        """
        self._sent += 1
        if self.struck >= self.strikes or self._sent % self.every:
            return None
        return asyncio.get_running_loop().call_later(self._chance.uniform(*STRIKES_AFTER_SECONDS), self.strike)

    def strike(self) -> None:
        """
        Kill the server with all of its processes, and start it again.
        """
        server = self.cluster.pid
        assert server is not None
        for pid in (server, *_children(server)):
            os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, server, os.WEXITED | os.WNOWAIT)
        self.cluster.start()
        self.struck += 1


async def plant_unawaited_commits(yard: Yard, server: ServerKills, works: int) -> Verdict:
    """
    Answer clients before their commit is on disk, kill the server, and judge.

    PostgreSQL's writer of its log is stopped, which only makes sure that the crash comes first.
    """
    async with yard.database() as database, database.reading() as connection:
        name = await connection.fetchval("SELECT current_database()")
    owner = await asyncpg.connect(yard.database_url)
    await owner.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    await owner.close()
    assert server.cluster.pid is not None
    for pid in _children(server.cluster.pid):
        with suppress(FileNotFoundError):  # a server process that has ended since it was listed
            if b"walwriter" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGSTOP)
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


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(word) for word in listed.split()]


CALM = Weather()
WEATHERS: Mapping[str, Weather] = {
    "calm": CALM,
    "keys forgotten": KeysForgotten(),
    "a day later": ADayLater(),
    "storm": Storm(),
}
