"""
POST /api/v1/customers/onboard.
"""

from datetime import datetime, timedelta

import asyncpg
import httpx
import pytest

from api.wire import ONBOARD, USAGE, caller, contents, sign_up, usage_of
from factories.catalogs import CATALOGS
from rsolv.api import Parts
from rsolv.api_keys import is_well_formed
from rsolv.customers import EmailPolicy


async def test_a_signup_answers_with_the_customer_and_the_key(client: httpx.AsyncClient) -> None:
    """
    The answer is 201 with exactly the promised fields: the customer on trial, and a key of our form.
    """
    answer = await client.post(ONBOARD, json={"email": "ada@example.com", "name": "Ada"})

    assert answer.status_code == httpx.codes.CREATED
    body = answer.json()
    assert set(body) == {"customer", "api_key"}
    customer = body["customer"]
    plan_name, plan = CATALOGS["current"].trial()
    assert customer == {
        "id": customer["id"],
        "email": "ada@example.com",
        "name": "Ada",
        "subscription_type": plan_name,
        "subscription_state": None,
        "credit_balance": plan.signup_credits,
        "created_at": customer["created_at"],
    }
    assert isinstance(customer["id"], int)
    assert datetime.fromisoformat(customer["created_at"]).utcoffset() == timedelta(0)
    assert is_well_formed(body["api_key"])


async def test_the_new_key_opens_the_api_at_once(client: httpx.AsyncClient) -> None:
    """
    The key in the answer authenticates the very next request.
    """
    key = (await sign_up(client, "ada@example.com"))["api_key"]

    answer = await client.get(USAGE, headers={"x-api-key": key})

    assert answer.status_code == httpx.codes.OK


async def test_an_address_is_enough(client: httpx.AsyncClient) -> None:
    """
    Without a name the customer is called by the part of the address before the @.
    """
    assert (await sign_up(client, "grace.hopper@example.com"))["customer"]["name"] == "grace.hopper"


@pytest.mark.parametrize(
    ("said", "stored"),
    [("direct", "direct"), ("gh_marketplace", "gh_marketplace"), ("marketplace", "gh_marketplace")],
)
async def test_where_a_customer_came_from_is_kept(
    client: httpx.AsyncClient, owner: asyncpg.Connection, said: str, stored: str
) -> None:
    """
    Source and campaign parameters are stored with the customer; marketplace is understood as gh_marketplace.
    """
    campaign = {"utm_source": "news", "utm_medium": "mail", "utm_campaign": "autumn", "utm_content": "button"}

    answer = await client.post(ONBOARD, json={"email": "ada@example.com", "source": said} | campaign)

    assert answer.status_code == httpx.codes.CREATED
    row = await owner.fetchrow("SELECT source, utm_source, utm_medium, utm_campaign, utm_content FROM customers")
    assert dict(row) == {"source": stored} | campaign


@pytest.mark.parametrize("again", ["ada@example.com", "ADA@Example.COM", "  ada@example.com "])
async def test_an_address_signs_up_once(client: httpx.AsyncClient, owner: asyncpg.Connection, again: str) -> None:
    """
    A second sign-up with the address, however it is spelled, is a 422 that names the field and writes nothing.
    """
    await sign_up(client, "ada@example.com")
    before = await contents(owner)

    answer = await client.post(ONBOARD, json={"email": again})

    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert answer.json()["code"] == "email_taken"
    assert answer.json()["errors"] == {"email": ["has already been taken"]}
    assert await contents(owner) == before


async def test_addresses_of_examples_are_refused_in_production(parts: Parts) -> None:
    """
    With the policy of production an example.com address is a 422.
    """
    async with caller(parts, email_policy=EmailPolicy(example_domains_allowed=False)) as client:
        answer = await client.post(ONBOARD, json={"email": "ada@example.com"})

    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert set(answer.json()["errors"]) == {"email"}


async def test_a_signup_needs_no_key_and_ignores_one(acme_client: httpx.AsyncClient) -> None:
    """
    Whoever is known already may sign somebody else up; the new customer is another one.
    """
    acme = await usage_of(acme_client)

    await sign_up(acme_client, "globex@example.com")

    assert await usage_of(acme_client) == acme


async def test_nobody_signs_up_while_nothing_is_sold(client: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    """
    Without a catalogue in effect a sign-up is refused, not broken, and leaves nothing.
    """
    await owner.execute(
        "ALTER TABLE catalog_plans DISABLE TRIGGER USER; ALTER TABLE catalog_versions DISABLE TRIGGER USER"
    )
    await owner.execute("DELETE FROM catalog_plans; DELETE FROM catalog_versions")
    before = await contents(owner)

    answer = await client.post(ONBOARD, json={"email": "ada@example.com"})

    assert answer.status_code == httpx.codes.CONFLICT
    assert answer.json()["code"] == "no_catalog_in_effect"
    assert await contents(owner) == before
