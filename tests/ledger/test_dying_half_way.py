"""
What a process leaves behind that dies between two statements of a verb, or just before its commit.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import asyncpg
import pytest

from factories.ledger import Books, correct, give, open_ledger, read_books, spend, undo
from rsolv import ledger
from rsolv.db import Connection, Database

STATEMENTS_OF_A_VERB_MAX = 8

Verb = Callable[[Connection, int, int], Awaitable[object]]
"""
What is done on a connection, to a customer, who was given credits by a posting.
"""

VERBS: dict[str, Verb] = {
    "open_accounts": lambda connection, acme, _grant: ledger.open_accounts(connection, customer_id=acme),
    "grant": lambda connection, acme, _grant: give(connection, customer_id=acme, credits=2),
    "consume": lambda connection, acme, _grant: spend(connection, customer_id=acme, credits=7),
    "adjust-giving": lambda connection, acme, _grant: correct(connection, customer_id=acme, credits=2),
    "adjust-taking": lambda connection, acme, _grant: correct(connection, customer_id=acme, credits=-7),
    "reverse": lambda connection, acme, grant: undo(connection, customer_id=acme, posting_id=grant),
}


class MortalConnection:
    """
    A connection that breaks, for the server too, instead of running one statement more than it may.
    """

    def __init__(self, raw: asyncpg.Connection, *, statements_max: int) -> None:
        self._raw = raw
        self._left = statements_max

    async def execute(self, query: str, *args: object) -> str:
        """
        Run a statement, or die.
        """
        return await self._living().execute(query, *args)

    async def fetch(self, query: str, *args: object) -> list[asyncpg.Record]:
        """
        Run a statement, or die.
        """
        return await self._living().fetch(query, *args)

    async def fetchrow(self, query: str, *args: object) -> asyncpg.Record | None:
        """
        Run a statement, or die.
        """
        return await self._living().fetchrow(query, *args)

    async def fetchval(self, query: str, *args: object) -> object:
        """
        Run a statement, or die.
        """
        return await self._living().fetchval(query, *args)

    def _living(self) -> asyncpg.Connection:
        if self._left == 0:
            self._raw.terminate()
            raise ConnectionResetError
        self._left -= 1
        return self._raw


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
async def test_dying_half_way_leaves_nothing(owner: asyncpg.Connection, database_url: str, verb: Verb) -> None:
    """
    Wherever a process dies before its commit, the books are as they were.
    """
    acme, granted = await _given_credits(owner)
    before = await read_books(owner, customer_id=acme)

    left = [
        await _left_after_dying(owner, database_url, verb, acme, granted, statements)
        for statements in range(STATEMENTS_OF_A_VERB_MAX)
    ]

    assert left == [before] * STATEMENTS_OF_A_VERB_MAX


async def test_planted_bug_without_a_transaction_dying_half_way_would_be_noticed(
    owner: asyncpg.Connection, database_url: str
) -> None:
    """
    Where each statement commits by itself, the same death leaves a part of the work behind.
    """
    acme, granted = await _given_credits(owner)
    before = await read_books(owner, customer_id=acme)

    left = await _left_after_dying(owner, database_url, VERBS["adjust-taking"], acme, granted, 4, begin=False)

    assert left.entries == before.entries
    assert left.accounts != before.accounts, "the account for what is taken was opened, and nothing taken"


async def test_a_failure_in_the_transaction_takes_every_move_with_it(
    owner: asyncpg.Connection, database: Database
) -> None:
    """
    The moves of one transaction happen together with all else in it, or not at all.
    """
    acme, granted = await _given_credits(owner)
    before = await read_books(owner, customer_id=acme)

    with pytest.raises(ledger.InsufficientCredits):
        await _do_more_than_there_is(database, acme, granted)

    assert await read_books(owner, customer_id=acme) == before


async def _do_more_than_there_is(database: Database, acme: int, granted: int) -> None:
    async with database.transaction() as connection:
        await give(connection, customer_id=acme, credits=2)
        await spend(connection, customer_id=acme, credits=7)
        await correct(connection, customer_id=acme, credits=-1)
        await undo(connection, customer_id=acme, posting_id=granted)
        await spend(connection, customer_id=acme, credits=99)


async def _given_credits(owner: asyncpg.Connection) -> tuple[int, int]:
    async with owner.transaction():
        acme = await open_ledger(owner, credits=5)
        return acme, (await give(owner, customer_id=acme, credits=5)).posting_id


async def _left_after_dying(
    owner: asyncpg.Connection,
    database_url: str,
    verb: Verb,
    acme: int,
    granted: int,
    statements: int,
    *,
    begin: bool = True,
) -> Books:
    raw = await asyncpg.connect(database_url)
    with suppress(ConnectionResetError):
        if begin:
            await raw.transaction().start()
        await verb(MortalConnection(raw, statements_max=statements), acme, granted)  # type: ignore[arg-type] -- no executemany
    raw.terminate()
    return await read_books(owner, customer_id=acme)
