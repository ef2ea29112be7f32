"""
On Pro, half of which is refunded at Stripe and the rest taken by a bank, which then returns it: seen by HTTP alone.
"""

from typing import Any

import asyncpg
import httpx
import pytest

from api.wire import INVOICES, METHODS, SUBSCRIPTION, billing_of, fix, usage_of
from factories.cards import do_jobs
from factories.catalogs import CATALOGS
from journeys.test_by_events_alone import deliver
from journeys.test_pro import CARD, CHARGES
from rsolv import charges, disputes, ledger, refunds, reversals, subscriptions
from rsolv.api import Parts
from rsolv.catalog import Catalog
from rsolv.kernel import clock
from stripe_twin.payments import decide_dispute
from stripe_twin.payments.disputes import open_dispute
from stripe_twin.twin import Twin

INVARIANTS = (
    *ledger.INVARIANTS,
    *charges.INVARIANTS,
    *subscriptions.INVARIANTS,
    *reversals.INVARIANTS,
    *refunds.INVARIANTS,
    *disputes.INVARIANTS,
)

pytestmark = pytest.mark.parametrize("catalog_name", ["current", "draft"])


@pytest.fixture
def catalog(catalog_name: str) -> Catalog:
    """
    The catalogue of this journey.
    """
    return CATALOGS[catalog_name]


async def seen(client: httpx.AsyncClient) -> tuple[Any, ...]:
    """
    Return what the customer sees: money back of the invoice, the credits, and whether they are subscribed.
    """
    [invoice] = (await client.get(INVOICES)).json()["invoices"]
    assert (await client.get(f"{INVOICES}/{invoice['id']}")).json()["invoice"] == invoice
    subscription = (await client.get(SUBSCRIPTION)).json()["subscription"]
    names = ("amount_refunded_cents", "refund_state", "amount_disputed_cents", "dispute_state")
    credits = (await usage_of(client))["credit_balance"]
    return *(invoice[name] for name in names), credits, subscription["state"]


async def test_money_of_pro_goes_back_and_returns_while_the_plan_goes_on(
    acme_client: httpx.AsyncClient, parts: Parts, twin: Twin, owner: asyncpg.Connection, catalog: Catalog
) -> None:
    """
    Half refunded, the rest disputed and won back; meanwhile no fix is charged, and afterwards what waited is.
    """
    client, gateway = acme_client, parts.gateway
    assert gateway is not None
    twin.account.advance(int(clock.now().timestamp()))
    (name, _) = catalog.subscription() or ("", None)
    await client.post(METHODS, json=CARD)
    before = (await usage_of(client))["credit_balance"]
    opened = await client.post(SUBSCRIPTION, json={"plan": name, "billing_consent": True})
    assert opened.status_code == httpx.codes.CREATED
    [payment] = twin.store.all("payment_intent")
    price, credits = payment["amount"], (await usage_of(client))["credit_balance"] - before
    half = price // 2

    await gateway.refund_payment(payment["id"], amount_cents=half, reason="duplicate", metadata={}, key="half")
    await deliver(parts, twin, owner)
    kept = before + credits - credits * half // price
    assert await seen(client) == (half, "partly_refunded", 0, "none", kept, "active")

    with twin.store.unit():
        charge = twin.account.get("charge", payment["latest_charge"])
        dispute = open_dispute(twin.account, charge, "fraudulent", amount=price - half)
    await deliver(parts, twin, owner)
    assert await seen(client) == (half, "partly_refunded", price - half, "disputed", before, "active")
    for issue in range(1, before + 1):
        assert (await billing_of(client, fix(issue)))["status"] == "consumed"
    assert (await billing_of(client, fix(before + 1)))["status"] == "charging"
    await do_jobs(owner, parts.database, gateway, parts.bus, kind="charge.advance")
    assert (await client.get(CHARGES)).json()["charges"][0]["waits_for"] == "disputed"

    with twin.store.unit():
        decide_dispute(twin.account, dispute["id"], won=True)
    await deliver(parts, twin, owner)
    assert await seen(client) == (half, "partly_refunded", 0, "won", kept - before, "active")
    for kind in ("dispute.retry_held", "charge.advance"):
        await do_jobs(owner, parts.database, gateway, parts.bus, kind=kind)
    assert (await client.get(CHARGES)).json()["charges"][0]["state"] == "succeeded"
    assert ledger.breached(await ledger.verify(owner, INVARIANTS)) == []
