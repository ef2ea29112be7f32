"""
A database of a test's own, whose books are proved at the end.
"""

import itertools
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import asyncpg
import pytest

from rsolv.local.cluster import Cluster

INVARIANTS = Path(__file__).resolve().parents[2] / "docs" / "reference" / "invariants.sql"
STATEMENT = re.compile(r"^SELECT '.*?\) AS finding(?=;$)", re.MULTILINE | re.DOTALL)
_names = (f"test_{number}" for number in itertools.count(1))


@asynccontextmanager
async def proved_database(cluster: Cluster, template: str, damaged: pytest.Mark | None = None) -> AsyncIterator[str]:
    """
    Clone a database and yield its URL; afterwards every statement of docs/reference/invariants.sql holds of it.

    A mark `damages_books` says why they may not: the invariants it names or, where it names none, all of them.

    Raises AssertionError, with the database dropped, naming each that does not hold.
    """
    name = next(_names)
    admin = await asyncpg.connect(cluster.url())
    try:
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield cluster.url(name)
        breaches = await _list_breaches(cluster.url(name), damaged)
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        assert not breaches, "\n".join(breaches)
    finally:
        await admin.close()


async def _list_breaches(url: str, damaged: pytest.Mark | None) -> list[str]:
    _why, *excused = damaged.args if damaged else ("nothing is",)
    if damaged and not excused:
        return []
    connection = await asyncpg.connect(url)
    try:
        findings = await connection.fetch(_all_at_once())
    finally:
        await connection.close()
    return [
        f"{found['id']} ({found['promise']}): {found['breaches']}, such as {found['example']}"
        for found in findings
        if found["breaches"] and found["id"] not in excused
    ]


@cache
def _all_at_once() -> str:
    """
    Return the statements of the file as one: a round trip instead of three dozen, for it is asked 3,000 times a run.
    """
    return "\nUNION ALL\n".join(STATEMENT.findall(INVARIANTS.read_text(encoding="utf-8")))
