"""
Keys under concurrency: the limit holds, and a key ends once.
"""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from factories.customers import make_customer
from rsolv import api_keys
from rsolv.api_keys import queries
from rsolv.api_keys.rules import LIVE_KEYS_MAX, generate_key, hash_key, shown_parts
from rsolv.audit import SYSTEM
from rsolv.db import Database
from rsolv.provisioning import Provisioned

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
AT_ONCE = 10
LIVE = "SELECT count(*) FROM api_keys WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1)"
ACTS = "SELECT count(*) FROM audit_entries WHERE action = $1"


@pytest.fixture
async def acme(database: Database) -> Provisioned:
    """
    A customer with one key.
    """
    async with database.transaction() as connection:
        return await make_customer(connection, now=NOW)


async def issue(database: Database, acme: Provisioned) -> None:
    async with database.transaction() as connection:
        await api_keys.issue_key(connection, customer_id=acme.customer.id, name="CI", actor=SYSTEM, now=NOW)


async def rotate(database: Database, acme: Provisioned) -> None:
    async with database.transaction() as connection:
        await api_keys.rotate_key(
            connection,
            customer_id=acme.customer.id,
            api_key_id=acme.key.api_key.id,
            overlap=timedelta(0),
            actor=SYSTEM,
            now=NOW,
        )


async def revoke(database: Database, acme: Provisioned) -> bool:
    async with database.transaction() as connection:
        return await api_keys.revoke_key(
            connection, customer_id=acme.customer.id, api_key_id=acme.key.api_key.id, actor=SYSTEM, now=NOW
        )


async def test_the_limit_of_live_keys_holds_however_many_ask_at_once(
    database: Database, owner: asyncpg.Connection, acme: Provisioned
) -> None:
    """
    With one key there is room for four; the other six are told.
    """
    outcomes = await asyncio.gather(*(issue(database, acme) for _ in range(AT_ONCE)), return_exceptions=True)

    refused = [outcome for outcome in outcomes if isinstance(outcome, api_keys.TooManyApiKeys)]
    assert (outcomes.count(None), len(refused)) == (LIVE_KEYS_MAX - 1, AT_ONCE - LIVE_KEYS_MAX + 1)
    assert await owner.fetchval(LIVE, NOW) == LIVE_KEYS_MAX


async def test_planted_without_the_lock_the_limit_is_overrun(
    database: Database, owner: asyncpg.Connection, acme: Provisioned
) -> None:
    """
    Were the keys counted without locking the customer, all would find room, which the test above notices.
    """
    all_have_counted = asyncio.Barrier(AT_ONCE)

    async def issue_without_lock() -> None:
        async with database.transaction() as connection:
            live = await queries.count_live_keys(connection, customer_id=acme.customer.id, now=NOW)
            await all_have_counted.wait()
            assert live < LIVE_KEYS_MAX
            key = generate_key()
            await queries.insert_key(
                connection,
                customer_id=acme.customer.id,
                name="CI",
                shown=shown_parts(key),
                key_hash=hash_key(key),
                created_at=NOW,
                expires_at=None,
                replaces_api_key_id=None,
            )

    await asyncio.gather(*(issue_without_lock() for _ in range(AT_ONCE)))

    assert await owner.fetchval(LIVE, NOW) == AT_ONCE + 1


async def test_of_many_rotations_at_once_one_wins(
    database: Database, owner: asyncpg.Connection, acme: Provisioned
) -> None:
    """
    The key has one successor; the others are told that it is no longer live.
    """
    outcomes = await asyncio.gather(*(rotate(database, acme) for _ in range(AT_ONCE)), return_exceptions=True)

    refused = [outcome for outcome in outcomes if isinstance(outcome, api_keys.ApiKeyRevoked)]
    assert (outcomes.count(None), len(refused)) == (1, AT_ONCE - 1)
    assert await owner.fetchval("SELECT count(*) FROM api_keys WHERE replaces_api_key_id IS NOT NULL") == 1
    assert await owner.fetchval(LIVE, NOW) == 1


async def test_of_many_revocations_at_once_one_is_recorded(
    database: Database, owner: asyncpg.Connection, acme: Provisioned
) -> None:
    """
    The key ended once.
    """
    outcomes = await asyncio.gather(*(revoke(database, acme) for _ in range(AT_ONCE)))

    assert sorted(outcomes) == [False] * (AT_ONCE - 1) + [True]
    assert await owner.fetchval(ACTS, "api_key:revoked") == 1


async def test_a_key_rotated_and_revoked_at_once_is_dead_either_way(
    database: Database, owner: asyncpg.Connection, acme: Provisioned
) -> None:
    """
    Whoever comes first, the old key opens nothing afterwards.
    """
    await asyncio.gather(rotate(database, acme), revoke(database, acme), return_exceptions=True)

    async with database.reading() as connection:
        found = await queries.find_live_key_by_hash(connection, key_hash=hash_key(acme.key.secret.reveal()), now=NOW)
    assert found is None
