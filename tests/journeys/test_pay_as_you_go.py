"""
From trial to pay as you go, over HTTP and the hosted page alone, under both catalogues.
"""

import asyncpg
import httpx
import pytest

from api.wire import STORE, TRANSACTIONS, billing_of, fix, result, usage_of
from factories.cards import do_jobs
from factories.catalogs import CATALOGS
from factories.paying import bonuses
from rsolv.api import Parts
from rsolv.catalog import Catalog
from stripe_twin.core.exchange import Request
from stripe_twin.twin import Twin

pytestmark = pytest.mark.parametrize("catalog_name", ["current", "draft"])

METHODS = "/api/v1/billing/payment-methods"
CHARGES = "/api/v1/billing/charges"


@pytest.fixture
def catalog(catalog_name: str) -> Catalog:
    """
    The catalogue of this journey.
    """
    return CATALOGS[catalog_name]


async def enter_card(twin: Twin, setup_url: str, number: str = "4242 4242 4242 4242") -> str:
    """
    Fill in the hosted page and return where it leads to.
    """
    path = httpx.URL(setup_url).path
    form = {"number": number, "expiry": "12/34", "cvc": "123", "name": "Ada"}
    request = httpx.Request("POST", setup_url, data=form)
    answer = await twin.respond(
        Request(
            method="POST",
            path=path,
            headers={"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"},
            body=request.read(),
        )
    )
    assert answer.status == httpx.codes.SEE_OTHER, answer.body
    return answer.headers["location"]


async def spend_credits(client: httpx.AsyncClient) -> int:
    """
    Fix issue after issue until no credit is left; return the next one's number.
    """
    number = 1
    while (await usage_of(client))["credit_balance"]:
        await client.post(STORE, json=fix(number))
        number += 1
    return number


async def test_a_card_brings_credits_and_then_every_fix_is_charged_once(
    acme_client: httpx.AsyncClient, parts: Parts, twin: Twin, owner: asyncpg.Connection, catalog: Catalog
) -> None:
    """
    Consent, card, bonus; the next fix is charged at the catalogue's price, and the charge explains itself.
    """
    client = acme_client
    opened = await client.post(f"{METHODS}/setup", json={"billing_consent": True})
    assert opened.status_code == httpx.codes.CREATED, opened.text
    returned = await client.get(httpx.URL(await enter_card(twin, opened.json()["url"])).raw_path.decode())
    assert returned.status_code == httpx.codes.OK, returned.text

    usage = await usage_of(client)
    payg_name, payg = catalog.pay_as_you_go()
    assert (usage["has_payment_method"], usage["subscription_type"]) == (True, payg_name)
    assert [credits for _, credits in await bonuses(owner)] == [catalog.trial()[1].payment_method_credits]

    issue = await spend_credits(client)
    charging = await billing_of(client, fix(issue))
    assert (charging["status"], charging["credits_remaining"]) == ("charging", 0)
    assert parts.gateway is not None
    assert await do_jobs(owner, parts.database, parts.gateway, parts.bus, kind="charge.advance") == 1

    [charge] = (await client.get(CHARGES)).json()["charges"]
    assert (charge["id"], charge["state"]) == (charging["charge_id"], "succeeded")
    assert (charge["amount_cents"], charge["currency"]) == (payg.fix_price_cents, catalog.currency)
    explained = (await client.get(f"{CHARGES}/{charge['id']}")).json()
    assert explained["fixed"]["repository"] == "acme/shop"
    assert explained["fixed"]["issue_number"] == issue
    assert explained["fixed"]["phase_result"]["fixed"] is True
    assert explained["charge"]["amount_cents"] == payg.fix_price_cents
    assert explained["catalog_version_id"].isdigit()
    assert explained["consent"]["text_version"]
    assert [attempt["kind"] for attempt in explained["attempts"]] == ["create", "confirm"]
    assert all(attempt["stripe_request_id"].startswith("req_") for attempt in explained["attempts"])
    moves = (await client.get(TRANSACTIONS)).json()["transactions"][:2]
    assert [(move["amount"], move["source"]) for move in moves] == [(-1, "consumed"), (1, "purchased")]
    assert [intent["amount"] for intent in twin.store.all("payment_intent")] == [payg.fix_price_cents]

    again = await billing_of(client, fix(issue))
    assert again["status"] == "already_billed"
    assert await do_jobs(owner, parts.database, parts.gateway, parts.bus, kind="charge.advance") == 0
    assert twin.store.count("payment_intent") == 1


async def test_without_consent_nothing_happens_anywhere(
    acme_client: httpx.AsyncClient, twin: Twin, owner: asyncpg.Connection
) -> None:
    """
    No page, no card, no customer at Stripe, no row of ours.
    """
    for path, body in [
        (f"{METHODS}/setup", {}),
        (f"{METHODS}/setup", {"billing_consent": False}),
        (METHODS, {"stripe_payment_method_id": "pm_card_visa", "billing_consent": False}),
    ]:
        answer = await acme_client.post(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "billing_consent_required")

    assert (twin.store.count("customer"), twin.store.count("checkout.session")) == (0, 0)
    assert await owner.fetchval("SELECT (SELECT count(*) FROM consents) + (SELECT count(*) FROM card_setups)") == 0


async def test_other_phases_are_never_charged(
    acme_client: httpx.AsyncClient, twin: Twin, owner: asyncpg.Connection
) -> None:
    """
    A scan and a validation cost nothing, also with a card and without credits.
    """
    await acme_client.post(METHODS, json={"stripe_payment_method_id": "pm_card_visa", "billing_consent": True})
    await spend_credits(acme_client)

    for body in (result("scan", vulnerabilities=[]), result("validation", issue=999, validated=True)):
        assert (await billing_of(acme_client, body))["status"] == "not_billable"

    assert await owner.fetchval("SELECT count(*) FROM charge_debts") == 0
