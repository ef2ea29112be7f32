"""
The mistakes that the races are there for, made on purpose where the guards are gone, and noticed.
"""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from factories.ledger import open_ledger
from ledger.by_hand import post
from rsolv import ledger
from rsolv.db import Connection, Database, Unavailable

Careless = Callable[[Connection, str], Awaitable[None]]
"""
Something done without care, and the word it is done with.
"""


@pytest.fixture
async def acme(owner: asyncpg.Connection) -> int:
    """
    The id of a customer with one credit, for all connections to see.
    """
    async with owner.transaction():
        return await open_ledger(owner, credits=1)


@pytest.mark.damages_books("spent what was not there")
async def test_planted_bug_read_then_write_overspends_and_is_noticed(
    database: Database, owner: asyncpg.Connection, acme: int
) -> None:
    """
    Two who look without a lock both see the last credit and both take it; once no constraint refuses, verifying does.
    """
    await owner.execute("ALTER TABLE ledger_accounts DROP CONSTRAINT ledger_accounts_never_overspent")
    await owner.execute("ALTER TABLE ledger_grants DROP CONSTRAINT ledger_grants_remaining_within")

    await _two_careless_consumers(database, acme)

    broken = ledger.breached(await ledger.verify(owner))
    assert await ledger.balance(owner, customer_id=acme) == -1
    assert "L-6" in {finding.id for finding in broken}


async def test_the_constraint_stops_who_reads_and_then_writes(
    database: Database, owner: asyncpg.Connection, acme: int
) -> None:
    """
    The same two with the constraints in place: the second is refused, and the books are sound.
    """
    with pytest.raises(asyncpg.CheckViolationError):
        await _two_careless_consumers(database, acme)

    assert await ledger.balance(owner, customer_id=acme) == 0
    assert ledger.breached(await ledger.verify(owner)) == []


@pytest.mark.damages_books("posted twice")
async def test_planted_bug_look_then_post_posts_twice_and_is_noticed(
    database: Database, owner: asyncpg.Connection, acme: int
) -> None:
    """
    Two deliveries that each look first both find nothing and both post; once no unique index refuses, verifying does.
    """
    await owner.execute("ALTER TABLE ledger_postings DROP CONSTRAINT ledger_postings_once_per_cause")

    await _two_careless_deliveries(database, acme)

    [broken] = ledger.breached(await ledger.verify(owner))
    assert (broken.id, broken.breaches, broken.example) == ("L-5", 1, "by_hand in_1")


async def test_the_unique_index_stops_who_looks_and_then_posts(
    database: Database, owner: asyncpg.Connection, acme: int
) -> None:
    """
    The same two with the index in place: the second is refused, and the books are sound.
    """
    with pytest.raises(asyncpg.UniqueViolationError):
        await _two_careless_deliveries(database, acme)

    assert ledger.breached(await ledger.verify(owner)) == []


async def test_planted_bug_locks_taken_in_two_orders_would_be_noticed(
    database: Database, owner: asyncpg.Connection, acme: int
) -> None:
    """
    Were a verb to lock consumed before available, it would wait in a circle with the others, and one would fail.
    """
    with pytest.raises(Unavailable, match="Deadlock"):
        await _two_who_lock_in_opposite_orders(database, acme)


async def _two_who_lock_in_opposite_orders(database: Database, customer_id: int) -> None:
    both_hold_one = asyncio.Barrier(2)
    lock = "SELECT FROM ledger_accounts WHERE customer_id = $1 AND kind = $2 FOR NO KEY UPDATE"

    async def lock_both(connection: Connection, kinds: str) -> None:
        first, second = kinds.split()
        await connection.execute(lock, customer_id, first)
        await both_hold_one.wait()
        await connection.execute(lock, customer_id, second)

    await _two_at_once(database, lock_both, ("available consumed", "consumed available"))


async def _two_careless_consumers(database: Database, customer_id: int) -> None:
    both_have_looked = asyncio.Barrier(2)

    async def consume(connection: Connection, cause_id: str) -> None:
        assert await ledger.balance(connection, customer_id=customer_id) == 1
        [grant_id] = [row["id"] for row in await connection.fetch("SELECT id FROM ledger_grants")]
        await both_have_looked.wait()
        legs = [("available", -1), ("consumed", 1)]
        await post(connection, customer_id=customer_id, legs=legs, cause_id=cause_id, grant_id=grant_id)

    await _two_at_once(database, consume, ("fix 1", "fix 2"))


async def _two_careless_deliveries(database: Database, customer_id: int) -> None:
    both_have_looked = asyncio.Barrier(2)

    async def deliver(connection: Connection, cause_id: str) -> None:
        seen = await connection.fetchval("SELECT count(*) FROM ledger_postings WHERE cause_id = $1", cause_id)
        assert seen == 0
        await both_have_looked.wait()
        await post(connection, customer_id=customer_id, legs=[("issued", -5), ("consumed", 5)], cause_id=cause_id)

    await _two_at_once(database, deliver, ("in_1", "in_1"))


async def _two_at_once(database: Database, act: Careless, arguments: tuple[str, str]) -> None:
    async def run(argument: str) -> None:
        async with database.transaction() as connection:
            await act(connection, argument)

    outcomes = await asyncio.gather(*(run(argument) for argument in arguments), return_exceptions=True)
    for failure in (outcome for outcome in outcomes if outcome is not None):
        raise failure
