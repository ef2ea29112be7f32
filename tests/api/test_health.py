"""
GET /health and GET /ready.
"""

import asyncpg
import httpx
import pytest

from api.wire import sign_up
from rsolv.db import Database

HEALTHY = {"status": "ok"}


async def test_the_process_says_that_it_is_alive(client: httpx.AsyncClient) -> None:
    """
    GET /health is 200 without a key.
    """
    answer = await client.get("/health")

    assert (answer.status_code, answer.json()) == (httpx.codes.OK, HEALTHY)


async def test_being_alive_needs_no_database(client: httpx.AsyncClient, database: Database) -> None:
    """
    With the pool closed the process is still alive, so nobody restarts it for the database's trouble.
    """
    await database.close()

    answer = await client.get("/health")

    assert (answer.status_code, answer.json()) == (httpx.codes.OK, HEALTHY)


async def test_ready_says_what_it_looked_at_and_what_waits(client: httpx.AsyncClient) -> None:
    """
    With database and migrations in order GET /ready is 200 and counts the jobs that wait, by kind.
    """
    await sign_up(client, "ada@example.com")

    answer = await client.get("/ready")

    body = answer.json()
    assert answer.status_code == httpx.codes.OK
    assert (body["status"], body["checks"]) == ("ready", {"database": "ok", "migrations": "ok"})
    assert body["jobs_waiting"]["stripe.create_customer"] == 1
    assert body["jobs_held"] == {}
    assert set(body["api_key_cache"]) == {"hits", "misses", "evictions", "size"}


async def test_a_missing_migration_is_not_ready(client: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    """
    A database at another version than this code needs is 503, with both versions named.
    """
    await owner.execute("UPDATE alembic_version SET version_num = '0001'")

    answer = await client.get("/ready")

    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert answer.json()["status"] == "not_ready"
    assert answer.json()["checks"]["migrations"].startswith("at 0001, ")


async def test_an_unreachable_database_is_not_ready(client: httpx.AsyncClient, database: Database) -> None:
    """
    Without the database GET /ready is 503 and says that it cannot be reached.
    """
    await database.close()

    answer = await client.get("/ready")

    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert answer.json()["checks"] == {"database": "unreachable"}


@pytest.mark.parametrize("path", ["/api/v1/billing/usage", "/api/v1/billing/transactions"])
async def test_without_the_database_a_request_is_told_to_come_again(
    acme_client: httpx.AsyncClient, database: Database, path: str
) -> None:
    """
    What needs the database is 503 with Retry-After and a JSON body, and does not say what broke.
    """
    await database.close()

    answer = await acme_client.get(path)

    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert answer.json()["code"] == "unavailable"
    assert answer.headers["retry-after"] == "1"
    assert "Interface" not in answer.text


async def test_a_database_without_any_migration_is_not_ready(
    client: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    """
    A database that was never migrated is reachable and not ready.
    """
    await owner.execute("DROP TABLE alembic_version")

    answer = await client.get("/ready")

    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert answer.json()["checks"] == {"database": "ok", "migrations": "none has run"}
