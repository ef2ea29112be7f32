"""
Cards whose bank wants to hear from their owner, over HTTP and Stripe's hosted pages alone.
"""

from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from api.test_charge_links import at_bank, title_of, work
from api.wire import METHODS, billing_of, fix, usage_of
from journeys.test_pay_as_you_go import CHARGES, enter_card, spend_credits
from rsolv.api import Parts
from stripe_twin.embedded import TwinTransport
from stripe_twin.twin import Twin


@pytest.fixture
async def stripe(twin: Twin) -> AsyncIterator[httpx.AsyncClient]:
    """
    A browser at Stripe's pages.
    """
    async with httpx.AsyncClient(transport=TwinTransport(twin), base_url="https://api.stripe.com") as browser:
        yield browser


async def add_card(client: httpx.AsyncClient, stripe: httpx.AsyncClient, twin: Twin, number: str) -> None:
    """
    Enter a card on the hosted page, authenticate there, and come back.
    """
    opened = (await client.post(f"{METHODS}/setup", json={"billing_consent": True})).json()
    page = await at_bank(stripe, await enter_card(twin, opened["url"], number))
    back = await stripe.get(page)
    assert title_of(await client.get(back.headers["location"])) == "Your card is saved"


async def charge_a_fix(client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection) -> dict[str, str]:
    """
    Report a fix when all credits are spent, and return its charge as it then stands.
    """
    assert (await billing_of(client, fix(await spend_credits(client))))["status"] == "charging"
    await work(parts, owner)
    [charge] = (await client.get(CHARGES)).json()["charges"]
    return dict(charge)


async def test_a_card_that_was_authenticated_when_it_was_saved_is_charged(
    acme_client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection, stripe: httpx.AsyncClient, twin: Twin
) -> None:
    """
    The bank is content with that once.
    """
    await add_card(acme_client, stripe, twin, "4000002500003155")

    charge = await charge_a_fix(acme_client, parts, owner)

    assert (charge["state"], charge["action_url"]) == ("succeeded", None)


async def test_a_card_that_needs_its_owner_only_where_they_are_is_charged(
    acme_client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection, twin: Twin
) -> None:
    """
    Saved for charges without them, it asks for nothing.
    """
    opened = (await acme_client.post(f"{METHODS}/setup", json={"billing_consent": True})).json()
    await acme_client.get(await enter_card(twin, opened["url"], "4000003800000446"))

    charge = await charge_a_fix(acme_client, parts, owner)

    assert (charge["state"], charge["action_url"]) == ("succeeded", None)


@pytest.mark.parametrize("number", ["4000002760003184", "4000000000003220"])
async def test_a_card_whose_bank_always_asks_is_charged_by_the_link(
    acme_client: httpx.AsyncClient,
    parts: Parts,
    owner: asyncpg.Connection,
    stripe: httpx.AsyncClient,
    twin: Twin,
    number: str,
) -> None:
    """
    Saved, asked for again when it is charged, confirmed, paid once, and the fix has its credit.
    """
    await add_card(acme_client, stripe, twin, number)
    charge = await charge_a_fix(acme_client, parts, owner)

    sent = await acme_client.post(charge["action_url"])
    landed = await acme_client.get(await at_bank(stripe, sent.headers["location"]))
    await work(parts, owner)

    explained = (await acme_client.get(f"{CHARGES}/{charge['id']}")).json()
    assert (charge["state"], title_of(landed)) == ("requires_action", "This is paid")
    assert [attempt["outcome"] for attempt in explained["attempts"]] == ["made", "requires_action", "succeeded"]
    assert (await usage_of(acme_client))["credit_balance"] == 0
    assert [intent["status"] for intent in twin.store.all("payment_intent")] == ["succeeded"]


async def test_a_card_without_money_is_declined_and_another_one_pays(
    acme_client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection, stripe: httpx.AsyncClient, twin: Twin
) -> None:
    """
    The bank recognises its owner and says no; the card added then is charged by itself, and the link says so.
    """
    poor = "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"
    await acme_client.post(METHODS, json={"stripe_payment_method_id": poor, "billing_consent": True})
    charge = await charge_a_fix(acme_client, parts, owner)
    sent = await acme_client.post(charge["action_url"])
    declined = await acme_client.get(await at_bank(stripe, sent.headers["location"]))

    await acme_client.post(METHODS, json={"stripe_payment_method_id": "pm_card_visa", "billing_consent": True})
    await work(parts, owner)

    assert title_of(declined) == "Your bank said no"
    assert title_of(await acme_client.get(charge["action_url"])) == "This is paid"
    assert [intent["status"] for intent in twin.store.all("payment_intent")] == ["succeeded"]
