"""
When keys were last used: noted in memory, written now and then.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from cli.clones import cloned
from factories.customers import make_customer
from rsolv.api_keys import AuthenticatedKey, LastUsed, list_keys
from rsolv.db import Database, Unavailable
from rsolv.local.cluster import Cluster
from rsolv.provisioning import Provisioned

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def database_url(cluster: Cluster, templates: dict[str, str]) -> Iterator[str]:
    """
    One database for all these tests.
    """
    with cloned(cluster, templates["current"]) as url:
        yield url


@pytest.fixture
async def customers(database: Database) -> list[Provisioned]:
    """
    Two customers with a key each.
    """
    async with database.transaction() as connection:
        return [await make_customer(connection, now=NOW), await make_customer(connection, now=NOW)]


def caller(made: Provisioned) -> AuthenticatedKey:
    return AuthenticatedKey(made.customer.id, made.key.api_key.id, expires_at=None)


async def last_used(database: Database, made: Provisioned) -> datetime | None:
    async with database.reading() as connection:
        return (await list_keys(connection, customer_id=made.customer.id))[0].last_used_at


async def test_nothing_is_written_before_the_flush(database: Database, customers: list[Provisioned]) -> None:
    """
    Noting a use costs the request no statement.
    """
    uses = LastUsed()

    uses.note(caller(customers[0]), NOW)

    assert await last_used(database, customers[0]) is None


async def test_a_flush_writes_the_newest_use_of_each_key(database: Database, customers: list[Provisioned]) -> None:
    """
    However often a key was used, it is written once; a second flush has nothing to write.
    """
    uses = LastUsed()
    for minute in range(3):
        uses.note(caller(customers[0]), NOW + minute * MINUTE)
    uses.note(caller(customers[1]), NOW)

    written = (await uses.flush(database), await uses.flush(database))

    assert written == (2, 0)
    assert [await last_used(database, made) for made in customers] == [NOW + 2 * MINUTE, NOW]


async def test_the_time_never_goes_backwards(database: Database, customers: list[Provisioned]) -> None:
    """
    Another process may have written a newer one.
    """
    newer, older = LastUsed(), LastUsed()
    newer.note(caller(customers[0]), NOW + MINUTE)
    older.note(caller(customers[0]), NOW)

    await newer.flush(database)
    await older.flush(database)

    assert await last_used(database, customers[0]) == NOW + MINUTE


async def test_a_flush_waits_for_nobody(
    database: Database, owner: asyncpg.Connection, customers: list[Provisioned]
) -> None:
    """
    A row that somebody holds is left out, the others are written.
    """
    uses = LastUsed()
    for made in customers:
        uses.note(caller(made), NOW)

    async with owner.transaction():
        await owner.execute("SELECT FROM api_keys WHERE customer_id = $1 FOR UPDATE", customers[0].customer.id)
        await uses.flush(database)

    assert [await last_used(database, made) for made in customers] == [None, NOW]


async def test_a_use_tells_nobody_to_forget_the_key(
    database: Database, owner: asyncpg.Connection, customers: list[Provisioned]
) -> None:
    """
    Only changes that matter to authentication are notified.
    """
    heard: list[str] = []
    uses = LastUsed()
    uses.note(caller(customers[0]), NOW)

    async with database.listening("authentication_changed", heard.append) as listener:
        await uses.flush(database)
        await listener.confirm(timeout_seconds=5)

    assert heard == []


async def test_without_its_database_a_flush_is_unavailable(database: Database, customers: list[Provisioned]) -> None:
    """
    The caller decides whether that matters.
    """
    uses = LastUsed()
    uses.note(caller(customers[0]), NOW)
    await database.close()

    with pytest.raises(Unavailable):
        await uses.flush(database)
