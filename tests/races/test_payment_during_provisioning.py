"""
A card that arrives while its customer is still being provisioned: refused cleanly, or waited for, never half taken.
"""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

from api.wire import METHODS, SETUP, contents
from factories.customers import make_customer
from rsolv.db import Database
from rsolv.jobs import JobCall
from rsolv.kernel.events import EventBus
from rsolv.stripe_gateway import StripeGateway
from rsolv.worker import handled_jobs
from stripe_twin.embedded import sdk_client
from stripe_twin.twin import Twin

CARD = {"stripe_payment_method_id": "pm_card_visa", "billing_consent": True}


@pytest.mark.parametrize(
    ("path", "body"), [(METHODS, CARD), (SETUP, {"billing_consent": True})], ids=["attach", "page"]
)
async def test_until_the_sign_up_is_committed_its_key_opens_nothing(
    client: httpx.AsyncClient,
    database: Database,
    owner: asyncpg.Connection,
    twin: Twin,
    path: str,
    body: dict[str, Any],
) -> None:
    """
    Who is there with the key a moment too early is refused as a stranger; a moment later the same request is taken.
    """
    async with database.transaction() as connection:
        customer = await make_customer(connection)
        headers = {"x-api-key": customer.key.secret.reveal()}
        before = await contents(owner)

        early = await client.post(path, json=body, headers=headers)

        assert (early.status_code, early.json()["code"]) == (401, "invalid_api_key")
        assert await contents(owner) == before
        assert twin.store.count("event") == 0
    late = await client.post(path, json=body, headers=headers)

    assert late.is_success or late.status_code == httpx.codes.SEE_OTHER
    assert twin.store.count("customer") == 1


async def test_a_card_and_the_job_that_provisions_at_stripe_meet_on_one_customer(
    acme_client: httpx.AsyncClient,
    database: Database,
    owner: asyncpg.Connection,
    gateway: StripeGateway,
    twin: Twin,
) -> None:
    """
    Whichever is second waits for the first or is told to come again; then there is one Stripe customer, with the card.
    """
    job = handled_jobs(database, gateway, EventBus())["stripe.create_customer"]
    customer_id = await owner.fetchval("SELECT id FROM customers")
    twin.faults.latency_seconds = 0.05
    call = JobCall(job_id=1, ids={"customer_id": customer_id}, tries=1)
    card = await sdk_client(twin).v1.payment_methods.create_async({"type": "card", "card": {"token": "tok_visa"}})
    adding = CARD | {"stripe_payment_method_id": card.id}

    answers = await asyncio.gather(
        job(call), *(acme_client.post(METHODS, json=adding) for _ in range(3)), return_exceptions=True
    )
    again = await acme_client.post(METHODS, json=adding)

    statuses = {answer.status_code for answer in answers if isinstance(answer, httpx.Response)}
    assert statuses <= {200, 201, 409, 503}
    assert again.status_code in {200, 201}
    assert (twin.store.count("customer"), await owner.fetchval("SELECT count(*) FROM payment_methods")) == (1, 1)
