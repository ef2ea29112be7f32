"""
What was acknowledged is there after a crash, and the next start serves, whoever was killed.
"""

import os
import signal
from pathlib import Path

import asyncpg
import pytest

from local.conftest import Start
from local.waiting import is_gone, until
from rsolv.local import Cluster

ENOUGH = 200


@pytest.mark.parametrize("victims", [["supervisor"], ["postmaster"], ["supervisor", "postmaster"]], ids="-".join)
async def test_no_acknowledged_commit_is_lost_when_processes_are_killed(
    start: Start, spot: Path, tmp_path: Path, victims: list[str]
) -> None:
    """
    After SIGKILL under load the next start serves at once, with every acknowledged commit.
    """
    noted = _kill_under_load(start, spot, tmp_path / "noted", victims)

    survivor = Cluster(spot)
    survivor.start()
    missing = await _missing(survivor, noted)
    survivor.stop()

    assert missing == []


async def test_planted_bug_data_made_anew_would_be_noticed(start: Start, spot: Path, tmp_path: Path) -> None:
    """
    Were the data directory set aside by a start, the check above would name what is missing.
    """
    noted = _kill_under_load(start, spot, tmp_path / "noted", ["supervisor", "postmaster"])
    (spot / "data").rename(spot / "data.aside")

    survivor = Cluster(spot)
    survivor.start()
    missing = await _missing(survivor, noted)
    survivor.stop()

    assert missing == noted
    _put_back(spot)


def test_a_dead_server_that_nobody_reaped_does_not_stand_in_the_way(start: Start, spot: Path) -> None:
    """
    PostgreSQL takes the zombie for its living predecessor; the start knows better.
    """
    _leave_a_zombie(start, spot)

    _start_and_stop(spot)


def test_planted_bug_a_start_that_asks_only_postgresql_fails_on_the_zombie(start: Start, spot: Path) -> None:
    """
    Without our look at what the process really is, the server refuses to start as above.
    """
    _leave_a_zombie(start, spot)

    naive = start("unwatched", spot)
    server = int(naive.stdout.readline())

    until(lambda: is_gone(server), "the naive start fails")
    assert (spot / "data" / "postmaster.pid").read_text().split()[0] != str(server)
    _start_and_stop(spot)  # lets go of the shared memory that outlived the killed one


def test_a_living_server_without_supervisor_is_stopped_and_started_anew(start: Start, spot: Path) -> None:
    """
    The new server is our own child again.
    """
    orphan = _run_unwatched(start, spot)
    until((spot / "socket" / ".s.PGSQL.5432").exists, "the unwatched server listens")
    survivor = Cluster(spot)

    survivor.start()

    assert is_gone(orphan)
    assert survivor.pid != orphan
    survivor.stop()


def test_the_server_ends_with_its_supervisor(start: Start, spot: Path) -> None:
    """
    A killed supervisor leaves no server behind.
    """
    supervisor = start("cluster", spot)
    server = int(supervisor.stdout.readline().split()[0])

    supervisor.kill()

    until(lambda: is_gone(server), "the server ends")


def test_a_strangers_process_under_the_old_number_is_left_alone(spot: Path) -> None:
    """
    A pid file that names a living process of another kind is stale, and that process is not touched.
    """
    survivor = Cluster(spot, durable=False)
    survivor.start()
    survivor.stop()
    lines = [str(os.getpid()), str(spot / "data"), "0", "5432", str(spot / "socket"), "", "0 0", "ready"]
    (spot / "data" / "postmaster.pid").write_text("\n".join([*lines, ""]))

    survivor.start()

    survivor.stop()


def _put_back(spot: Path) -> None:
    (spot / "data").rename(spot / "data.new")
    (spot / "data.aside").rename(spot / "data")
    _start_and_stop(spot)  # lets go of the shared memory that outlived the killed one


def _start_and_stop(spot: Path) -> None:
    survivor = Cluster(spot)
    survivor.start()
    survivor.stop()


def _kill_under_load(start: Start, spot: Path, notes: Path, victims: list[str]) -> list[int]:
    supervisor = start("cluster", spot)
    postmaster, url = supervisor.stdout.readline().split()
    pids = {"supervisor": supervisor.pid, "postmaster": int(postmaster)}
    writer = start("write", url, notes)
    until(lambda: notes.exists() and notes.read_text().count("\n") > ENOUGH, "enough commits")
    for victim in victims:
        os.kill(pids[victim], signal.SIGKILL)
    writer.wait()
    if "supervisor" not in victims:
        supervisor.kill()
    supervisor.wait()
    return [int(line) for line in notes.read_text().splitlines()]


async def _missing(cluster: Cluster, noted: list[int]) -> list[int]:
    connection = await asyncpg.connect(cluster.url())
    if not await connection.fetchval("SELECT to_regclass('acknowledged') IS NOT NULL"):
        await connection.close()
        return noted
    kept = {row["number"] for row in await connection.fetch("SELECT number FROM acknowledged")}
    await connection.close()
    return [number for number in noted if number not in kept]


def _run_unwatched(start: Start, spot: Path) -> int:
    cluster = Cluster(spot, durable=False)
    cluster.start()
    cluster.stop()
    keeper = start("unwatched", spot)
    return int(keeper.stdout.readline())


def _leave_a_zombie(start: Start, spot: Path) -> None:
    server = _run_unwatched(start, spot)
    until((spot / "socket" / ".s.PGSQL.5432").exists, "the unwatched server listens")
    os.kill(server, signal.SIGKILL)
    until(lambda: is_gone(server), "the server is a zombie")
    assert (spot / "data" / "postmaster.pid").exists()
