"""
A database that the tests of one file share, where each leaves nothing behind that disturbs the next.
"""

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from rsolv.local.cluster import Cluster

_names = (f"shared_{number}" for number in itertools.count(1))


@contextmanager
def cloned(cluster: Cluster, template: str) -> Iterator[str]:
    """
    Make a database from the template, give its URL, and drop it when the block ends.
    """
    name = next(_names)
    asyncio.run(_execute(cluster.url(), f"CREATE DATABASE {name} TEMPLATE {template}"))
    try:
        yield cluster.url(name)
    finally:
        asyncio.run(_execute(cluster.url(), f"DROP DATABASE {name} WITH (FORCE)"))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
