"""
What callers send, and what they can see of a database.
"""

import asyncio
import dataclasses
from collections.abc import Awaitable, Iterable
from typing import Any

import asyncpg
import httpx

from rsolv.api import Parts, build_application

ONBOARD = "/api/v1/customers/onboard"
STORE = "/api/v1/phases/store"
STORE_ALIAS = "/api/v1/phase-data"
RETRIEVE = "/api/v1/phases/retrieve"
USAGE = "/api/v1/billing/usage"
TRANSACTIONS = "/api/v1/billing/transactions"
METHODS = "/api/v1/billing/payment-methods"
SETUP = f"{METHODS}/setup"
CONSENT = "/api/v1/billing/consent"
SUBSCRIPTION = "/api/v1/billing/subscription"
INVOICES = "/api/v1/billing/invoices"
RETURN = "/billing/payment-methods/return"

DEADLINE_SECONDS = 30.0


def caller(parts: Parts, *, key: str | None = None, **changes: Any) -> httpx.AsyncClient:
    """
    Make a caller of the application over these parts (some of them changed), with a key if given.
    """
    application = build_application(dataclasses.replace(parts, **changes))
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=application, raise_app_exceptions=True),
        base_url="http://api.test",
        headers={"x-api-key": key} if key else None,
    )


def result(phase: str, *, issue: int | None = None, commit: str = "c0ffee", **data: object) -> dict[str, Any]:
    """
    Write the body that stores a phase's result, as the action words it.
    """
    body = {"phase": phase, "repo": "acme/shop", "commitSha": commit, "data": data}
    return body if issue is None else body | {"issueNumber": issue}


def fix(issue: int, *, commit: str = "c0ffee") -> dict[str, Any]:
    """
    Write the body that reports an issue as fixed.
    """
    return result("mitigation", issue=issue, commit=commit, fixed=True, prUrl=f"https://forge.test/pull/{issue}")


async def sign_up(client: httpx.AsyncClient, email: str) -> dict[str, Any]:
    """
    Sign up and return the answer.
    """
    answer = await client.post(ONBOARD, json={"email": email})
    assert answer.status_code == httpx.codes.CREATED, answer.text
    return dict(answer.json())


async def billing_of(client: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
    """
    Store a result and return what became of its billing.
    """
    answer = await client.post(STORE, json=body)
    assert answer.status_code == httpx.codes.OK, answer.text
    return dict(answer.json()["billing"])


async def usage_of(client: httpx.AsyncClient) -> dict[str, Any]:
    """
    Ask for the customer at a glance.
    """
    answer = await client.get(USAGE)
    assert answer.status_code == httpx.codes.OK, answer.text
    return dict(answer.json())


async def all_at_once(requests: Iterable[Awaitable[httpx.Response]]) -> list[httpx.Response]:
    """
    Send many requests at the same moment and return their answers in the same order.
    """
    return list(await asyncio.gather(*requests))


async def contents(owner: asyncpg.Connection) -> dict[str, tuple[int, str]]:
    """
    Return for each table how many rows it has and a digest of all that they say.
    """
    tables = await owner.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
    digests: dict[str, tuple[int, str]] = {}
    for (table,) in tables:
        row = await owner.fetchrow(
            f"SELECT count(*), coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {table} AS t"  # noqa: S608 -- names from the catalogue
        )
        digests[table] = (row[0], row[1])
    return digests


async def until_waiting_for(owner: asyncpg.Connection, table: str, *, statements: int) -> None:
    """
    Return when so many statements wait for a lock on a table.
    """
    # Not pg_stat_activity: inside a transaction it does not show who connected after the first look.
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = $1::text::regclass"
    async with asyncio.timeout(DEADLINE_SECONDS):
        while await owner.fetchval(waiting, table) < statements:  # noqa: ASYNC110 -- the lock is in another process
            await asyncio.sleep(0)
