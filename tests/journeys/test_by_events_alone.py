"""
Pay as you go with a worker that dies and a customer who never comes back: Stripe's events tell the rest.
"""

import asyncpg
import httpx
import msgspec
import pytest

from api.wire import STORE, billing_of, fix, usage_of
from charges.test_crashes import Died, dying
from factories.cards import do_jobs
from journeys.test_pay_as_you_go import CHARGES, METHODS, enter_card, spend_credits
from rsolv.api import Parts
from rsolv.charges.jobs import Machine, advance
from rsolv.kernel import clock
from stripe_twin.twin import Twin
from webhooks.sending import SECRET, caller_of, send, signed


async def deliver(parts: Parts, twin: Twin, owner: asyncpg.Connection) -> None:
    """
    Deliver all that the twin has to tell, twice, the newest first, and do the jobs that follow.
    """
    assert parts.gateway is not None
    async with caller_of(parts.database, SECRET) as stripe:
        for event in [*twin.store.all("event")] * 2:
            assert (await send(stripe, signed(msgspec.json.encode(event)))).text == "OK"
    await do_jobs(owner, parts.database, parts.gateway, parts.bus, kind="billing_event.handle")


async def test_what_nobody_saw_is_true_all_the_same(
    acme_client: httpx.AsyncClient, parts: Parts, twin: Twin, owner: asyncpg.Connection
) -> None:
    """
    The card is added, the fix is paid once, and the customer sees both.
    """
    assert parts.gateway is not None
    opened = await acme_client.post(f"{METHODS}/setup", json={"billing_consent": True})
    await enter_card(twin, opened.json()["url"])
    await deliver(parts, twin, owner)
    assert (await usage_of(acme_client))["has_payment_method"] is True

    charging = await billing_of(acme_client, fix(await spend_credits(acme_client)))
    customer_id = await owner.fetchval("SELECT id FROM customers")
    machine = Machine(database=parts.database, gateway=parts.gateway, bus=parts.bus, at=dying("X10"))
    with pytest.raises(Died):
        await advance(machine, customer_id=customer_id, charge_id=int(charging["charge_id"]), now=clock.now())
    await deliver(parts, twin, owner)

    [charge] = (await acme_client.get(CHARGES)).json()["charges"]
    assert (charge["id"], charge["state"]) == (charging["charge_id"], "succeeded")
    assert [intent["status"] for intent in twin.store.all("payment_intent")] == ["succeeded"]
    assert await owner.fetchval("SELECT count(*) FROM billing_events WHERE outcome = 'waiting'") == 0
    assert (await acme_client.post(STORE, json=fix(1))).is_success
