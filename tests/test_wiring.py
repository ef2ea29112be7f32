"""
The gateway as entry points open it: within Stripe's limits, and never inside a transaction, in production too.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from rsolv.db import Database
from rsolv.kernel.outside import CalledOutInsideTransaction
from rsolv.settings import Settings, load_settings
from rsolv.stripe_gateway import StripeGateway
from rsolv.wiring import configured_gateway, limits_of_a_web_process, limits_of_a_worker
from stripe_gateway import objects
from stripe_gateway.stand_in import StandIn

STRIPES_LIMIT, STRIPES_LIMIT_PER_ENDPOINT, STRIPES_LIMIT_OF_A_SANDBOX = 100, 25, 25
UNGUARDED = """
from rsolv.kernel.outside import CalledOutInsideTransaction, require_no_transaction, transaction_open
with transaction_open():
    try:
        require_no_transaction("stripe.confirm_payment")
    except CalledOutInsideTransaction:
        print("refused")
"""


def production(**other: str) -> Settings:
    """
    Return settings of an installation with real customers.
    """
    return load_settings(
        {
            "RSOLV_ENV": "production",
            "DATABASE_URL": "postgresql://127.0.0.1/rsolv",
            "SECRET_KEY_BASE": "0123456789abcdef" * 4,
            "STRIPE_API_KEY": f"sk_{'live'}_ofthetests",
            "PUBLIC_URL": "https://billing.test",
            **other,
        }
    )


@pytest.fixture
def stripe() -> StandIn:
    """
    What answers in Stripe's place.
    """
    stand_in = StandIn()
    stand_in.answer(objects.payment())
    return stand_in


@pytest.fixture
async def gateway(stripe: StandIn) -> AsyncIterator[StripeGateway | None]:
    """
    The gateway of a worker in production.
    """
    settings = production()
    async with configured_gateway(settings, limits_of_a_worker(settings), httpx.ASGITransport(stripe)) as opened:
        yield opened


async def test_production_calls_nobody_inside_a_transaction(
    database: Database, gateway: StripeGateway, stripe: StandIn
) -> None:
    """
    With the worker's own database and gateway: the call is refused, and nothing is sent.
    """
    with pytest.raises(CalledOutInsideTransaction):
        async with database.transaction():
            await gateway.read_payment("pi_1")

    assert stripe.asked == []


async def test_production_calls_nobody_inside_a_snapshot(
    database: Database, gateway: StripeGateway, stripe: StandIn
) -> None:
    """
    It holds back the database's cleaning as long as Stripe takes.
    """
    with pytest.raises(CalledOutInsideTransaction):
        async with database.snapshot():
            await gateway.read_payment("pi_1")

    assert stripe.asked == []


async def test_production_calls_when_the_connection_is_given_back(
    database: Database, gateway: StripeGateway, stripe: StandIn
) -> None:
    """
    Between two transactions the way is free.
    """
    async with database.transaction() as connection:
        await connection.fetchval("SELECT 1")

    await gateway.read_payment("pi_1")

    assert len(stripe.asked) == 1


async def test_the_planted_bug_of_a_transaction_begun_elsewhere_is_not_seen(
    owner: asyncpg.Connection, gateway: StripeGateway, stripe: StandIn
) -> None:
    """
    The guard knows the transactions of db.py; that there are no others is what the rule one-transaction-place is for.
    """
    async with owner.transaction():
        await gateway.read_payment("pi_1")

    assert len(stripe.asked) == 1


async def test_the_guard_is_there_when_python_leaves_assertions_out() -> None:
    """
    It is no assert statement, which -O would take away.
    """
    optimised = await asyncio.create_subprocess_exec(
        sys.executable, "-O", "-c", UNGUARDED, stdout=asyncio.subprocess.PIPE
    )

    said, _ = await optimised.communicate()

    assert said.decode() == "refused\n"


@pytest.mark.parametrize(("web_workers", "workers"), [("2", "1"), ("1", "1"), ("8", "5")])
def test_all_processes_together_stay_within_stripes_limits(web_workers: str, workers: str) -> None:
    """
    Over the account, and over each endpoint.
    """
    settings = production(WEB_WORKERS=web_workers, WORKERS=workers)
    web, worker = limits_of_a_web_process(settings), limits_of_a_worker(settings)

    assert web.per_second * int(web_workers) + worker.per_second * int(workers) < STRIPES_LIMIT
    of_endpoint = web.per_second_per_endpoint * int(web_workers) + worker.per_second_per_endpoint * int(workers)
    assert of_endpoint < STRIPES_LIMIT_PER_ENDPOINT


def test_the_defaults_leave_one_worker_room_for_twenty_charges_a_second() -> None:
    """
    Each takes two calls, to two endpoints.
    """
    limits = limits_of_a_worker(production())

    assert limits.per_second_per_endpoint >= 20
    assert limits.per_second >= 40


def test_a_sandbox_is_asked_less_and_a_stand_in_is_not() -> None:
    """
    Stripe allows a sandbox as much in all as an endpoint elsewhere; the twin has no limit.
    """
    asked = {"STRIPE_API_KEY": "sk_test_ofthetests", "STRIPE_CALLS_PER_SECOND": "400"}
    sandbox, twin = load_settings(asked), load_settings({**asked, "STRIPE_API_BASE": "http://127.0.0.1:1"})

    in_all = [
        limits_of_a_web_process(each).per_second * 2 + limits_of_a_worker(each).per_second for each in (sandbox, twin)
    ]

    assert in_all == pytest.approx([22, 400])
    assert in_all[0] < STRIPES_LIMIT_OF_A_SANDBOX


def test_a_worker_has_room_for_a_call_of_each_of_its_jobs() -> None:
    """
    No job waits for a connection to Stripe.
    """
    assert limits_of_a_worker(production(JOBS_AT_ONCE="70")).at_once == 70
