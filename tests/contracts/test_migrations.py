"""
The schema's steps: up, down, and up again, alone and all together.
"""

import asyncio
import itertools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from rsolv import schema
from rsolv.local.cluster import Cluster

BASE = "base"
_names = (f"migrations_{number}" for number in itertools.count(1))


def _steps() -> list[str]:
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return [step.revision for step in ScriptDirectory.from_config(config).walk_revisions()][::-1]


STEPS = _steps()


@pytest.fixture
def empty_url(cluster: Cluster) -> Iterator[str]:
    """
    The URL of an empty database of this test's own.
    """
    name = next(_names)
    asyncio.run(_execute(cluster.url(), f"CREATE DATABASE {name}"))
    yield cluster.url(name)
    asyncio.run(_execute(cluster.url(), f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def migrated_url(cluster: Cluster, templates: dict[str, str], catalog_name: str) -> Iterator[str]:
    """
    The URL of a database of this test's own with every step taken and a catalogue in it.
    """
    name = next(_names)
    asyncio.run(_execute(cluster.url(), f"CREATE DATABASE {name} TEMPLATE {templates[catalog_name]}"))
    yield cluster.url(name)
    asyncio.run(_execute(cluster.url(), f"DROP DATABASE {name} WITH (FORCE)"))


def test_there_is_one_newest_step_and_the_code_needs_it() -> None:
    """
    The steps form one line, numbered without a gap, and the version a web process asks for is its end.
    """
    numbers = [f"{number:04}" for number in range(1, len(STEPS) + 1)]

    assert numbers == STEPS
    assert schema.needed_version() == STEPS[-1]


def test_an_upgraded_database_says_the_version_that_the_code_needs(migrated_url: str) -> None:
    """
    Readiness compares these two.
    """
    assert asyncio.run(_fetchval(migrated_url, schema.CURRENT_VERSION)) == schema.needed_version()


def test_up_down_to_nothing_and_up_again_is_the_same_schema(cluster: Cluster, empty_url: str) -> None:
    """
    Undoing everything leaves nothing behind, and doing it again gives the same, to the last comment and right.
    """
    schema.upgrade(empty_url)
    first = _dump(cluster, empty_url)
    schema.downgrade(empty_url, BASE)
    nothing = _dump(cluster, empty_url)
    schema.upgrade(empty_url)

    assert _dump(cluster, empty_url) == first
    assert [line for line in nothing if line.startswith("CREATE ")] == ["CREATE TABLE public.alembic_version ("]


@pytest.mark.parametrize("step", STEPS)
def test_each_step_undoes_exactly_itself(cluster: Cluster, migrated_url: str, step: str) -> None:
    """
    Down by one step and up again is the same schema, so that a release can be taken back.
    """
    schema.downgrade(migrated_url, step)
    before = _dump(cluster, migrated_url)

    schema.downgrade(migrated_url, "-1")
    without = _dump(cluster, migrated_url)
    schema.upgrade(migrated_url, step)

    assert _dump(cluster, migrated_url) == before
    assert without != before


def test_planted_bug_a_step_that_leaves_something_behind_would_be_noticed(cluster: Cluster, migrated_url: str) -> None:
    """
    The comparison sees a column, a right and a comment.
    """
    dumps = [_dump(cluster, migrated_url)]
    for statement in (
        "ALTER TABLE customers ADD COLUMN leftover text",
        "GRANT DELETE ON ledger_entries TO rsolv_app",
        "COMMENT ON TABLE customers IS 'other'",
    ):
        asyncio.run(_execute(migrated_url, statement))
        dumps.append(_dump(cluster, migrated_url))

    assert all(before != after for before, after in itertools.pairwise(dumps))


def test_upgrading_twice_does_nothing(cluster: Cluster, migrated_url: str) -> None:
    """
    A deployment may always upgrade first.
    """
    before = _dump(cluster, migrated_url)

    schema.upgrade(migrated_url)

    assert _dump(cluster, migrated_url) == before


def test_two_migrators_at_once_take_turns(cluster: Cluster, empty_url: str, migrated_url: str) -> None:
    """
    Two nodes that start together both succeed, and the schema is there once.
    """
    program = [sys.executable, "-c", "import sys; from rsolv import schema; schema.upgrade(sys.argv[1])", empty_url]
    migrators = [subprocess.Popen(program) for _ in range(2)]

    assert [migrator.wait(60) for migrator in migrators] == [0, 0]
    assert _dump(cluster, empty_url) == _dump(cluster, migrated_url)


def test_every_step_has_its_sql_beside_it_and_limits_its_own_time() -> None:
    """
    Up and down wait at most two seconds for a lock, so that a migration never holds up the customers behind it.
    """
    sql_files = sorted((schema.MIGRATIONS / "versions").glob("*.sql"))

    assert {path.name.split(".")[0] for path in sql_files if path.name.endswith(".up.sql")} == {
        path.name.split(".")[0] for path in sql_files if path.name.endswith(".down.sql")
    }
    assert [path.name for path in sql_files if not _limits_its_time(path)] == []


def _limits_its_time(path: Path) -> bool:
    first, second, *_ = path.read_text(encoding="utf-8").splitlines()
    return first.startswith("SET LOCAL lock_timeout = ") and second.startswith("SET LOCAL statement_timeout = ")


def _dump(cluster: Cluster, url: str) -> list[str]:
    """
    Return the schema as the database's own program writes it, without what differs from dump to dump.
    """
    command = [str(cluster.bin("pg_dump")), "--schema-only", f"--dbname={url}"]
    dumped = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [line for line in dumped.splitlines() if line and not line.startswith(("--", "\\restrict", "\\unrestrict"))]


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _fetchval(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()
