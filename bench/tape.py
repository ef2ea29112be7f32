"""
Record the statements that the product sends for one billable store, by having its own application answer one.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import asyncpg
import httpx

from bench.operations import FIX
from bench.population import COMMIT_SHA, REPOSITORY, BenchCustomer
from rsolv import schema
from rsolv.api import Parts, build_application
from rsolv.api_keys import Authenticator, LastUsed
from rsolv.customers import EmailPolicy
from rsolv.db import APPLICATION_ROLE, Database
from rsolv.kernel.secret import Secret
from rsolv.logs import set_up_logging
from rsolv.wiring import wired_bus

MASTER_KEY = "0123456789abcdef" * 4


@dataclass(frozen=True)
class Statement:
    """
    One statement as it was sent, with what its first row answered, by column.
    """

    sql: str
    arguments: tuple[object, ...]
    answer: dict[str, object]


@dataclass(frozen=True)
class Recording:
    """
    The statements of one request and the values that the request itself brought.
    """

    inputs: dict[str, int]
    statements: list[Statement]


class TapedConnection(asyncpg.Connection):
    """
    A connection that writes down what is sent over it, BEGIN and COMMIT too.
    """

    tape: ClassVar[list[Statement]] = []

    async def execute(self, query: str, *args: object, **options: object) -> str:
        """
        Execute and write down.
        """
        self.tape.append(Statement(query, args, {}))
        tag: str = await super().execute(query, *args, **options)
        return tag

    async def fetch(self, query: str, *args: object, **options: object) -> list[Any]:
        """
        Fetch and write down.
        """
        rows: list[Any] = await super().fetch(query, *args, **options)
        self.tape.append(Statement(query, args, dict(rows[0]) if rows else {}))
        return rows

    async def fetchrow(self, query: str, *args: object, **options: object) -> asyncpg.Record | None:
        """
        Fetch a row and write down.
        """
        row = await super().fetchrow(query, *args, **options)
        self.tape.append(Statement(query, args, dict(row) if row else {}))
        return row

    async def fetchval(self, query: str, *args: object, column: int = 0, **options: object) -> object:
        """
        Fetch a value and write the row down.
        """
        row = await self.fetchrow(query, *args, **options)
        return row[column] if row else None


async def record_billable_stores(database_url: str, customers: list[BenchCustomer]) -> list[Recording]:
    """
    Answer one billable store for each of these customers and give the statements of each.

    The first store of a customer, not recorded, fills the cache of keys as in a process that has been running.
    """
    set_up_logging(level="warning", as_json=True)
    pool = await asyncpg.create_pool(
        database_url,
        min_size=1,
        max_size=1,
        connection_class=TapedConnection,
        server_settings={"role": APPLICATION_ROLE},
        reset=_leave_as_it_is,
    )
    database = Database(pool, database_url, APPLICATION_ROLE)
    transport = httpx.ASGITransport(app=build_application(_parts(database)))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://bench.test") as client:
            return [await _record(client, customer) for customer in customers]
    finally:
        await database.close()


async def _record(client: httpx.AsyncClient, customer: BenchCustomer) -> Recording:
    issue_number = 500_000_000 + customer.customer_id * 10
    for number in (issue_number, issue_number + 1):
        TapedConnection.tape.clear()
        answer = await client.post(
            "/api/v1/phases/store",
            headers={"x-api-key": customer.api_key},
            json={
                "phase": "mitigate",
                "repo": REPOSITORY,
                "commitSha": COMMIT_SHA,
                "issueNumber": number,
                "data": FIX,
            },
        )
        assert answer.json()["billing"]["status"] == "consumed", answer.text
    inputs = {
        "customer_id": customer.customer_id,
        "api_key_id": customer.api_key_id,
        "issue_number": issue_number + 1,
    }
    return Recording(inputs, list(TapedConnection.tape))


def _parts(database: Database) -> Parts:
    return Parts(
        database=database,
        authenticator=Authenticator(database, cache_ttl_seconds=60, cache_size=1_000),
        last_used=LastUsed(),
        bus=wired_bus(),
        gateway=None,
        master_key=Secret(MASTER_KEY),
        email_policy=EmailPolicy(example_domains_allowed=True),
        ownership_required=False,
        max_body_bytes=1_048_576,
        public_url="http://127.0.0.1",
        schema_version=schema.needed_version(),
    )


async def _leave_as_it_is(_connection: object) -> None:
    """
    Do nothing when the connection goes back to the pool, as in the product.
    """
