"""
Each event is stored once, for ever, together with the job that handles it.
"""

import asyncio
import secrets

import asyncpg
import msgspec
import pytest

from billing_events.postroom import Postroom
from billing_events.test_payments import PAID, paid_unseen
from charges.stage import NOW
from charges.test_crashes import Died
from rsolv import billing_events
from rsolv.db import Connection
from rsolv.stripe_gateway import parse_event
from stripe_twin.core import Record

QUEUED = "SELECT count(*) FROM pgqueuer WHERE entrypoint = 'billing_event.handle'"
STORED = "SELECT count(*) FROM billing_events"


@pytest.fixture
def told(postroom: Postroom) -> Record:
    """
    Something that happened at the twin.
    """
    return postroom.told("customer.created")[0]


async def test_an_event_and_its_job_are_stored_together(
    postroom: Postroom, owner: asyncpg.Connection, told: Record
) -> None:
    """
    With the exact text, and what an operator asks for.
    """
    event = await postroom.event(await postroom.receive(told) or 0)

    assert (event.stripe_event_id, event.type, event.source) == (told["id"], "customer.created", "webhook")
    assert (event.outcome, event.attempts, event.handled_at, event.wake_at) == ("waiting", 0, None, NOW)
    assert event.payload == msgspec.json.encode(told).decode()
    assert await owner.fetchval(QUEUED) == 1


async def test_without_its_commit_neither_event_nor_job_is_there(
    postroom: Postroom, owner: asyncpg.Connection, told: Record
) -> None:
    """
    Whoever dies half-way has acknowledged nothing, and Stripe sends it again.
    """
    body = msgspec.json.encode(told)
    arrival = billing_events.accept(parse_event(told), body=body)

    async def receive_and_die() -> None:
        async with postroom.stage.database.transaction() as connection:
            await billing_events.receive(connection, arrival, now=NOW)
            raise Died

    with pytest.raises(Died):
        await receive_and_die()

    assert (await owner.fetchval(STORED), await owner.fetchval(QUEUED)) == (0, 0)


async def test_a_repeat_stores_nothing_more(postroom: Postroom, owner: asyncpg.Connection, told: Record) -> None:
    """
    Also long after the first one was handled, and when several come at once.
    """
    first = await postroom.receive(told)
    await postroom.handle(first)
    await owner.execute("DELETE FROM pgqueuer")

    repeats = await asyncio.gather(*(postroom.receive(told) for _ in range(8)))

    assert set(repeats) == {None}
    assert (await owner.fetchval(STORED), await owner.fetchval(QUEUED)) == (1, 0)


async def test_of_several_at_once_one_is_stored(postroom: Postroom, owner: asyncpg.Connection, told: Record) -> None:
    """
    Each on a connection of its own.
    """
    received = await asyncio.gather(*(postroom.receive(told) for _ in range(8)))

    assert len([event_id for event_id in received if event_id is not None]) == 1
    assert (await owner.fetchval(STORED), await owner.fetchval(QUEUED)) == (1, 1)


async def test_without_the_constraint_a_repeat_would_be_stored_twice(
    postroom: Postroom, owner: asyncpg.Connection, told: Record
) -> None:
    """
    The planted bug: who asks first and inserts then is not alone in asking.
    """
    await owner.execute("ALTER TABLE billing_events DROP CONSTRAINT billing_events_once")
    both_asked = asyncio.Barrier(2)

    async def ask_then_insert() -> None:
        async with postroom.stage.database.transaction() as connection:
            known = await connection.fetchval("SELECT true FROM billing_events WHERE stripe_event_id = $1", told["id"])
            await both_asked.wait()
            assert known is None
            await _insert_unasked(connection, told)

    await asyncio.gather(ask_then_insert(), ask_then_insert())

    assert await owner.fetchval(STORED) == 2


async def _insert_unasked(connection: Connection, told: Record) -> None:
    await connection.execute(
        """
        INSERT INTO billing_events (stripe_event_id, type, is_thin, livemode, happened_at, received_at, source, wake_at)
        VALUES ($1, $2, false, false, now(), now(), 'webhook', now())
        """,
        told["id"],
        told["type"],
    )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE billing_events SET type = 'invoice.paid'",
        "UPDATE billing_events SET object_id = 'pi_other'",
        "UPDATE billing_events SET payload = '{}'",
        "DELETE FROM billing_events",
        "TRUNCATE billing_events",
    ],
)
async def test_what_came_stays_as_it_came(
    postroom: Postroom, owner: asyncpg.Connection, told: Record, statement: str
) -> None:
    """
    For its owner too: an id that is forgotten could be taken in again.
    """
    await postroom.receive(told)

    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await owner.execute(statement)


async def test_what_may_name_a_person_can_be_erased(
    postroom: Postroom, owner: asyncpg.Connection, told: Record
) -> None:
    """
    The event stays, and can still be handled: by its ids alone.
    """
    charge_id = await paid_unseen(postroom)
    [event_id] = await postroom.take_in(PAID)

    await owner.execute("UPDATE billing_events SET payload = NULL")

    assert (await postroom.handle(event_id)).outcome == "processed"
    await postroom.stage.require_paid_once(charge_id)


async def test_a_secret_in_what_came_is_not_logged(
    postroom: Postroom, capsys: pytest.CaptureFixture[str], told: Record
) -> None:
    """
    Logs have ids and machine words only.
    """
    canary = secrets.token_hex(16)
    subject = {**told["data"]["object"], "name": canary, "email": f"{canary}@example.com"}

    await postroom.handle(await postroom.receive(told, data={"object": subject}, api_version="2020-01-01"))

    printed = capsys.readouterr()
    assert canary not in printed.out + printed.err
