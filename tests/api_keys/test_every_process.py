"""
A key that has ended is refused by every process, though each remembers it.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import asyncpg
import httpx
import pytest

from cli.programs import environment, finished, serving
from factories.customers import make_customer
from local.waiting import until
from rsolv.db import Database
from rsolv.provisioning import Provisioned

PROCESSES = 2


@pytest.fixture
async def acme(database: Database) -> Provisioned:
    """
    A customer with one key.
    """
    async with database.transaction() as connection:
        return await make_customer(connection)


@pytest.fixture
def base_urls(database_url: str) -> Iterator[list[str]]:
    """
    Web processes over one database.
    """
    with ExitStack() as opened:
        yield [opened.enter_context(serving(database_url)) for _ in range(PROCESSES)]


def status(base_url: str, made: Provisioned) -> int:
    headers = {"x-api-key": made.key.secret.reveal()}
    return httpx.get(f"{base_url}/api/v1/billing/usage", headers=headers, timeout=30).status_code


def warm(base_url: str, made: Provisioned) -> None:
    """
    Have a process remember the key, and answer from memory.
    """

    def hits() -> int:
        assert status(base_url, made) == httpx.codes.OK
        counters: dict[str, int] = httpx.get(f"{base_url}/ready", timeout=30).json()["api_key_cache"]
        return counters["hits"]

    until(hits, "the process answers from memory")


async def test_a_revoked_key_stops_working_on_every_process(
    database_url: str, base_urls: list[str], acme: Provisioned
) -> None:
    """
    One operator's command, and no process takes the key any more.
    """
    for base_url in base_urls:
        warm(base_url, acme)
    who, key_id = str(acme.customer.id), str(acme.key.api_key.id)

    revoked = finished("keys", "revoke", who, key_id, environ=environment(database_url))
    started = time.monotonic()
    for base_url in base_urls:
        until(lambda url=base_url: status(url, acme) == httpx.codes.UNAUTHORIZED, "the process refuses")
    print(f"refused everywhere {time.monotonic() - started:.3f} s after the command")  # noqa: T201 -- the figure

    assert revoked.returncode == 0
    assert [status(base_url, acme) for base_url in base_urls] == [401] * PROCESSES


async def test_planted_without_its_triggers_a_process_still_takes_the_key(
    base_urls: list[str], owner: asyncpg.Connection, acme: Provisioned
) -> None:
    """
    Nobody told the process, so it answers from memory: the test above would wait in vain.
    """
    await owner.execute("DROP TRIGGER api_keys_notify_change ON api_keys")
    warm(base_urls[0], acme)

    await owner.execute("UPDATE api_keys SET revoked_at = created_at")

    assert status(base_urls[0], acme) == httpx.codes.OK
