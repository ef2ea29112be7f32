"""
What the embedded PostgreSQL promises: it starts, keeps what it was given, and lets nobody else in.
"""

import stat
import subprocess
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from local.conftest import Start
from rsolv.local import AlreadyRunning, Cluster, ClusterFailed


async def test_a_cold_start_serves_a_database_owned_by_a_role_without_privileges(connection: Any) -> None:
    """
    The role `rsolv` owns the database `rsolv`, may make databases and roles, and is no superuser.
    """
    role = await connection.fetchrow(
        "SELECT rolsuper, rolcreatedb, rolcreaterole, rolcanlogin, rolreplication, rolbypassrls"
        " FROM pg_roles WHERE rolname = current_user"
    )
    owner = await connection.fetchval(
        "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
    )

    assert (owner, tuple(role)) == ("rsolv", (False, True, True, True, False, False))


async def test_text_is_utf8_compared_by_code_point_and_time_is_utc(connection: Any) -> None:
    """
    The same rows sort the same on every system, and pages carry checksums.
    """
    names = ("server_encoding", "timezone", "data_checksums")
    settings = [await connection.fetchval("SELECT current_setting($1)", name) for name in names]
    sorted_names = await connection.fetch("SELECT n FROM unnest(ARRAY['b', 'a', 'B', 'ä']) n ORDER BY n")

    assert settings == ["UTF8", "UTC", "on"]
    assert [row["n"] for row in sorted_names] == ["B", "a", "b", "ä"]


async def test_a_warm_start_keeps_the_data(spot: Path) -> None:
    """
    What was committed before a stop is there after the next start.
    """
    await _start_and_run(spot, "CREATE TABLE kept AS SELECT 7 AS n")

    assert await _start_and_run(spot, "SELECT n FROM kept") == 7


async def test_a_durable_cluster_syncs_every_commit(spot: Path) -> None:
    """
    Nothing that makes an acknowledged commit survive a crash of the machine is switched off.
    """
    sql = "SELECT ARRAY[current_setting('fsync'), current_setting('full_page_writes'), current_setting($1)]"

    assert await _start_and_run(spot, sql, "synchronous_commit") == ["on", "on", "on"]


async def test_a_second_call_of_start_changes_nothing(cluster: Cluster) -> None:
    """
    Starting is idempotent: the same server goes on.
    """
    before = cluster.pid

    cluster.start()

    assert cluster.pid == before


def test_a_cluster_that_a_living_process_runs_is_not_taken_over(start: Start, spot: Path) -> None:
    """
    The second process is told the first one's process id and the server goes on.
    """
    owner = start("cluster", spot)
    server = owner.stdout.readline()

    with pytest.raises(AlreadyRunning) as refusal:
        Cluster(spot).start()

    assert (refusal.value.pid, bool(server), owner.poll()) == (owner.pid, True, None)


def test_only_its_users_can_enter_the_directories(cluster: Cluster) -> None:
    """
    Data and socket belong to the server's user alone; others have no right on the directory above.
    """
    place = cluster.log.parent

    modes = [stat.S_IMODE((place / name).stat().st_mode) for name in ("data", "socket", "postgres.log")]

    assert modes == [0o700, 0o700, 0o600]
    assert stat.S_IMODE(place.stat().st_mode) & 0o007 == 0


def test_nobody_is_trusted_and_only_named_users_are_let_in(cluster: Cluster) -> None:
    """
    Every line of the access rules asks for proof.
    """
    rules = (cluster.log.parent / "data" / "pg_hba.conf").read_text().splitlines()

    methods = {line.split()[4 if line.startswith("host") else 3] for line in rules if line[:1].isalpha()}

    assert methods == {"peer", "scram-sha-256"}


async def test_it_listens_on_no_network_address(connection: Any) -> None:
    """
    There is no TCP to try passwords on.
    """
    assert await connection.fetchval("SELECT current_setting('listen_addresses')") == ""


async def test_the_log_holds_no_value_of_a_row(cluster: Cluster, connection: Any) -> None:
    """
    A violated constraint and a failed statement are logged without parameters, statement or detail.
    """
    await connection.execute("CREATE TABLE emails (email text PRIMARY KEY)")
    await connection.execute("INSERT INTO emails VALUES ($1)", "ada@example.com")

    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute("INSERT INTO emails VALUES ($1)", "ada@example.com")
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute("INSERT INTO emails VALUES ('ada@example.com')")

    log = cluster.log.read_text()
    assert "duplicate key" in log
    assert "ada@example.com" not in log


async def test_a_path_too_long_for_a_socket_gets_a_short_private_one(spot: Path) -> None:
    """
    The socket then lies in a private temporary directory, which the next start uses again.
    """
    spot.mkdir(mode=0o711)
    deep = spot / ("d" * 100)
    urls = []

    for _ in range(2):
        cluster = Cluster(deep, durable=False)
        cluster.start()
        urls.append(cluster.url())
        await (await asyncpg.connect(cluster.url())).close()
        cluster.stop()
    sockets = Path(urls[0].partition("host=")[2].partition("&")[0])
    mode = stat.S_IMODE(sockets.stat().st_mode)
    cluster.remove()

    assert urls[0] == urls[1]
    assert (mode, sockets.exists(), deep.exists()) == (0o700, False, False)


def test_data_of_another_major_version_is_refused_in_a_sentence(spot: Path) -> None:
    """
    The server is not even tried, and the data stays as it is.
    """
    cluster = Cluster(spot, durable=False)
    cluster.start()
    cluster.stop()
    (spot / "data" / "PG_VERSION").write_text("12\n")

    with pytest.raises(ClusterFailed, match="written by PostgreSQL 12"):
        cluster.start()


def test_a_start_that_died_while_making_the_cluster_is_made_good_by_the_next(spot: Path) -> None:
    """
    A half-made data directory never gets the real one's name.
    """
    spot.mkdir(mode=0o711)
    (spot / "data.unfinished").mkdir()
    (spot / "data.unfinished" / "PG_VERSION").write_text("18\n")
    cluster = Cluster(spot, durable=False)

    cluster.start()
    cluster.stop()

    assert not (spot / "data.unfinished").exists()


def test_its_programs_reach_the_database(cluster: Cluster) -> None:
    """
    psql of the wheel takes the URL as it is.
    """
    command = [cluster.bin("psql"), "-XAtc", "SELECT current_user", cluster.url()]

    said = subprocess.run(command, capture_output=True, text=True, check=True)

    assert said.stdout == "rsolv\n"


async def _start_and_run(directory: Path, sql: str, *arguments: object) -> object:
    cluster = Cluster(directory)
    cluster.start()
    connection = await asyncpg.connect(cluster.url())
    value = await connection.fetchval(sql, *arguments)
    await connection.close()
    cluster.stop()
    return value
