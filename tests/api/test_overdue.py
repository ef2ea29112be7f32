"""
What a customer who owes sees over HTTP: the grace, the refusal of new scans, and how everything else goes on.
"""

from datetime import timedelta

import asyncpg
import httpx
import pytest

from api.test_spending_cap import pay_by_card, put, work
from api.wire import METHODS, STORE, billing_of, fix, result, usage_of
from factories.catalogs import CATALOGS
from rsolv.api import Parts

pytestmark = pytest.mark.parametrize("catalog_name", ["current", "draft"])

DECLINING = {"stripe_payment_method_id": "pm_card_chargeCustomerFail", "billing_consent": True}
GOOD = {"stripe_payment_method_id": "pm_card_mastercard", "billing_consent": True}


@pytest.fixture
async def owing(acme_client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection) -> httpx.AsyncClient:
    """
    Acme, who stored a scan and whose fix was then declined.
    """
    await acme_client.post(STORE, json=result("scan"))
    await pay_by_card(acme_client, parts, owner)
    await acme_client.post(METHODS, json=DECLINING)
    assert (await billing_of(acme_client, fix(1)))["status"] == "charging"
    await work(parts, owner, "charge.advance")
    return acme_client


async def let_days_pass(owner: asyncpg.Connection, days: int) -> None:
    """
    Move the first decline back, past the trigger that keeps it.
    """
    await owner.execute("ALTER TABLE charge_debts DISABLE TRIGGER USER")
    await owner.execute("UPDATE charge_debts SET overdue_since = overdue_since - $1::interval", timedelta(days=days))
    await owner.execute("ALTER TABLE charge_debts ENABLE TRIGGER USER")


async def test_a_declined_customer_sees_the_grace(owing: httpx.AsyncClient, catalog_name: str) -> None:
    """
    What is owed, since when and until when, with a warning; scans are still taken.
    """
    catalog = CATALOGS[catalog_name]

    usage = await usage_of(owing)
    answer = await owing.post(STORE, json=result("scan", commit="beef"))

    standing = usage["standing"]
    assert (standing["state"], standing["currency"]) == ("grace", catalog.currency)
    assert standing["owed_cents"] == catalog.pay_as_you_go()[1].fix_price_cents
    assert standing["since"] < standing["grace_ends_at"]
    assert ("warning", "payment_overdue") in [(each["level"], each["code"]) for each in usage["warnings"]]
    assert usage["can_use_service"]
    assert answer.status_code == httpx.codes.OK


async def test_after_the_grace_a_new_scan_is_refused_with_what_is_owed(
    owing: httpx.AsyncClient, owner: asyncpg.Connection, catalog_name: str
) -> None:
    """
    402, never a server error that the action would repeat: a sentence, a code, the figures and how to mend it.
    """
    price = CATALOGS[catalog_name].pay_as_you_go()[1].fix_price_cents
    await let_days_pass(owner, 7)

    answer = await owing.post(STORE, json=result("scan", commit="beef"))
    usage = await usage_of(owing)

    body = answer.json()
    assert (answer.status_code, body["code"]) == (402, "payment_overdue")
    assert body["error"].startswith("No new scans are taken: $")
    assert (body["owed"]["amount_cents"], body["owed"]["currency"]) == (price, "usd")
    assert body["owed"]["pay_url"] == usage["standing"]["pay_url"]
    assert (await owing.get(body["owed"]["pay_url"])).status_code == httpx.codes.OK
    assert body["owed"]["add_card"] == "POST /api/v1/billing/payment-methods/setup"
    assert (usage["standing"]["state"], usage["can_use_service"]) == ("refused", False)
    assert ("critical", "payment_overdue") in [(each["level"], each["code"]) for each in usage["warnings"]]


async def test_admitted_work_is_recorded_and_billed_all_the_same(
    owing: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    """
    The scan again, its validation, and its fix, which is charged.
    """
    await let_days_pass(owner, 30)

    scanned = await owing.post(STORE, json=result("scan"))
    validated = await owing.post(STORE, json=result("validation", issue=2, validated=True))
    fixed = await owing.post(STORE, json=fix(2))

    assert [answer.status_code for answer in (scanned, validated, fixed)] == [200, 200, 200]
    assert fixed.json()["billing"]["status"] == "charging"


async def test_a_card_that_pays_opens_the_door_again(
    owing: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection
) -> None:
    """
    As soon as it was charged.
    """
    await let_days_pass(owner, 30)

    await owing.post(METHODS, json=GOOD)
    await work(parts, owner, "charge.advance")

    assert (await owing.post(STORE, json=result("scan", commit="beef"))).status_code == httpx.codes.OK
    assert (await usage_of(owing))["standing"]["state"] == "good"


async def test_at_zero_credits_without_a_card_scans_are_taken_as_before(
    acme_client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection
) -> None:
    """
    Nothing is owed: fixes are blocked, which is another matter.
    """
    await pay_by_card(acme_client, parts, owner)
    method = (await acme_client.get(METHODS)).json()["payment_methods"][0]["id"]
    await acme_client.delete(f"{METHODS}/{method}")

    assert (await acme_client.post(STORE, json=result("scan"))).status_code == httpx.codes.OK
    assert (await billing_of(acme_client, fix(1)))["status"] == "blocked"


async def test_who_fixes_on_behind_a_low_cap_is_told_what_piles_up(
    acme_client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection, catalog_name: str
) -> None:
    """
    With each fix, and at a glance; nothing of it is dropped, and none of it while nothing waits.
    """
    price = CATALOGS[catalog_name].pay_as_you_go()[1].fix_price_cents
    await pay_by_card(acme_client, parts, owner)
    await put(acme_client, 0)
    assert "waiting" not in await billing_of(acme_client, fix(1))
    await work(parts, owner, "charge.advance")

    second = await billing_of(acme_client, fix(2))
    await work(parts, owner, "charge.advance")

    waiting = {"amount_cents": price, "count": 1, "currency": "usd", "reason": "spending_cap"}
    assert second["waiting"] == waiting
    assert (await usage_of(acme_client))["waiting"] == waiting | {"amount_cents": 2 * price, "count": 2}
    assert (await usage_of(acme_client))["standing"]["state"] == "good"
