"""
A customer at Stripe: made known there once, whatever happens on the way.
"""

import asyncio
import contextlib
import dataclasses
from datetime import timedelta

import asyncpg
import pytest

from factories.customers import make_customer
from rsolv.customers import UnknownCustomer, ensure_stripe_customer, get_customer
from rsolv.customers.rules import stripe_customer_request
from rsolv.db import Database
from rsolv.stripe_gateway import GatewayFailure, GatewayUnavailable, OutcomeUnknown, StripeGateway
from stripe_twin.core.faults import KINDS, Fault, FaultKind
from stripe_twin.twin import Twin

DAY_SECONDS = 24 * 3600


@pytest.fixture
async def customer_id(database: Database) -> int:
    """
    A customer whom Stripe does not know yet.
    """
    async with database.transaction() as connection:
        return (await make_customer(connection, email="ada@example.com", name="Ada")).customer.id


async def ensured(database: Database, gateway: StripeGateway, customer_id: int) -> str:
    """
    Do as the job does: try until it works.
    """
    for _ in range(50):
        with contextlib.suppress(GatewayUnavailable, OutcomeUnknown):
            return await ensure_stripe_customer(database, gateway, customer_id=customer_id)
    raise AssertionError("it never worked")


async def test_a_customer_becomes_known_at_stripe_with_our_id(
    database: Database, gateway: StripeGateway, twin: Twin, customer_id: int, owner: asyncpg.Connection
) -> None:
    """
    Address, name and our id are there; here are their id and the request that made it.
    """
    stripe_id = await ensure_stripe_customer(database, gateway, customer_id=customer_id)

    theirs = twin.account.get("customer", stripe_id)
    ours = await owner.fetchrow("SELECT * FROM stripe_customers")
    assert (theirs["email"], theirs["name"]) == ("ada@example.com", "Ada")
    assert theirs["metadata"]["rsolv_customer_id"] == str(customer_id)
    assert (ours["customer_id"], ours["stripe_customer_id"]) == (customer_id, stripe_id)
    assert ours["stripe_request_id"].startswith("req_")


async def test_a_customer_who_is_known_is_not_asked_for_again(
    database: Database, gateway: StripeGateway, twin: Twin, customer_id: int
) -> None:
    """
    The second time Stripe may as well be away.
    """
    first = await ensure_stripe_customer(database, gateway, customer_id=customer_id)
    twin.faults.plan([Fault("refused", times=None)])

    assert await ensure_stripe_customer(database, gateway, customer_id=customer_id) == first


async def test_twenty_at_once_make_one_stripe_customer(
    database: Database, gateway: StripeGateway, twin: Twin, customer_id: int
) -> None:
    """
    Those who come while the first is on its way are told to come again, and then find it.
    """
    twin.faults.latency_seconds = 0.05

    answers = await asyncio.gather(*(ensured(database, gateway, customer_id) for _ in range(20)))

    assert len(set(answers)) == 1
    assert twin.store.count("customer") == 1


async def test_without_keys_twenty_at_once_would_make_several(
    database: Database, gateway: StripeGateway, twin: Twin, customer_id: int
) -> None:
    """
    The planted bug: with Stripe's memory of keys switched off, the test above would fail; one is noted all the same.
    """
    twin.faults.latency_seconds = 0.05
    twin.api.keys.is_on = False

    answers = await asyncio.gather(*(ensured(database, gateway, customer_id) for _ in range(20)))

    assert len(set(answers)) == 1
    assert twin.store.count("customer") > 1


@pytest.mark.parametrize("call", [0, 1], ids=["looking", "making"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in {"slow", "error_stored"}])
async def test_whatever_goes_wrong_at_any_call_it_ends_with_one(
    database: Database, gateway: StripeGateway, twin: Twin, customer_id: int, kind: FaultKind, call: int
) -> None:
    """
    Tried again it works, and finds what the first try may have made.
    """
    twin.faults.plan([Fault(kind, skip=call)])

    with pytest.raises(GatewayFailure) as caught:
        await ensure_stripe_customer(database, gateway, customer_id=customer_id)
    assert caught.value.passes_by_itself
    stripe_id = await ensure_stripe_customer(database, gateway, customer_id=customer_id)

    assert [customer["id"] for customer in twin.store.all("customer")] == [stripe_id]


async def test_an_error_that_stripe_stored_is_waited_out(
    database: Database, gateway: StripeGateway, twin: Twin, customer_id: int
) -> None:
    """
    For a day the key is answered with it; then the same key works.
    """
    twin.faults.plan([Fault("error_stored", method="POST")])
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            await ensure_stripe_customer(database, gateway, customer_id=customer_id)
    twin.account.advance(twin.account.now + DAY_SECONDS)

    stripe_id = await ensure_stripe_customer(database, gateway, customer_id=customer_id)

    assert [customer["id"] for customer in twin.store.all("customer")] == [stripe_id]


async def test_one_that_was_made_longer_ago_than_keys_are_kept_is_found(
    database: Database, gateway: StripeGateway, twin: Twin, customer_id: int
) -> None:
    """
    The answer was lost, and Stripe was away for more than a day: there is still one.
    """
    twin.faults.plan([Fault("timeout_after", method="POST")])
    with pytest.raises(GatewayFailure):
        await ensure_stripe_customer(database, gateway, customer_id=customer_id)
    twin.account.advance(twin.account.now + 30 * DAY_SECONDS)

    stripe_id = await ensure_stripe_customer(database, gateway, customer_id=customer_id)

    assert [customer["id"] for customer in twin.store.all("customer")] == [stripe_id]


async def test_who_only_trusts_the_key_makes_a_second_one_after_a_day(
    database: Database, gateway: StripeGateway, twin: Twin, customer_id: int
) -> None:
    """
    The planted bug: the same call without looking first. The test above would notice.
    """
    async with database.reading() as connection:
        request = stripe_customer_request(await get_customer(connection, customer_id=customer_id))
    for _ in range(2):
        await gateway.create_customer(
            email=request.email, name=request.name, metadata=request.metadata, key=request.key
        )
        twin.account.advance(twin.account.now + 2 * DAY_SECONDS)

    assert twin.store.count("customer") == 2


async def test_the_same_number_of_another_installation_is_somebody_else(
    database: Database, gateway: StripeGateway, twin: Twin, customer_id: int
) -> None:
    """
    A database made anew counts from one again: who is at Stripe with that number and address is not adopted.
    """
    async with database.reading() as connection:
        customer = await get_customer(connection, customer_id=customer_id)
    before = stripe_customer_request(dataclasses.replace(customer, created_at=customer.created_at - timedelta(days=1)))
    stranger = await gateway.create_customer(
        email=before.email, name=before.name, metadata=before.metadata, key=before.key
    )

    stripe_id = await ensure_stripe_customer(database, gateway, customer_id=customer_id)

    assert stripe_id != stranger.id
    assert twin.store.count("customer") == 2


async def test_a_customer_whom_nobody_knows_is_not_made_known(
    database: Database, gateway: StripeGateway, twin: Twin
) -> None:
    """
    Stripe is not asked.
    """
    with pytest.raises(UnknownCustomer):
        await ensure_stripe_customer(database, gateway, customer_id=404)

    assert twin.store.count("customer") == 0


async def test_the_database_lets_no_customer_be_two_and_no_two_be_one(
    database: Database, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    Also when the code is bypassed; what is noted stays noted.
    """
    async with database.transaction() as connection:
        other = (await make_customer(connection)).customer.id
    note = "INSERT INTO stripe_customers (stripe_customer_id, customer_id) VALUES ($1, $2)"
    await owner.execute(note, "cus_A", customer_id)

    for stripe_id, ours in [("cus_A", other), ("cus_B", customer_id)]:
        with pytest.raises(asyncpg.UniqueViolationError):
            await owner.execute(note, stripe_id, ours)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await owner.execute("UPDATE stripe_customers SET stripe_customer_id = 'cus_B'")
