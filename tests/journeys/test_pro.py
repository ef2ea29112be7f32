"""
On Pro, over HTTP alone, with Stripe's clock: a first period, a renewal, fixes beyond the credits, and the end.
"""

from datetime import timedelta

import asyncpg
import httpx
import pytest

from api.wire import INVOICES, METHODS, STORE, SUBSCRIPTION, billing_of, fix, usage_of
from factories.cards import do_jobs
from factories.catalogs import CATALOGS
from rsolv.api import Parts
from rsolv.catalog import Catalog
from rsolv.kernel import clock
from rsolv.subscriptions import look
from stripe_twin.twin import Twin

CARD = {"stripe_payment_method_id": "pm_card_visa", "billing_consent": True}
CHARGES = "/api/v1/billing/charges"

pytestmark = pytest.mark.parametrize("catalog_name", ["current", "draft"])


@pytest.fixture
def catalog(catalog_name: str) -> Catalog:
    """
    The catalogue of this journey.
    """
    return CATALOGS[catalog_name]


@pytest.fixture
async def pro_client(acme_client: httpx.AsyncClient, catalog: Catalog, twin: Twin) -> httpx.AsyncClient:
    """
    Acme, subscribed to the plan that renews; Stripe's clock is ours.
    """
    twin.account.advance(int(clock.now().timestamp()))
    (plan, _) = catalog.subscription() or ("", None)
    await acme_client.post(METHODS, json=CARD)
    opened = await acme_client.post(SUBSCRIPTION, json={"plan": plan, "billing_consent": True})
    assert (opened.status_code, opened.json()["subscription"]["state"]) == (httpx.codes.CREATED, "active")
    return acme_client


async def spend(client: httpx.AsyncClient, first_issue: int) -> int:
    """
    Fix issue after issue until no credit is left, and return the next one's number.
    """
    left = (await usage_of(client))["credit_balance"]
    for issue in range(first_issue, first_issue + left):
        await client.post(STORE, json=fix(issue))
    return first_issue + left


async def charged_for(client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection, issue: int) -> int:
    """
    Fix an issue without credits, and return the cents that are charged for it.
    """
    assert (await billing_of(client, fix(issue)))["status"] == "charging"
    assert parts.gateway is not None
    await do_jobs(owner, parts.database, parts.gateway, parts.bus, kind="charge.advance")
    (charge, *_) = (await client.get(CHARGES)).json()["charges"]
    receipt = await client.get(f"{CHARGES}/{charge['id']}/receipt")
    assert (charge["state"], receipt.status_code, list(receipt.json())) == ("succeeded", 200, ["receipt_url"])
    return int(charge["amount_cents"])


async def live_a_month(parts: Parts, twin: Twin, owner: asyncpg.Connection) -> None:
    """
    Let Stripe's month pass, and look as the worker does.
    """
    row = await owner.fetchrow("SELECT customer_id, id, period_ends_at FROM subscriptions")
    now = row["period_ends_at"] + timedelta(hours=2)
    twin.account.advance(int(now.timestamp()))
    assert parts.gateway is not None
    await look(
        parts.database, parts.gateway, parts.bus, customer_id=row["customer_id"], subscription_id=row["id"], now=now
    )


async def test_the_first_period_and_a_renewal_each_bring_their_credits(
    pro_client: httpx.AsyncClient, parts: Parts, twin: Twin, owner: asyncpg.Connection, catalog: Catalog
) -> None:
    """
    What is left of the first stays beside those of the second; each is on an invoice that is paid.
    """
    plan = next(plan for plan in catalog.plans.values() if plan.period_credits)
    first = (await usage_of(pro_client))["credit_balance"]
    await pro_client.post(STORE, json=fix(1))

    await live_a_month(parts, twin, owner)

    assert (await usage_of(pro_client))["credit_balance"] == first - 1 + plan.period_credits
    invoices = (await pro_client.get(INVOICES)).json()["invoices"]
    assert [(each["reason"], each["state"], each["amount_paid_cents"]) for each in invoices] == [
        ("subscription_cycle", "paid", plan.monthly_price_cents),
        ("subscription_create", "paid", plan.monthly_price_cents),
    ]


async def test_a_fix_beyond_the_credits_costs_the_plans_price_until_the_plan_ends(
    pro_client: httpx.AsyncClient, parts: Parts, twin: Twin, owner: asyncpg.Connection, catalog: Catalog
) -> None:
    """
    Also after the end is scheduled; once it has come, what everybody pays.
    """
    (name, _) = catalog.subscription() or ("", None)
    issue = await spend(pro_client, 1)

    on_plan = await charged_for(pro_client, parts, owner, issue)
    await pro_client.post(f"{SUBSCRIPTION}/cancel", json={"at_period_end": True})
    scheduled = await charged_for(pro_client, parts, owner, issue + 1)
    await live_a_month(parts, twin, owner)
    after = await charged_for(pro_client, parts, owner, issue + 2)

    assert (on_plan, scheduled) == (catalog.fix_price_cents(name), catalog.fix_price_cents(name))
    assert after == catalog.fix_price_cents(catalog.pay_as_you_go()[0])
    usage = await usage_of(pro_client)
    assert (usage["subscription_type"], usage["subscription_state"]) == ("pay_as_you_go", None)


async def test_an_immediate_end_keeps_the_credits_and_changes_the_price(
    pro_client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection, catalog: Catalog
) -> None:
    """
    The next fix is paid by a credit, the one after the last credit at what everybody pays.
    """
    before = (await usage_of(pro_client))["credit_balance"]

    ended = await pro_client.post(f"{SUBSCRIPTION}/cancel", json={"at_period_end": False})

    assert ended.json()["subscription"]["state"] == "canceled"
    assert (await usage_of(pro_client))["credit_balance"] == before
    issue = await spend(pro_client, 1)
    assert await charged_for(pro_client, parts, owner, issue) == catalog.fix_price_cents(catalog.pay_as_you_go()[0])
