"""
A customer who pays, has the bank take it back, is not charged meanwhile, and goes on when it is decided.
"""

import asyncpg
import httpx
import pytest

from api.wire import billing_of, fix
from factories.cards import do_jobs
from factories.catalogs import CATALOGS
from journeys.test_pay_as_you_go import CHARGES, METHODS, spend_credits
from rsolv.api import Parts
from rsolv.catalog import Catalog
from rsolv.disputes import look_at_payment
from rsolv.disputes.service.look import wake_due
from rsolv.kernel import clock
from stripe_twin.payments import decide_dispute
from stripe_twin.twin import Twin

pytestmark = pytest.mark.parametrize("catalog_name", ["current", "draft"])


@pytest.fixture
def catalog(catalog_name: str) -> Catalog:
    """
    The catalogue of this journey.
    """
    return CATALOGS[catalog_name]


async def work(parts: Parts, owner: asyncpg.Connection, *kinds: str) -> None:
    """
    Do what is promised of these kinds, in this order.
    """
    assert parts.gateway is not None
    for kind in kinds:
        assert await do_jobs(owner, parts.database, parts.gateway, parts.bus, kind=kind) == 1


async def charges_of(client: httpx.AsyncClient) -> list[tuple[str, str | None, str]]:
    """
    Return state, what is waited for, and how it stands in dispute, of each charge, newest first.
    """
    found = (await client.get(CHARGES)).json()["charges"]
    return [(charge["state"], charge["waits_for"], charge["dispute_state"]) for charge in found]


async def test_a_disputed_customer_waits_and_goes_on_after_a_win(
    acme_client: httpx.AsyncClient, parts: Parts, twin: Twin, owner: asyncpg.Connection, catalog: Catalog
) -> None:
    """
    One fix is paid and disputed; the next waits as disputed; the dispute is won, and it is charged.
    """
    client = acme_client
    for card in ("pm_card_visa", "pm_card_createDispute"):
        body = {"stripe_payment_method_id": card, "billing_consent": True}
        answer = await client.post(METHODS, json=body)
        assert answer.status_code == httpx.codes.CREATED, answer.text
    issue = await spend_credits(client)
    assert (await billing_of(client, fix(issue)))["status"] == "charging"
    await work(parts, owner, "charge.advance")
    assert await charges_of(client) == [("succeeded", None, "none")]

    [payment] = twin.store.all("payment_intent")
    [dispute] = twin.store.all("dispute")
    assert parts.gateway is not None
    await look_at_payment(parts.database, parts.gateway, parts.bus, stripe_payment_id=payment["id"], now=clock.now())
    assert await charges_of(client) == [("succeeded", None, "disputed")]

    assert (await billing_of(client, fix(issue + 1)))["status"] == "charging"
    await work(parts, owner, "charge.advance")
    assert await charges_of(client) == [("prepared", "disputed", "none"), ("succeeded", None, "disputed")]
    assert len([each for each in twin.store.all("payment_intent") if each["status"] == "succeeded"]) == 1

    with twin.store.unit():
        decide_dispute(twin.account, dispute["id"], won=True)
    await owner.execute("UPDATE disputes SET wake_at = now() - interval '1 second'")
    async with parts.database.transaction() as connection:
        await wake_due(connection, now=clock.now())
    await work(parts, owner, "dispute.look", "dispute.retry_held", "charge.advance")

    assert await charges_of(client) == [("succeeded", None, "none"), ("succeeded", None, "won")]
    paid = [each["amount"] for each in twin.store.all("payment_intent") if each["status"] == "succeeded"]
    assert paid == [catalog.pay_as_you_go()[1].fix_price_cents] * 2
