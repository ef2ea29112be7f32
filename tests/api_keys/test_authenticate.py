"""
Authentication: who presents a key, what is refused, and when a process stops believing its memory.
"""

import asyncio
import random
import string
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from cli.clones import cloned
from cli.waiting import eventually
from factories.customers import make_customer
from rsolv import api_keys
from rsolv.api_keys import AuthenticatedKey, Authenticator, CacheCounters
from rsolv.api_keys.rules import checksum, generate_key
from rsolv.audit import SYSTEM
from rsolv.db import Database, Unavailable
from rsolv.local.cluster import Cluster
from rsolv.provisioning import Provisioned

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LISTENERS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'rsolv listen authentication_changed'"
HEARS = f"{LISTENERS} AND query LIKE 'LISTEN%' AND state = 'idle'"


@pytest.fixture(scope="module")
def database_url(cluster: Cluster, templates: dict[str, str]) -> Iterator[str]:
    """
    One database for all these tests.
    """
    with cloned(cluster, templates["current"]) as url:
        yield url


@pytest.fixture
async def acme(database: Database) -> Provisioned:
    """
    A customer with one key.
    """
    async with database.transaction() as connection:
        return await make_customer(connection, now=NOW)


def key_of(made: Provisioned) -> str:
    return made.key.secret.reveal()


def caching(database: Database, *, ttl_seconds: float = 60, size: int = 100) -> Authenticator:
    return Authenticator(database, cache_ttl_seconds=ttl_seconds, cache_size=size)


async def is_refused(authenticator: Authenticator, key: str | None, now: datetime = NOW) -> bool:
    try:
        await authenticator.authenticate(key, now=now)
    except api_keys.InvalidApiKey:
        return True
    return False


@asynccontextmanager
async def listening(authenticator: Authenticator, owner: asyncpg.Connection) -> AsyncIterator[None]:
    """
    Have the authenticator hear of changes until the block ends.
    """
    await eventually(lambda: owner.fetchval(f"SELECT ({LISTENERS}) = 0"), "the listener of another test is gone")
    task = asyncio.create_task(authenticator.listen())
    try:
        await eventually(lambda: owner.fetchval(HEARS), "it hears")
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def revoke(database: Database, made: Provisioned) -> None:
    async with database.transaction() as connection:
        await api_keys.revoke_key(
            connection, customer_id=made.customer.id, api_key_id=made.key.api_key.id, actor=SYSTEM, now=NOW
        )


async def test_a_key_authenticates_its_customer(database: Database, acme: Provisioned) -> None:
    """
    Effects are attributed to the key's id, never to its text.
    """
    caller = await caching(database).authenticate(key_of(acme), now=NOW)

    assert caller == AuthenticatedKey(acme.customer.id, acme.key.api_key.id, expires_at=None)
    assert key_of(acme) not in repr(caller)


@pytest.mark.parametrize("presented", [None, ""])
async def test_without_a_key_one_is_asked_for(database: Database, presented: str | None) -> None:
    """
    Having none is another fact than having a wrong one.
    """
    with pytest.raises(api_keys.ApiKeyRequired):
        await caching(database).authenticate(presented, now=NOW)


async def test_a_key_that_was_never_issued_is_refused(database: Database, acme: Provisioned) -> None:
    """
    Its checksum is right, so it is looked up, and nobody has it.
    """
    assert await is_refused(caching(database), generate_key())


DEATHS: list[object] = [
    pytest.param("UPDATE api_keys SET revoked_at = created_at", id="revoked"),
    pytest.param("UPDATE api_keys SET expires_at = '2026-11-20 12:00:00+00'", id="expires now"),
    pytest.param("UPDATE customers SET deactivated_at = created_at", id="customer deactivated"),
]


@pytest.mark.parametrize("death", DEATHS)
async def test_a_dead_key_is_refused_like_an_unknown_one(
    database: Database, owner: asyncpg.Connection, acme: Provisioned, death: str
) -> None:
    """
    The caller is not told which it is.
    """
    await owner.execute(death)

    with pytest.raises(api_keys.InvalidApiKey) as dead:
        await caching(database).authenticate(key_of(acme), now=NOW)
    with pytest.raises(api_keys.InvalidApiKey) as unknown:
        await caching(database).authenticate(generate_key(), now=NOW)

    assert str(dead.value) == str(unknown.value) == "Invalid API key"


async def test_thousands_of_mutations_of_a_key_are_refused_without_asking_the_database(
    database: Database, acme: Provisioned
) -> None:
    """
    The database of this authenticator is closed: whoever asked it would be told that it is unavailable.
    """
    authenticator = caching(database)
    chance = random.Random(20_261_120)  # noqa: S311 -- chance for a test, the same each time
    mutations = {mutated(mutated(key_of(acme), chance), chance) for _ in range(4_000)} - {key_of(acme)}
    await database.close()

    refusals = [await is_refused(authenticator, mutation) for mutation in mutations]

    assert len(refusals) > 2_000
    assert all(refusals)


async def test_planted_a_key_with_a_right_checksum_does_ask_the_closed_database(database: Database) -> None:
    """
    This is how the test above would notice a look-up.
    """
    authenticator = caching(database)
    await database.close()

    with pytest.raises(Unavailable):
        await authenticator.authenticate(generate_key(), now=NOW)


async def test_forged_keys_with_right_checksums_are_refused(database: Database, acme: Provisioned) -> None:
    """
    Knowing how the checksum is made does not help.
    """
    authenticator, chance = caching(database), random.Random(7)  # noqa: S311 -- see above
    forged = [resealed(mutated(key_of(acme)[:-6], chance)) for _ in range(200)]

    refusals = [await is_refused(authenticator, key) for key in forged if key != key_of(acme)]

    assert len(refusals) > 150
    assert all(refusals)


def mutated(key: str, chance: random.Random) -> str:
    """
    Change a key as typing, cutting and copying do: replace, drop, double, swap, or change case.
    """
    at = chance.randrange(len(key) - 1)
    characters = string.ascii_letters + string.digits
    changes: list[Callable[[], str]] = [
        lambda: key[:at] + chance.choice(characters) + key[at + 1 :],
        lambda: key[:at] + key[at + 1 :],
        lambda: key[:at] + key[at] + key[at:],
        lambda: key[:at] + key[at + 1] + key[at] + key[at + 2 :],
        lambda: key[:at] + key[at].swapcase() + key[at + 1 :],
    ]
    return chance.choice(changes)()


def resealed(body: str) -> str:
    body = body[:43].ljust(43, "x")
    return body + checksum(body)


async def test_a_key_is_looked_up_once_while_it_is_remembered(database: Database, acme: Provisioned) -> None:
    """
    The second answer comes from memory, without the database.
    """
    authenticator = caching(database)

    first = await authenticator.authenticate(key_of(acme), now=NOW)
    await database.close()
    second = await authenticator.authenticate(key_of(acme), now=NOW)

    assert first == second
    assert authenticator.counters() == CacheCounters(hits=1, misses=1, size=1)


@pytest.mark.parametrize(("ttl_seconds", "size"), [(0, 100), (60, 0)], ids=["no time", "no room"])
async def test_without_time_or_room_nothing_is_remembered(
    database: Database, acme: Provisioned, ttl_seconds: float, size: int
) -> None:
    """
    Every request asks the database.
    """
    authenticator = caching(database, ttl_seconds=ttl_seconds, size=size)

    for _ in range(3):
        await authenticator.authenticate(key_of(acme), now=NOW)

    assert (authenticator.counters().hits, authenticator.counters().misses) == (0, 3)


async def test_a_refusal_is_not_remembered(database: Database, owner: asyncpg.Connection, acme: Provisioned) -> None:
    """
    A key that becomes live is taken at once, and guesses cannot fill the memory.
    """
    authenticator = caching(database)
    await owner.execute("UPDATE customers SET deactivated_at = created_at")
    before = await is_refused(authenticator, key_of(acme))
    await owner.execute("UPDATE customers SET deactivated_at = NULL")

    assert (before, await is_refused(authenticator, key_of(acme))) == (True, False)
    assert await is_refused(authenticator, generate_key())
    assert authenticator.counters().size == 1


async def test_a_remembered_key_still_expires_to_the_moment(
    database: Database, owner: asyncpg.Connection, acme: Provisioned
) -> None:
    """
    Memory knows the expiry too.
    """
    await owner.execute("UPDATE api_keys SET expires_at = $1", NOW + timedelta(seconds=10))
    authenticator = caching(database)
    await authenticator.authenticate(key_of(acme), now=NOW)

    assert not await is_refused(authenticator, key_of(acme), NOW + timedelta(seconds=9))
    assert await is_refused(authenticator, key_of(acme), NOW + timedelta(seconds=10))
    assert authenticator.counters().misses == 1


@pytest.mark.parametrize("death", DEATHS)
async def test_who_hears_of_a_death_forgets_the_key(
    database: Database, owner: asyncpg.Connection, acme: Provisioned, death: str
) -> None:
    """
    Whichever way a key dies, the memory of it goes when the change has committed.
    """
    authenticator = caching(database)
    async with listening(authenticator, owner):
        await authenticator.authenticate(key_of(acme), now=NOW)
        await owner.execute(death)

        await eventually(lambda: is_refused(authenticator, key_of(acme)), "the dead key is refused")

        assert authenticator.counters().invalidations == 1


async def test_who_hears_of_another_key_remembers_this_one(
    database: Database, owner: asyncpg.Connection, acme: Provisioned
) -> None:
    """
    One revocation does not make all others slow.
    """
    async with database.transaction() as connection:
        other = await make_customer(connection, now=NOW)
    authenticator = caching(database)
    async with listening(authenticator, owner):
        await authenticator.authenticate(key_of(acme), now=NOW)
        await authenticator.authenticate(key_of(other), now=NOW)
        await revoke(database, other)
        await eventually(lambda: is_refused(authenticator, key_of(other)), "the revoked key is refused")
        hits = authenticator.counters().hits

        await authenticator.authenticate(key_of(acme), now=NOW)

        assert authenticator.counters().hits == hits + 1


@pytest.mark.parametrize("message", ["", "key", "key seven", "customer -1", "everything", "key 1; drop"])
async def test_what_is_not_understood_makes_everything_forgotten(
    database: Database, owner: asyncpg.Connection, acme: Provisioned, message: str
) -> None:
    """
    A newer version may say something that we cannot judge.
    """
    authenticator = caching(database)

    async def forgot() -> bool:
        return authenticator.counters().size == 0

    async with listening(authenticator, owner):
        await authenticator.authenticate(key_of(acme), now=NOW)
        await owner.execute("SELECT pg_notify('authentication_changed', $1)", message)
        await eventually(forgot, "it forgot")


async def test_a_look_up_under_way_when_something_changes_is_not_kept(
    database: Database, owner: asyncpg.Connection, acme: Provisioned
) -> None:
    """
    It may have seen the time before the change: the answer is given, and the next one asks again.
    """
    authenticator = caching(database)
    async with listening(authenticator, owner):
        async with owner.transaction():
            await owner.execute("LOCK TABLE api_key_hashes IN ACCESS EXCLUSIVE MODE")
            looking_up = asyncio.create_task(authenticator.authenticate(key_of(acme), now=NOW))
            async with database.reading() as watcher:
                waits = "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted"
                await eventually(lambda: watcher.fetchval(waits), "the look-up waits")
                heard = asyncio.get_running_loop().create_future()
                async with database.listening("authentication_changed", heard.set_result):
                    await watcher.execute("SELECT pg_notify('authentication_changed', 'key 404')")
                    await heard
        caller = await looking_up

        assert caller.customer_id == acme.customer.id
        assert authenticator.counters().size == 0


async def test_who_does_not_hear_forgets_by_itself(
    database: Database, owner: asyncpg.Connection, acme: Provisioned
) -> None:
    """
    Without a listener an entry lives for half a second only, whatever the setting says.
    """
    authenticator = caching(database, ttl_seconds=300)
    await authenticator.authenticate(key_of(acme), now=NOW)
    await revoke(database, acme)

    await eventually(lambda: is_refused(authenticator, key_of(acme)), "the revoked key is refused")


async def test_who_stops_hearing_forgets_everything_and_hears_again_later(
    database: Database, owner: asyncpg.Connection, acme: Provisioned
) -> None:
    """
    What was notified meanwhile was missed, so nothing is believed; the connection is made anew.
    """
    authenticator = caching(database)

    async def forgot() -> bool:
        return authenticator.counters().size == 0

    async def another_hears() -> bool:
        return await owner.fetchval(f"{HEARS} AND pid <> $1", lost) == 1

    async with listening(authenticator, owner):
        await authenticator.authenticate(key_of(acme), now=NOW)
        lost = await owner.fetchval(LISTENERS.replace("count(*)", "pid"))
        await owner.execute("SELECT pg_terminate_backend($1)", lost)
        await eventually(forgot, "everything is forgotten")
        await eventually(another_hears, "it hears again")

        await authenticator.authenticate(key_of(acme), now=NOW)
        await revoke(database, acme)
        await eventually(lambda: is_refused(authenticator, key_of(acme)), "the revoked key is refused")
