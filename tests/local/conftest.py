"""
Provide places for clusters, and programs that are stopped when the test ends.
"""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Protocol

import asyncpg
import pytest

from local.waiting import DEADLINE_SECONDS
from rsolv.local import Cluster
from rsolv.local.backup import back_up

STAND_IN = Path(__file__).with_name("stand_in.py")
MEMORY = Path("/dev/shm")  # making a cluster is mostly making files: three times as fast there
ROOM_BYTES = 1024**3

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

LEDGER = """
CREATE TABLE ledger_accounts (customer_id bigint, id bigint, asset text, kind text, balance bigint);
CREATE TABLE ledger_entries (customer_id bigint, id bigint, account_id bigint, amount bigint);
INSERT INTO ledger_accounts VALUES (1, 1, 'credit', 'available', 7), (2, 1, 'credit', 'available', 5),
                                   (1, 2, 'credit', 'issued', -12);
INSERT INTO ledger_entries VALUES (1, 1, 1, 10), (1, 2, 1, -3), (2, 1, 1, 5), (1, 3, 2, -12);
CREATE SCHEMA "odd Schema";
CREATE TABLE "odd Schema"."odd ""Table" (n int);
INSERT INTO "odd Schema"."odd ""Table" SELECT generate_series(1, 3);
"""

# What only root can show (giving up root) is in files of its own.
collect_ignore = [] if os.geteuid() == 0 else ["test_as_root.py"]


class Running(subprocess.Popen[str]):
    """
    A stand-in that was started, with all its pipes.
    """

    stdin: IO[str]
    stdout: IO[str]
    stderr: IO[str]


class Start(Protocol):
    """
    Start a stand-in by its mode and arguments, with further environment variables.
    """

    def __call__(self, *arguments: object, **environment: str) -> Running: ...


@pytest.fixture
def spot() -> Iterator[Path]:
    """
    Name a directory that does not exist yet and that PostgreSQL's user can reach, and clean up after it.
    """
    directory = _unused()
    yield directory
    Cluster(directory / "postgres").remove()
    Cluster(directory).remove()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """
    Run a cluster for the tests of one file, each of which leaves it as it was or makes things of its own.
    """
    cluster = Cluster(_unused(), durable=False)
    cluster.start()
    yield cluster
    cluster.remove()


@pytest.fixture
async def connection(cluster: Cluster) -> AsyncIterator[Any]:
    """
    Connect to the cluster's database as the role it is made for.
    """
    connection = await asyncpg.connect(cluster.url())
    yield connection
    await connection.close()


@pytest.fixture
def start(spot: Path) -> Iterator[Start]:
    """
    Start stand-ins; whatever of them still runs at the end of the test is stopped.
    """
    started: list[Running] = []

    def start_one(*arguments: object, **environment: str) -> Running:
        process = Running(
            [sys.executable, str(STAND_IN), *map(str, arguments)],
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start_one
    for process in started:
        process.terminate()
        process.communicate(timeout=DEADLINE_SECONDS)


@pytest.fixture
async def url(cluster: Cluster, connection: Any, request: pytest.FixtureRequest) -> str:
    """
    Make a database with a small ledger in it.
    """
    name = f"books_{abs(hash(request.node.name))}"
    await connection.execute(f"CREATE DATABASE {name}")
    own = await asyncpg.connect(cluster.url(name))
    await own.execute(LEDGER)
    await own.close()
    return cluster.url(name)


@pytest.fixture
async def file(url: str, tmp_path: Path) -> Path:
    """
    Back that database up.
    """
    file = tmp_path / "books.dump"
    await back_up(url, file, now=NOON)
    return file


def _unused() -> Path:
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM_BYTES
    return (MEMORY if roomy else Path(tempfile.gettempdir())) / f"rsolv-test-{secrets.token_hex(6)}"
