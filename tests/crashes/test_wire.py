"""
The wire that is cut at a commit does what its rows say: done, not done, or either.
"""

import asyncpg
import pytest

from crashes.errands import CommitFate
from crashes.wire import cut_wire
from rsolv.db import Database, Unavailable


@pytest.fixture
async def counted(owner: asyncpg.Connection) -> asyncpg.Connection:
    """
    A table that says what took effect.
    """
    await owner.execute("CREATE TABLE took_effect (number integer)")
    await owner.execute("GRANT SELECT, INSERT ON took_effect TO PUBLIC")
    return owner


async def write(database: Database, number: int) -> None:
    """
    Write one row in a transaction.
    """
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO took_effect VALUES ($1)", number)


async def lose_second_commit(database_url: str, fate: CommitFate) -> None:
    """
    Write two rows, of which the second's commit is cut; the product must say that it does not know.
    """
    async with cut_wire(database_url, due=2, fate=fate) as url:
        database = await Database.open(url, application="wire", pool_size=1)
        await write(database, 1)
        with pytest.raises(Unavailable):
            await write(database, 2)
        await write(database, 3)
        await database.close()


@pytest.mark.parametrize(("fate", "numbers"), [("answer lost", [1, 2, 3]), ("never arrived", [1, 3])])
async def test_a_commit_without_an_answer_is_done_or_not(
    counted: asyncpg.Connection, database_url: str, fate: CommitFate, numbers: list[int]
) -> None:
    """
    Both look the same to who sent it; the connections after it work.
    """
    await lose_second_commit(database_url, fate)

    rows = await counted.fetch("SELECT number FROM took_effect ORDER BY number")
    assert [row["number"] for row in rows] == numbers


async def test_a_commit_on_its_way_is_done_or_not(counted: asyncpg.Connection, database_url: str) -> None:
    """
    Nobody can say which, only that it is whole.
    """
    await lose_second_commit(database_url, "on its way")

    assert await counted.fetchval("SELECT count(*) FROM took_effect WHERE number <> 2") == 2
