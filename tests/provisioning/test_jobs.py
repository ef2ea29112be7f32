"""
What provisioning promised, done by the worker: sign-up never waits for Stripe, and Stripe is never forgotten.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from cli.waiting import DEADLINE_SECONDS, eventually
from factories.customers import make_customer
from rsolv.db import Database
from rsolv.jobs import work
from rsolv.jobs.rules import TRIES_MAX
from rsolv.kernel.events import EventBus
from rsolv.stripe_gateway import StripeGateway
from rsolv.worker import handled_jobs
from stripe_twin.core.faults import Fault
from stripe_twin.twin import Twin

KIND = "stripe.create_customer"


@asynccontextmanager
async def working(database: Database, database_url: str, gateway: StripeGateway) -> AsyncIterator[None]:
    """
    Work as the worker does, until the block ends.
    """
    stop = asyncio.Event()
    task = asyncio.create_task(work(database_url, handlers=handled_jobs(database, gateway, EventBus()), stop=stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, DEADLINE_SECONDS)


async def sign_up(database: Database, count: int = 1) -> None:
    async with database.transaction() as connection:
        for _ in range(count):
            await make_customer(connection)


async def test_everybody_who_signed_up_becomes_known_at_stripe(
    database: Database, database_url: str, owner: asyncpg.Connection, gateway: StripeGateway, twin: Twin
) -> None:
    """
    Each once, and noted as a step of their onboarding.
    """
    await sign_up(database, 5)

    async def all_known() -> bool:
        noted = "SELECT count(*) FROM customer_onboarding_events WHERE event_type = 'stripe_customer_created'"
        return await owner.fetchval(noted) == 5

    async with working(database, database_url, gateway):
        await eventually(all_known, "all are known")

    known = await owner.fetch("SELECT customer_id FROM stripe_customers")
    theirs = {int(customer["metadata"]["rsolv_customer_id"]) for customer in twin.store.all("customer")}
    assert {row["customer_id"] for row in known} == theirs
    assert twin.store.count("customer") == 5


@pytest.mark.parametrize("tries", [0, TRIES_MAX - 1, 1_000])
async def test_an_outage_of_any_length_is_waited_out(
    database: Database, database_url: str, owner: asyncpg.Connection, gateway: StripeGateway, twin: Twin, tries: int
) -> None:
    """
    However often it was tried, the job is queued again and not held; when Stripe is back, it is done.
    """
    await sign_up(database)
    await owner.execute("UPDATE pgqueuer SET attempts = $2 WHERE entrypoint = $1", KIND, tries)
    twin.faults.plan([Fault("refused", times=1)])

    async def rests() -> bool:
        return bool(
            await owner.fetchval(
                "SELECT status = 'queued' AND attempts = $2 FROM pgqueuer WHERE entrypoint = $1", KIND, tries + 1
            )
        )

    async def known() -> bool:
        await owner.execute(
            "UPDATE pgqueuer SET execute_after = now() WHERE entrypoint = $1 AND status = 'queued'", KIND
        )
        return await owner.fetchval("SELECT count(*) FROM stripe_customers") == 1

    async with working(database, database_url, gateway):
        await eventually(rests, "the job rests")
        await eventually(known, "the customer is known")

    assert twin.store.count("customer") == 1


async def test_a_mistake_of_ours_is_held_for_an_operator(
    database: Database, database_url: str, owner: asyncpg.Connection, gateway: StripeGateway, twin: Twin
) -> None:
    """
    What waiting does not cure is tried ten times and then shown.
    """
    await sign_up(database)
    await owner.execute("UPDATE pgqueuer SET attempts = $2 WHERE entrypoint = $1", KIND, TRIES_MAX - 1)
    await owner.execute("UPDATE pgqueuer SET payload = '{\"customer_id\": 404}' WHERE entrypoint = $1", KIND)

    async def held() -> bool:
        return await owner.fetchval("SELECT status FROM pgqueuer WHERE entrypoint = $1", KIND) == "failed"

    async with working(database, database_url, gateway):
        await eventually(held, "the job is held")

    assert twin.store.count("customer") == 0


def test_without_a_gateway_the_jobs_of_stripe_are_nobodys(database: Database) -> None:
    """
    They stay in the queue until a key is set.
    """
    assert handled_jobs(database, None, EventBus()) == {}
