"""
A charged fix is refunded: what the customer sees over HTTP, and that the refund makes room under a cap.
"""

import asyncpg
import httpx

from api.wire import STORE, billing_of, fix, usage_of
from factories.cards import do_jobs
from rsolv import refunds
from rsolv.api import Parts
from rsolv.audit import Actor
from rsolv.kernel import clock
from rsolv.reversals import Paid
from stripe_twin.twin import Twin

METHODS = "/api/v1/billing/payment-methods"
CHARGES = "/api/v1/billing/charges"
CAP = "/api/v1/billing/spending-cap"


async def charge_a_fix(client: httpx.AsyncClient, owner: asyncpg.Connection, parts: Parts, number: int) -> str:
    """
    Report a fix, and let the worker charge it.
    """
    assert parts.gateway is not None
    charging = await billing_of(client, fix(number))
    await do_jobs(owner, parts.database, parts.gateway, parts.bus, kind="charge.advance")
    return str(charging["charge_id"])


async def test_a_refund_is_shown_with_its_charge_and_makes_room_under_the_cap(
    acme_client: httpx.AsyncClient, parts: Parts, twin: Twin, owner: asyncpg.Connection
) -> None:
    """
    The charge says how much went back and which postings did it; what waited for the cap goes on.
    """
    client, gateway = acme_client, parts.gateway
    assert gateway is not None
    await client.post(METHODS, json={"stripe_payment_method_id": "pm_card_visa", "billing_consent": True})
    spent = 0
    while (await usage_of(client))["credit_balance"]:
        spent += 1
        await client.post(STORE, json=fix(spent))
    first = await charge_a_fix(client, owner, parts, 501)
    cents = (await client.get(f"{CHARGES}/{first}")).json()["charge"]["amount_cents"]
    capped = await client.put(CAP, json={"monthly_cap_cents": cents})
    assert capped.status_code == httpx.codes.OK, capped.text
    second = await charge_a_fix(client, owner, parts, 502)
    assert (await client.get(f"{CHARGES}/{second}")).json()["charge"]["waits_for"] == "spending_cap"

    async with parts.database.transaction() as connection:
        customer_id = await connection.fetchval("SELECT customer_id FROM charge_intents LIMIT 1")
        await refunds.ask_refund(
            connection,
            customer_id=customer_id,
            paid=Paid("charge", int(first)),
            amount_cents=None,
            reason="wrong fix",
            actor=Actor("operator", "ada"),
            now=clock.now(),
        )
    for kind in ("refund.advance", "spending_cap.retry", "charge.advance"):
        await do_jobs(owner, parts.database, gateway, parts.bus, kind=kind)

    explained = (await client.get(f"{CHARGES}/{first}")).json()
    shown = explained["charge"]
    assert (shown["amount_refunded_cents"], shown["refund_state"], shown["dispute_state"]) == (
        cents,
        "refunded",
        "none",
    )
    assert [posting["source"] for posting in explained["postings"]] == [
        "purchased",
        "purchased",
        "consumed",
        "refund_reversal",
    ]
    assert (await client.get(f"{CHARGES}/{second}")).json()["charge"]["state"] == "succeeded"
    assert [refund["amount"] for refund in twin.store.all("refund")] == [cents]
