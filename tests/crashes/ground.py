"""
A PostgreSQL of the proof's own, with a migrated template from which each row gets a database.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg

from crashes.deadlines import STATEMENT_SECONDS, TooLate
from factories.catalogs import CATALOGS
from rsolv import schema
from rsolv.catalog import apply_catalog
from rsolv.db import Database
from rsolv.kernel import clock
from rsolv.local.cluster import Cluster

TEMPLATE = "crash_template"
_numbers = itertools.count(1)


@contextmanager
def open_ground(directory: Path, *, durable: bool) -> Iterator[Cluster]:
    """
    Run a server in *directory*, removed afterwards.
    """
    directory.chmod(0o711)
    cluster = Cluster(directory / "postgres", durable=durable)
    cluster.start()
    try:
        asyncio.run(_make_template(cluster))
        yield cluster
    finally:
        cluster.remove()


async def _make_template(cluster: Cluster) -> None:
    admin = await asyncpg.connect(cluster.url())
    try:
        await admin.execute(f"CREATE DATABASE {TEMPLATE}")
    finally:
        await admin.close()
    await asyncio.to_thread(schema.upgrade, cluster.url(TEMPLATE))
    database = await Database.open(cluster.url(TEMPLATE), application="template", pool_size=2)
    try:
        async with database.transaction() as connection:
            await apply_catalog(connection, CATALOGS["current"], now=clock.now())
    finally:
        await database.close()


@asynccontextmanager
async def new_database(cluster: Cluster) -> AsyncIterator[str]:
    """
    Lend the URL of a database in which nothing has happened yet.
    """
    name = f"crash_{next(_numbers)}"
    await _execute(cluster, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield cluster.url(name)
    await _execute(cluster, f"DROP DATABASE {name} WITH (FORCE)")


async def execute_in_time(admin: asyncpg.Connection, statement: str, *, seconds: float = STATEMENT_SECONDS) -> None:
    """
    Execute a statement that waits for every process of the server: one that has been stopped never answers.

    Raises:
        TooLate: some process does not answer.
    """
    try:
        await admin.execute(statement, timeout=seconds)
    except TimeoutError as error:
        raise TooLate(f"PostgreSQL was not done after {seconds:g} s with: {statement}") from error


async def _execute(cluster: Cluster, statement: str) -> None:
    admin = await asyncpg.connect(cluster.url())
    try:
        await execute_in_time(admin, statement)
    finally:
        await admin.close()
