"""
Nothing here waits for ever: who does not come is given up, with a sentence that says who it was.
"""

import subprocess
import sys

import asyncpg
import pytest

from crashes.deadlines import START_SECONDS, TooLate, read_line, running
from crashes.ground import execute_in_time
from crashes.server_kills import stopped
from crashes.yard import Yard
from rsolv.local.cluster import Cluster

SILENT = [sys.executable, "-c", "import sys; sys.stdin.read()"]
GONE = [sys.executable, "-c", ""]
SOON_SECONDS = 0.2


async def test_an_errand_that_waits_for_ever_is_given_up(yard: Yard) -> None:
    """
    The process itself says that it was not done.
    """
    ended = await yard.send(yard.lanes[0], "wait for ever", seconds=SOON_SECONDS)

    assert ended.fate == "failed"
    assert ended.said == ["TooLate: the errand 'wait for ever' was not done after 0.2 s"]


async def test_a_process_that_stands_still_is_killed(yard: Yard) -> None:
    """
    The nursery says so for it, and goes on to serve others.
    """
    ended = await yard.send(yard.lanes[0], "stand still", seconds=SOON_SECONDS)
    after = await yard.send(yard.lanes[0], "work")

    assert (ended.fate, after.fate) == ("failed", "left")
    assert ended.said == ["the process had not ended after 2.4 s"]


@pytest.mark.parametrize(
    ("command", "seconds", "sentence"),
    [(SILENT, SOON_SECONDS, "said nothing for 0.2 s"), (GONE, START_SECONDS, "ended without")],
)
def test_a_process_that_says_nothing_is_given_up(command: list[str], seconds: float, sentence: str) -> None:
    """
    Whether it lives, or has ended, as soon as it has started to.
    """
    with (
        running(command, whom="somebody", farewell=_close_input, stdin=subprocess.PIPE) as process,
        pytest.raises(TooLate, match=f"somebody has {sentence}"),
    ):
        read_line(process, whom="somebody", seconds=seconds)


async def test_a_server_process_left_standing_is_noticed(durable_cluster: Cluster) -> None:
    """
    Whoever drops a database waits for all of them, without a limit of PostgreSQL's own.
    """
    admin = await asyncpg.connect(durable_cluster.url())
    await admin.execute("CREATE DATABASE in_the_way")
    assert durable_cluster.pid is not None

    with stopped(durable_cluster.pid, "walwriter"), pytest.raises(TooLate, match="DROP DATABASE in_the_way"):
        await execute_in_time(admin, "DROP DATABASE in_the_way", seconds=SOON_SECONDS)

    await execute_in_time(admin, "DROP DATABASE in_the_way")
    await admin.close()


def _close_input(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdin is not None
    process.stdin.close()
