"""
Two and more at once in the ledger: real connections, real commits.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
import pytest

from factories.ledger import correct, give, new_cause, open_ledger, read_books, spend, undo
from rsolv import ledger
from rsolv.db import Connection, Database

Answer = TypeVar("Answer")
Verb = Callable[[Connection], Awaitable[ledger.Posted | ledger.Reversed]]


@pytest.fixture
async def acme(owner: asyncpg.Connection) -> int:
    """
    The id of a customer whose accounts are open and empty, for all connections to see.
    """
    async with owner.transaction():
        return await open_ledger(owner)


async def test_of_two_who_want_the_last_credit_one_wins(
    database: Database, owner: asyncpg.Connection, acme: int
) -> None:
    """
    The second waits for the first to commit, and is then told that nothing is left; its work leaves no trace.
    """
    await give(owner, customer_id=acme, credits=1)

    async with database.transaction() as first:
        won = await spend(first, customer_id=acme, credits=1)
        second = asyncio.create_task(_outcome(database, lambda c: spend(c, customer_id=acme, credits=1)))
        await _somebody_waits_for_a_lock(owner)

    assert won.balance_after == 0
    assert await second is ledger.InsufficientCredits
    assert (await read_books(owner, customer_id=acme)).balances() == {"consumed": 1, "issued": -1}


async def test_who_waits_for_the_last_credit_gets_it_when_the_first_gives_up(
    database: Database, owner: asyncpg.Connection, database_url: str, acme: int
) -> None:
    """
    A transaction that is rolled back has taken nothing.
    """
    await give(owner, customer_id=acme, credits=1)
    first = await asyncpg.connect(database_url)
    transaction = first.transaction()
    await transaction.start()
    await spend(first, customer_id=acme, credits=1)
    second = asyncio.create_task(_outcome(database, lambda c: spend(c, customer_id=acme, credits=1)))
    await _somebody_waits_for_a_lock(owner)

    await transaction.rollback()
    await first.close()

    assert await second == -1
    assert (await read_books(owner, customer_id=acme)).balances() == {"consumed": 1, "issued": -1}


async def test_of_500_who_want_60_credits_exactly_60_succeed(
    database: Database, owner: asyncpg.Connection, acme: int
) -> None:
    """
    Whatever the order, each credit is spent once and everybody else is told that none is left.
    """
    await give(owner, customer_id=acme, credits=20)
    await give(owner, customer_id=acme, credits=40)

    outcomes = await _all_at_once(database, [lambda c: spend(c, customer_id=acme, credits=1)] * 500)

    books = await read_books(owner, customer_id=acme)
    assert (outcomes.count(-1), outcomes.count(ledger.InsufficientCredits)) == (60, 440)
    assert books.balances() == {"consumed": 60, "issued": -60}
    assert books.remaining() == [0, 0]
    assert ledger.breached(await ledger.verify(owner)) == []


@pytest.mark.parametrize("verb_name", ["grant", "consume", "adjust-giving", "adjust-taking", "reverse"])
async def test_one_cause_fifty_times_at_once_posts_once(
    database: Database, owner: asyncpg.Connection, acme: int, verb_name: str
) -> None:
    """
    Fifty deliveries of the same thing make one posting, and all fifty hear the same figures.
    """
    granted = await give(owner, customer_id=acme, credits=60)
    cause = new_cause("invoice")
    verbs: dict[str, Verb] = {
        "grant": lambda c: give(c, customer_id=acme, credits=5, cause=cause),
        "consume": lambda c: spend(c, customer_id=acme, credits=5, cause=cause),
        "adjust-giving": lambda c: correct(c, customer_id=acme, credits=5, cause=cause),
        "adjust-taking": lambda c: correct(c, customer_id=acme, credits=-5, cause=cause),
        "reverse": lambda c: undo(c, customer_id=acme, posting_id=granted.posting_id, cause=cause),
    }

    answers = await asyncio.gather(*(_in_a_transaction(database, verbs[verb_name]) for _ in range(50)))

    books = await read_books(owner, customer_id=acme)
    assert len(books.postings) == 2
    assert [answer.repeated for answer in answers].count(False) == 1
    assert len({(answer.posting_id, answer.credits, answer.balance_after) for answer in answers}) == 1
    assert books.sums() == books.balances()


async def test_one_refund_undoes_once_however_many_causes_ask(
    database: Database, owner: asyncpg.Connection, acme: int
) -> None:
    """
    Twenty different causes that want to undo one posting: one does, the others are told that it is done.
    """
    granted = await give(owner, customer_id=acme, credits=5)

    outcomes = await _all_at_once(database, [lambda c: undo(c, customer_id=acme, posting_id=granted.posting_id)] * 20)

    assert (outcomes.count(-5), outcomes.count(ledger.AlreadyReversed)) == (1, 19)


async def test_accounts_opened_by_many_at_once_are_opened_once(
    database: Database, owner: asyncpg.Connection, acme: int
) -> None:
    """
    Nobody fails and nobody opens a second set.
    """
    await asyncio.gather(
        *(_in_a_transaction(database, lambda c: ledger.open_accounts(c, customer_id=acme)) for _ in range(20))
    )

    assert len(await ledger.list_accounts(owner, customer_id=acme)) == 3


async def test_verbs_on_one_customer_never_wait_in_a_circle(
    database: Database, owner: asyncpg.Connection, acme: int
) -> None:
    """
    Every verb takes the same lock first, so that any mix of them, several to a transaction, runs through.
    """
    postings = [(await give(owner, customer_id=acme, credits=5)).posting_id for _ in range(30)]
    chance = random.Random(7)  # noqa: S311 -- chance for load, not for secrets

    async def some_verbs(connection: Connection) -> ledger.Posted | ledger.Reversed:
        posted = await give(connection, customer_id=acme, credits=chance.randint(1, 3))
        await spend(connection, customer_id=acme, credits=1)
        await correct(connection, customer_id=acme, credits=-1)
        await correct(connection, customer_id=acme, credits=1)
        return await undo(connection, customer_id=acme, posting_id=chance.choice([posted.posting_id, *postings]))

    outcomes = await _all_at_once(database, [some_verbs] * 60)

    assert {outcome for outcome in outcomes if isinstance(outcome, type)} <= {
        ledger.AlreadyReversed,
        ledger.InsufficientCredits,
    }
    assert any(isinstance(outcome, int) for outcome in outcomes)
    assert ledger.breached(await ledger.verify(owner)) == []


async def test_the_second_verb_of_a_transaction_sees_what_others_committed_meanwhile(
    database: Database, owner: asyncpg.Connection, acme: int
) -> None:
    """
    What is decided is decided under the lock, on what is committed by then and not on what was read before.
    """
    await give(owner, customer_id=acme, credits=1)

    async with database.transaction() as connection:
        seen_before = await ledger.balance(connection, customer_id=acme)
        await spend(owner, customer_id=acme, credits=1)
        with pytest.raises(ledger.InsufficientCredits):
            await spend(connection, customer_id=acme, credits=1)

    assert seen_before == 1


async def _all_at_once(database: Database, verbs: list[Verb]) -> list[int | type[Exception]]:
    return await asyncio.gather(*(_outcome(database, verb) for verb in verbs))


async def _outcome(database: Database, verb: Verb) -> int | type[Exception]:
    """
    Say how many credits a verb moved in a transaction of its own, or how it was refused.
    """
    try:
        return (await _in_a_transaction(database, verb)).credits
    except (ledger.InsufficientCredits, ledger.AlreadyReversed) as refusal:
        return type(refusal)


async def _in_a_transaction(database: Database, verb: Callable[[Connection], Awaitable[Answer]]) -> Answer:
    async with database.transaction() as connection:
        return await verb(connection)


async def _somebody_waits_for_a_lock(owner: asyncpg.Connection) -> None:
    """
    Return once another connection to this database waits for a lock; fail if none does within ten seconds.
    """
    async with asyncio.timeout(10):
        while not await owner.fetchval(  # noqa: ASYNC110 -- the server tells nobody who waits
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        ):
            await asyncio.sleep(0)
