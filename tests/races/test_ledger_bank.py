"""
A bank workload: while writers move credits about, every read must find the books in order.
"""

import asyncio
import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import asyncpg
import pytest

from factories.ledger import correct, give, new_cause, open_ledger, spend, undo
from ledger.by_hand import insert_entries, insert_posting
from rsolv import ledger
from rsolv.db import Connection, Database

CUSTOMERS = 4
WRITERS = 8
MOVES_PER_WRITER = 60
READERS = 2


@dataclass(frozen=True)
class Reading:
    """
    What one look at the whole ledger found; all four are zero when the books are in order.
    """

    sum_of_balances: int
    negative_accounts: int
    accounts_apart_from_entries: int
    grants_apart_from_balance: int


IN_ORDER = Reading(0, 0, 0, 0)


async def test_every_read_during_a_bank_workload_finds_the_books_in_order(database: Database) -> None:
    """
    Eight writers and two readers: no read sees credits appear, vanish or go below zero, nor a half-written move.
    """
    async with database.transaction() as connection:
        customers = [await open_ledger(connection, credits=20) for _ in range(CUSTOMERS)]
    done = asyncio.Event()
    readers = [asyncio.create_task(_read_until(database, done)) for _ in range(READERS)]

    await asyncio.gather(*(_write(database, customers, seed) for seed in range(WRITERS)))
    done.set()
    readings = [reading for reader in readers for reading in await reader]

    assert set(readings) == {IN_ORDER}
    assert len(readings) > READERS
    async with database.snapshot() as connection:
        assert ledger.breached(await ledger.verify(connection)) == []


@pytest.mark.damages_books("the guards are switched off")
async def test_planted_bug_a_move_in_two_transactions_would_be_noticed(
    database: Database, owner: asyncpg.Connection
) -> None:
    """
    Were the two sides of a move committed one after the other, a read between them would find credits gone.
    """
    async with database.transaction() as connection:
        acme = await open_ledger(connection, credits=5)
    await owner.execute("ALTER TABLE ledger_postings DISABLE TRIGGER ledger_postings_balanced")
    await owner.execute("ALTER TABLE ledger_entries DISABLE TRIGGER ledger_entries_move_account")
    move = """
        INSERT INTO ledger_entries (customer_id, posting_id, account_id, amount, seq, balance_after, posted_at)
        SELECT customer_id, $2, id, $4, seq + 1, balance + $4, now() FROM ledger_accounts
        WHERE customer_id = $1 AND kind = $3
    """
    posting_id = await insert_posting(owner, customer_id=acme)

    await owner.execute(move, acme, posting_id, "available", -1)
    between = await _read(owner)
    await owner.execute(move, acme, posting_id, "consumed", 1)

    assert between != IN_ORDER


@pytest.mark.damages_books("the guards are switched off")
async def test_planted_bug_one_sided_moves_would_be_noticed(database: Database, owner: asyncpg.Connection) -> None:
    """
    Were a posting not required to balance, a read would find credits out of nowhere.
    """
    async with database.transaction() as connection:
        acme = await open_ledger(connection, credits=5)
    await owner.execute("ALTER TABLE ledger_postings DISABLE TRIGGER ledger_postings_balanced")

    async with database.transaction() as connection:
        posting_id = await insert_posting(connection, customer_id=acme)
        await insert_entries(connection, customer_id=acme, posting_id=posting_id, legs=[("available", 1)])

    assert (await _read(owner)).sum_of_balances == 1


async def _write(database: Database, customers: list[int], seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 -- chance for load, not for secrets
    for act in _moves(chance):
        with suppress(ledger.InsufficientCredits, ledger.AlreadyReversed):
            async with database.transaction() as connection:
                await _move(connection, chance.choice(customers), act, chance)


def _moves(chance: random.Random) -> Iterator[str]:
    yield from chance.choices(["spend", "give", "take", "undo"], weights=[5, 2, 1, 2], k=MOVES_PER_WRITER)


async def _move(connection: Connection, customer_id: int, act: str, chance: random.Random) -> None:
    credits = chance.randint(1, 4)
    match act:
        case "spend":
            await spend(connection, customer_id=customer_id, credits=credits)
        case "give":
            await give(connection, customer_id=customer_id, credits=credits, cause=new_cause("bank"))
        case "take":
            await correct(connection, customer_id=customer_id, credits=-credits)
        case _:
            [newest] = await ledger.list_credit_transactions(connection, customer_id=customer_id, limit=1)
            await undo(connection, customer_id=customer_id, posting_id=newest.posting_id)


async def _read_until(database: Database, done: asyncio.Event) -> list[Reading]:
    readings = []
    while not done.is_set():
        async with database.reading() as connection:
            readings.append(await _read(connection))
    return readings


async def _read(connection: Connection) -> Reading:
    """
    Look at the whole ledger in one statement, which is one snapshot.
    """
    row = await connection.fetchrow(
        """
        SELECT (SELECT coalesce(sum(balance), 0)::bigint FROM ledger_accounts) AS sum_of_balances,
               (SELECT count(*) FROM ledger_accounts WHERE kind = 'available' AND balance < 0) AS negative_accounts,
               (SELECT count(*) FROM ledger_accounts a WHERE balance <> (
                    SELECT coalesce(sum(amount), 0) FROM ledger_entries e
                    WHERE e.customer_id = a.customer_id AND e.account_id = a.id
               )) AS accounts_apart_from_entries,
               (SELECT count(*) FROM ledger_accounts a WHERE kind = 'available' AND balance <> (
                    SELECT coalesce(sum(remaining), 0) FROM ledger_grants g WHERE g.customer_id = a.customer_id
               )) AS grants_apart_from_balance
        """
    )
    assert row is not None, "a count is a row"
    return Reading(**row)
