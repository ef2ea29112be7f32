"""
Claiming, keeping and purging, on real transactions.
"""

import asyncio

import asyncpg
import pytest

from rsolv.db import Connection, Database
from rsolv.idempotency import (
    Answer,
    KeyReused,
    Repeatable,
    RequestInProgress,
    claim,
    fingerprint,
    keep,
    purge_expired,
)
from rsolv.idempotency.service import PURGE_BATCH
from rsolv.kernel.secret import Secret

MASTER_KEY = Secret("0123456789abcdef" * 4)
ANSWER = Answer(201, b'{"made": 1}')


def request(key: str = "key-1", *, scope: str = "POST /things", body: bytes = b"{}") -> Repeatable:
    """
    Describe a request that may come again.
    """
    return Repeatable(scope=scope, key=Secret(key), fingerprint=fingerprint("POST", "/things", body))


async def claimed(connection: Connection, repeatable: Repeatable) -> Answer | None:
    """
    Claim with the installation's master key.
    """
    return await claim(connection, repeatable, master_key=MASTER_KEY)


async def answered(database: Database, repeatable: Repeatable) -> Answer:
    """
    Have a request answered once and its answer kept.
    """
    async with database.transaction() as connection:
        assert await claimed(connection, repeatable) is None
        await keep(connection, repeatable, ANSWER, master_key=MASTER_KEY)
    return ANSWER


async def test_the_first_request_is_nobodys_repeat(connection: Connection) -> None:
    """
    Under a new key there is no answer yet.
    """
    assert await claimed(connection, request()) is None


async def test_a_repeat_gets_status_and_body_of_the_first(database: Database) -> None:
    """
    The kept answer comes back as it was, as often as it is asked for.
    """
    await answered(database, request())

    for _ in range(2):
        async with database.transaction() as connection:
            assert await claimed(connection, request()) == ANSWER


async def test_a_key_for_another_question_is_refused(database: Database) -> None:
    """
    The same key with another body is not a repeat but a mistake.
    """
    await answered(database, request())

    with pytest.raises(KeyReused):
        async with database.transaction() as connection:
            await claimed(connection, request(body=b'{"other": 1}'))


async def test_keys_count_per_scope(database: Database) -> None:
    """
    Another route or another key is another request.
    """
    await answered(database, request())

    async with database.transaction() as connection:
        assert await claimed(connection, request(scope="POST /others")) is None
        assert await claimed(connection, request("key-2")) is None


async def test_a_repeat_while_the_first_still_runs_is_told_so(database: Database) -> None:
    """
    Until the first transaction ends the key is taken; afterwards its answer is there.
    """
    async with database.transaction() as first:
        await claimed(first, request())
        with pytest.raises(RequestInProgress):
            async with database.transaction() as second:
                await claimed(second, request())
        await keep(first, request(), ANSWER, master_key=MASTER_KEY)

    async with database.transaction() as third:
        assert await claimed(third, request()) == ANSWER


async def test_a_request_that_failed_is_not_remembered(database: Database) -> None:
    """
    When the transaction of the effect rolls back, the answer goes with it and the key is free.
    """

    async def fail() -> None:
        async with database.transaction() as connection:
            await claimed(connection, request())
            await keep(connection, request(), ANSWER, master_key=MASTER_KEY)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    async with database.transaction() as connection:
        assert await claimed(connection, request(body=b'{"other": 1}')) is None


async def test_an_answer_is_kept_for_a_day(database: Database, owner: asyncpg.Connection) -> None:
    """
    The time is counted by the database, and ends 24 hours after the answer.
    """
    await answered(database, request())

    row = await owner.fetchrow("SELECT extract(epoch FROM expires_at - created_at) AS seconds FROM idempotent_answers")

    assert row["seconds"] == 24 * 60 * 60


async def test_after_its_time_the_key_is_free_for_anything(database: Database, owner: asyncpg.Connection) -> None:
    """
    An expired answer is not given, its key may ask something else, and the new answer takes its place.
    """
    await answered(database, request())
    await owner.execute("UPDATE idempotent_answers SET expires_at = now() - interval '1 second'")

    await answered(database, request(body=b'{"other": 1}'))

    async with database.transaction() as connection:
        assert await claimed(connection, request(body=b'{"other": 1}')) == ANSWER
    assert await owner.fetchval("SELECT count(*) FROM idempotent_answers") == 1


async def test_an_answer_in_its_time_is_never_replaced(database: Database, owner: asyncpg.Connection) -> None:
    """
    Keeping under a key whose answer still lives changes nothing.
    """
    await answered(database, request())
    before = await owner.fetch("SELECT * FROM idempotent_answers")

    async with database.transaction() as connection:
        await keep(connection, request(), Answer(201, b"other"), master_key=MASTER_KEY)

    assert await owner.fetch("SELECT * FROM idempotent_answers") == before


@pytest.mark.parametrize("expired", [0, 1, PURGE_BATCH, PURGE_BATCH + 1])
async def test_purging_takes_what_is_over_and_nothing_else(
    database: Database, owner: asyncpg.Connection, expired: int
) -> None:
    """
    All expired answers go, however many batches they are; what is in its time stays; a repeat finds none.
    """
    await answered(database, request())
    await owner.execute(
        """
        INSERT INTO idempotent_answers (scope, key_hash, id, fingerprint, status, sealed_body, expires_at)
        SELECT 'POST /old', sha256(n::text::bytea), gen_random_uuid(), sha256('x'), 201, 'x', now()
        FROM generate_series(1, $1) AS n
        """,
        expired,
    )

    purged = [await purge_expired(database) for _ in range(2)]

    assert purged == [expired, 0]
    assert await owner.fetchval("SELECT count(*) FROM idempotent_answers") == 1


async def effect(connection: Connection) -> None:
    """
    Do something that nothing but the claim keeps from being done twice.
    """
    await connection.execute("INSERT INTO effects DEFAULT VALUES")


async def once(database: Database, together: asyncio.Barrier) -> None:
    """
    Handle a request as a route does: claim, act, keep; a repeat does not act.
    """
    await together.wait()
    async with database.transaction() as connection:
        if await claimed(connection, request()) is None:
            await effect(connection)
            await keep(connection, request(), ANSWER, master_key=MASTER_KEY)


async def looking_only(database: Database, together: asyncio.Barrier) -> None:
    """
    Planted: look whether there is an answer, but take no lock for the key.
    """
    async with database.transaction() as connection:
        kept = await connection.fetchval("SELECT count(*) FROM idempotent_answers")
        await together.wait()
        if not kept:
            await effect(connection)
            await keep(connection, request(), ANSWER, master_key=MASTER_KEY)


@pytest.fixture
async def effects(owner: asyncpg.Connection) -> asyncpg.Connection:
    """
    A connection to a database in which effects can be counted.
    """
    await owner.execute("CREATE TABLE effects (id bigint GENERATED ALWAYS AS IDENTITY)")
    await owner.execute("GRANT INSERT ON effects TO rsolv_app")
    return owner


async def test_eight_at_once_have_one_effect(database: Database, effects: asyncpg.Connection) -> None:
    """
    However many duplicates arrive together, one acts; each of the others is told to wait or gets its answer.
    """
    together = asyncio.Barrier(8)

    outcomes = await asyncio.gather(*(once(database, together) for _ in range(8)), return_exceptions=True)

    assert await effects.fetchval("SELECT count(*) FROM effects") == 1
    assert {type(outcome) for outcome in outcomes} <= {type(None), RequestInProgress}


async def test_the_count_of_effects_notices_a_missing_lock(database: Database, effects: asyncpg.Connection) -> None:
    """
    Planted: eight that only look whether there is an answer all act.
    """
    together = asyncio.Barrier(8)

    await asyncio.gather(*(looking_only(database, together) for _ in range(8)))

    assert await effects.fetchval("SELECT count(*) FROM effects") == 8
