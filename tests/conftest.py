"""
What every test may ask for: a real PostgreSQL, three ways to use it, and the application over it.

One throw-away server per test process, one template database built by running the migrations; then either a
transaction that is rolled back (`connection`), or a clone of its own (`database_url`, `database`) for what commits.
"""

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from factories.books import proved_database
from factories.catalogs import CATALOGS
from factories.customers import make_customer
from rsolv import schema
from rsolv.api import Parts, build_application
from rsolv.api_keys import Authenticator, LastUsed
from rsolv.catalog import apply_catalog
from rsolv.customers import EmailPolicy
from rsolv.db import APPLICATION_ROLE, Connection, Database
from rsolv.kernel import clock
from rsolv.kernel.secret import Secret
from rsolv.local.cluster import Cluster
from rsolv.stripe_gateway import StripeGateway
from rsolv.stripe_gateway.client import GatewayOptions, open_gateway
from rsolv.wiring import wired_bus
from stripe_twin.embedded import TwinTransport
from stripe_twin.twin import Twin

MEMORY = Path("/dev/shm")
ROOM_BYTES = 2 * 1024**3
TEMPLATE = "template_migrated"
MASTER_KEY = Secret("0123456789abcdef" * 4)
STRIPE_LOGS = Path(__file__).parents[1] / ".cache" / "stripe" / "log"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """
    A PostgreSQL server for this test process, gone with everything in it afterwards.
    """
    with tempfile.TemporaryDirectory(prefix="rsolv-tests-", dir=_fast_place()) as directory:
        Path(directory).chmod(0o711)
        server = Cluster(Path(directory) / "postgres", durable=False)
        server.start()
        try:
            yield server
        finally:
            server.remove()


def _fast_place() -> str | None:
    """
    Prefer memory, where cloning a database is three times as fast; None is the usual place.
    """
    has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM_BYTES
    return str(MEMORY) if has_room else None


@pytest.fixture(scope="session")
def catalog_name() -> str:
    """
    Which catalogue the tests run with; a module may override it to run its tests with another.
    """
    return "current"


@pytest.fixture(scope="session")
def templates(cluster: Cluster) -> dict[str, str]:
    """
    Names of the template databases by catalogue: migrated, and the catalogue applied.
    """
    return {name: asyncio.run(_make_template(cluster, f"{TEMPLATE}_{name}", name)) for name in CATALOGS}


async def _make_template(cluster: Cluster, template: str, catalog_name: str) -> str:
    admin = await asyncpg.connect(cluster.url())
    try:
        await admin.execute(f"CREATE DATABASE {template}")
    finally:
        await admin.close()
    await asyncio.to_thread(schema.upgrade, cluster.url(template))
    database = await Database.open(cluster.url(template), application="template", pool_size=2)
    try:
        async with database.transaction() as connection:
            await apply_catalog(connection, CATALOGS[catalog_name], now=clock.now())
    finally:
        await database.close()
    return template


@pytest.fixture
async def database_url(
    request: pytest.FixtureRequest, cluster: Cluster, templates: dict[str, str], catalog_name: str
) -> AsyncIterator[str]:
    """
    The URL of a database of this test's own, migrated, with the catalogue applied; proved and dropped afterwards.
    """
    damaged = request.node.get_closest_marker("damages_books")
    async with proved_database(cluster, templates[catalog_name], damaged) as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """
    The product's own pool on a database of this test's own; for tests that commit.
    """
    opened = await Database.open(database_url, application="test", pool_size=16)
    yield opened
    await opened.close()


@pytest.fixture
async def connection(cluster: Cluster, templates: dict[str, str], catalog_name: str) -> AsyncIterator[Connection]:
    """
    A connection in a transaction that is rolled back, acting as the application's role.

    Constraints that wait for the commit are checked before the rollback.
    """
    raw = await asyncpg.connect(cluster.url(templates[catalog_name]), server_settings={"role": APPLICATION_ROLE})
    transaction = raw.transaction()
    await transaction.start()
    try:
        yield raw
        await raw.execute("SET CONSTRAINTS ALL IMMEDIATE")
    finally:
        await transaction.rollback()
        await raw.close()


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """
    A plain connection to this test's own database as its owner: to look, and to bypass the code.
    """
    raw = await asyncpg.connect(database_url)
    yield raw
    await raw.close()


@pytest.fixture
async def parts(database: Database, gateway: StripeGateway) -> Parts:
    """
    What the application is built from, over this test's own database.
    """
    return Parts(
        database=database,
        authenticator=Authenticator(database, cache_ttl_seconds=0, cache_size=0),
        last_used=LastUsed(),
        bus=wired_bus(public_url="http://api.test"),
        gateway=gateway,
        master_key=MASTER_KEY,
        email_policy=EmailPolicy(example_domains_allowed=True),
        ownership_required=False,
        max_body_bytes=1_048_576,
        public_url="http://api.test",
        schema_version=schema.needed_version(),
    )


@pytest.fixture
async def client(parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    """
    A caller of the API without a key.
    """
    transport = httpx.ASGITransport(app=build_application(parts), raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as caller:
        yield caller


@pytest.fixture
async def acme_client(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """
    A caller of the API with the key of acme, a customer who has just signed up over it.
    """
    answer = await client.post("/api/v1/customers/onboard", json={"email": "acme@example.com", "name": "Acme"})
    assert answer.status_code == httpx.codes.CREATED, answer.text
    client.headers["x-api-key"] = answer.json()["api_key"]
    return client


@pytest.fixture
def twin(request: pytest.FixtureRequest) -> Iterator[Twin]:
    """
    A twin of Stripe in this process; it has made no mistake of its own.

    Its calls and events are recorded, and judged after the tests (`make stripe-log`).
    """
    STRIPE_LOGS.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^0-9A-Za-z]+", "-", request.node.nodeid)[-100:]
    opened = Twin(log=STRIPE_LOGS / f"{name}-{os.getpid()}.jsonl")
    yield opened
    opened.close()
    assert opened.mistakes == []


@pytest.fixture
async def gateway(twin: Twin) -> AsyncIterator[StripeGateway]:
    """
    The product's own gateway, over the twin.
    """
    async with open_gateway(GatewayOptions(api_key=Secret("sk_test_ofthetests")), TwinTransport(twin)) as opened:
        yield opened


@pytest.fixture
async def customer_id(database: Database) -> int:
    """
    A customer on trial.
    """
    async with database.transaction() as connection:
        return (await make_customer(connection, email="ada@example.com", name="Ada")).customer.id


@pytest.fixture
async def other_id(database: Database) -> int:
    """
    Another customer on trial.
    """
    async with database.transaction() as connection:
        return (await make_customer(connection, email="bob@example.com", name="Bob")).customer.id
