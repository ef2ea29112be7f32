"""
On Pro by Stripe's events alone: nobody looks, no answer but the first is heard; periods, failures and the end are told.
"""

from datetime import timedelta

import asyncpg
import httpx
import pytest

from api.wire import INVOICES, METHODS, SUBSCRIPTION, usage_of
from factories.cards import do_jobs
from factories.catalogs import CATALOGS
from journeys.test_by_events_alone import deliver
from journeys.test_pro import CARD
from rsolv.api import Parts
from rsolv.catalog import Catalog, Plan
from rsolv.kernel import clock
from stripe_twin.core.faults import Fault
from stripe_twin.twin import Twin

FAILING_CARD = {"stripe_payment_method_id": "pm_card_chargeCustomerFail", "billing_consent": True}


pytestmark = pytest.mark.parametrize("catalog_name", ["current", "draft"])


@pytest.fixture
def catalog(catalog_name: str) -> Catalog:
    """
    The catalogue of this journey.
    """
    return CATALOGS[catalog_name]


@pytest.fixture
def plan(catalog: Catalog) -> Plan:
    """
    The plan that renews.
    """
    return catalog.plans[subscription_name(catalog)]


def subscription_name(catalog: Catalog) -> str:
    """
    Return the name of the plan that renews.
    """
    (name, _) = catalog.subscription() or ("", None)
    return name


@pytest.fixture
async def pro_client(
    acme_client: httpx.AsyncClient, parts: Parts, twin: Twin, owner: asyncpg.Connection, catalog: Catalog
) -> httpx.AsyncClient:
    """
    Acme, who asked for the plan, whose answer was lost, and of whose first period Stripe has told.
    """
    twin.account.advance(int(clock.now().timestamp()))
    await acme_client.post(METHODS, json=CARD)
    twin.faults.plan([Fault("timeout_after", method="POST", template="/v1/subscriptions")])
    asked = await acme_client.post(SUBSCRIPTION, json={"plan": subscription_name(catalog), "billing_consent": True})
    assert asked.is_server_error
    await deliver(parts, twin, owner)
    return acme_client


async def live_a_month(parts: Parts, twin: Twin, owner: asyncpg.Connection) -> None:
    """
    Let Stripe's month pass and deliver what it tells; nobody looks.
    """
    ends_at = await owner.fetchval("SELECT max(period_ends_at) FROM subscriptions")
    twin.account.advance(int((ends_at + timedelta(hours=2)).timestamp()))
    await deliver(parts, twin, owner)


async def use_card(client: httpx.AsyncClient, parts: Parts, owner: asyncpg.Connection, card: dict[str, object]) -> None:
    """
    Have the subscription paid by another card from now on.
    """
    assert (await client.post(METHODS, json=card)).is_success
    assert parts.gateway is not None
    for kind in ("payment_method.make_default", "subscription.set_card"):
        await do_jobs(owner, parts.database, parts.gateway, parts.bus, kind=kind)


async def state_of(client: httpx.AsyncClient) -> tuple[str, str | None, int]:
    """
    Return what the customer sees of the plan: its name, the state beside it, and the credits.
    """
    usage = await usage_of(client)
    return usage["subscription_type"], usage["subscription_state"], usage["credit_balance"]


async def test_each_period_is_credited_once_though_nobody_looks(
    pro_client: httpx.AsyncClient,
    parts: Parts,
    twin: Twin,
    owner: asyncpg.Connection,
    catalog: Catalog,
    plan: Plan,
) -> None:
    """
    Everything is delivered twice and the newest first; the first answer was lost.
    """
    name, (_, _, begun) = subscription_name(catalog), await state_of(pro_client)

    for number in (1, 2):
        await live_a_month(parts, twin, owner)
        assert await state_of(pro_client) == (name, "active", begun + number * plan.period_credits)

    invoices = (await pro_client.get(INVOICES)).json()["invoices"]
    assert [(each["reason"], each["amount_paid_cents"]) for each in invoices] == [
        ("subscription_cycle", plan.monthly_price_cents),
        ("subscription_cycle", plan.monthly_price_cents),
        ("subscription_create", plan.monthly_price_cents),
    ]
    assert await owner.fetchval("SELECT count(*) FROM billing_events WHERE outcome IN ('waiting', 'parked')") == 0


async def test_a_failure_a_recovery_and_the_end_are_told(
    pro_client: httpx.AsyncClient,
    parts: Parts,
    twin: Twin,
    owner: asyncpg.Connection,
    catalog: Catalog,
    plan: Plan,
) -> None:
    """
    Past due in grace, then paid by another card, then over with its period; the credits stay.
    """
    name, (_, _, begun) = subscription_name(catalog), await state_of(pro_client)
    await use_card(pro_client, parts, owner, FAILING_CARD)
    await live_a_month(parts, twin, owner)
    failed = await state_of(pro_client)

    await use_card(pro_client, parts, owner, CARD)
    twin.account.advance(twin.account.now + int(timedelta(days=2).total_seconds()))
    await deliver(parts, twin, owner)
    recovered = await state_of(pro_client)
    await pro_client.post(f"{SUBSCRIPTION}/cancel", json={"at_period_end": True})
    await live_a_month(parts, twin, owner)

    assert failed == (name, "past_due", begun)
    assert recovered == (name, "active", begun + plan.period_credits)
    assert await state_of(pro_client) == ("pay_as_you_go", None, begun + plan.period_credits)
