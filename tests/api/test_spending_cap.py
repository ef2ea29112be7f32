"""
GET and PUT /api/v1/billing/spending-cap, and what a customer sees of charges that wait for it.
"""

from datetime import UTC, datetime

import asyncpg
import httpx
import pytest

from api.wire import METHODS, billing_of, fix, usage_of
from factories.cards import do_jobs
from factories.catalogs import CATALOGS
from factories.customers import set_balance
from rsolv.api import Parts
from stripe_twin.twin import Twin

pytestmark = pytest.mark.parametrize("catalog_name", ["current", "draft"])

CAP = "/api/v1/billing/spending-cap"
CHARGES = "/api/v1/billing/charges"
NO_CAP = {
    "monthly_cap_cents": None,
    "currency": "usd",
    "spent_cents": 0,
    "under_way_cents": 0,
    "remaining_cents": None,
    "is_reached": False,
    "charges_waiting": 0,
}


async def put(client: httpx.AsyncClient, cents: object) -> httpx.Response:
    """
    Ask for a cap.
    """
    return await client.put(CAP, json={"monthly_cap_cents": cents})


async def shown(client: httpx.AsyncClient) -> dict[str, object]:
    """
    Return the cap as shown, but for the time.
    """
    answer = await client.get(CAP)
    assert answer.status_code == httpx.codes.OK, answer.text
    return {name: value for name, value in answer.json().items() if name != "resets_at"}


async def pay_by_card(client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection) -> None:
    """
    Add a card and use up the credits.
    """
    await client.post(METHODS, json={"stripe_payment_method_id": "pm_card_visa", "billing_consent": True})
    customer_id = await owner.fetchval("SELECT id FROM customers WHERE email = 'acme@example.com'")
    async with parts.database.transaction() as connection:
        await set_balance(connection, customer_id=customer_id, credits=0)


async def work(parts: Parts, owner: asyncpg.Connection, kind: str) -> int:
    """
    Do the jobs of a kind.
    """
    assert parts.gateway is not None
    return await do_jobs(owner, parts.database, parts.gateway, parts.bus, kind=kind)


def price_in(catalog_name: str) -> int:
    """
    Return what a fix costs without a subscription.
    """
    price = CATALOGS[catalog_name].pay_as_you_go()[1].fix_price_cents
    assert price is not None
    return price


async def test_at_first_there_is_no_cap(acme_client: httpx.AsyncClient) -> None:
    """
    The month ends with the calendar's, in UTC.
    """
    assert await shown(acme_client) == NO_CAP

    resets_at = datetime.fromisoformat((await acme_client.get(CAP)).json()["resets_at"])
    assert (resets_at.day, resets_at.hour, resets_at.tzinfo) == (1, 0, UTC)


async def test_a_cap_is_set_changed_and_taken_away(acme_client: httpx.AsyncClient, catalog_name: str) -> None:
    """
    Each answer shows what then holds.
    """
    price = price_in(catalog_name)
    for cents, reached in ((price, False), (0, True), (10 * price, False)):
        answer = await put(acme_client, cents)

        assert answer.status_code == httpx.codes.OK, answer.text
        assert {**answer.json(), "resets_at": ""} == NO_CAP | {
            "monthly_cap_cents": cents,
            "remaining_cents": cents,
            "is_reached": reached,
            "resets_at": "",
        }
        assert await shown(acme_client) == {k: v for k, v in answer.json().items() if k != "resets_at"}

    assert (await put(acme_client, None)).status_code == httpx.codes.OK
    assert await shown(acme_client) == NO_CAP


@pytest.mark.parametrize("cents", [-1, 1.5, "100", True, [], 10**30], ids=str)
async def test_what_is_no_amount_is_refused(acme_client: httpx.AsyncClient, cents: object) -> None:
    """
    The field is named, and nothing changes.
    """
    answer = await put(acme_client, cents)

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert "monthly_cap_cents" in answer.json()["errors"]
    assert await shown(acme_client) == NO_CAP


@pytest.mark.parametrize("body", [{}, {"monthly_cap_cents": 0, "daily_cap_cents": 0}], ids=["missing", "unknown"])
async def test_a_cap_must_be_said(acme_client: httpx.AsyncClient, body: dict[str, int]) -> None:
    """
    Leaving the field out is not taking the cap away.
    """
    answer = await acme_client.put(CAP, json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_a_cap_below_the_price_of_a_fix_is_refused_with_the_price(
    acme_client: httpx.AsyncClient, catalog_name: str
) -> None:
    """
    By the catalogue the customer agreed to.
    """
    price = price_in(catalog_name)

    answer = await put(acme_client, price - 1)

    assert (answer.status_code, answer.json()["code"]) == (422, "spending_cap_invalid")
    assert str(price) in answer.json()["errors"]["monthly_cap_cents"][0]


async def test_a_charge_over_the_cap_waits_is_shown_and_goes_on_when_it_is_raised(
    acme_client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection, twin: Twin, catalog_name: str
) -> None:
    """
    The fix is recorded, the charge says what it waits for, usage warns; raised, it is charged at once.
    """
    client, price = acme_client, price_in(catalog_name)
    await pay_by_card(client, parts, owner)
    await put(client, price)
    await work(parts, owner, "spending_cap.retry")
    assert "spending_cap_reached" not in [warning["code"] for warning in (await usage_of(client))["warnings"]]

    assert [(await billing_of(client, fix(issue)))["status"] for issue in (1, 2)] == ["charging", "charging"]
    assert await work(parts, owner, "charge.advance") == 2

    waiting, paid = (await client.get(CHARGES)).json()["charges"]
    cap = await shown(client)
    usage = await usage_of(client)
    assert (paid["state"], waiting["waits_for"]) == ("succeeded", "spending_cap")
    assert waiting["continues_at"] == (await client.get(CAP)).json()["resets_at"]
    assert (cap["spent_cents"], cap["remaining_cents"], cap["charges_waiting"]) == (price, 0, 1)
    assert [w["level"] for w in usage["warnings"] if w["code"] == "spending_cap_reached"] == ["warning"]
    assert usage["can_use_service"]

    await put(client, 2 * price)
    assert await work(parts, owner, "spending_cap.retry") == 1
    await work(parts, owner, "charge.advance")

    assert {charge["state"] for charge in (await client.get(CHARGES)).json()["charges"]} == {"succeeded"}
    assert [intent["amount"] for intent in twin.store.all("payment_intent") if intent["status"] == "succeeded"] == [
        price,
        price,
    ]
    assert (await shown(client))["charges_waiting"] == 0


async def test_a_cap_is_ones_own(
    acme_client: httpx.AsyncClient, globex_client: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    """
    Nobody sees or changes another's; who set it is recorded by the api key.
    """
    await put(acme_client, 0)

    assert await shown(globex_client) == NO_CAP
    acts = await owner.fetch("SELECT customer_id, actor FROM audit_entries WHERE action = 'spending_cap:set'")
    acme_id = await owner.fetchval("SELECT id FROM customers WHERE email = 'acme@example.com'")
    assert [act["customer_id"] for act in acts] == [acme_id]
    assert acts[0]["actor"].startswith("customer:api key ")
