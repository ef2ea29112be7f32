"""
While Stripe is asked nobody holds a connection to the database.
"""

import asyncio

import httpx

from charges.stage import NOW, Stage
from rsolv.charges.jobs import Machine, advance
from rsolv.db import Database
from rsolv.kernel.secret import Secret
from rsolv.stripe_gateway.client import GatewayOptions, Limits, open_gateway
from stripe_twin.core.faults import Fault
from stripe_twin.embedded import TwinTransport

CHARGES = 12
POOL_SIZE = 2
DEADLINE_SECONDS = 30


class Gate(httpx.AsyncBaseTransport):
    """
    A way to the twin on which requests to confirm are held up until it opens.
    """

    def __init__(self, to_the_twin: httpx.AsyncBaseTransport, crowd: int) -> None:
        self._to_the_twin = to_the_twin
        self._crowd = crowd
        self.held = 0
        self.is_crowded, self.opens = asyncio.Event(), asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """
        Carry a request.
        """
        if request.url.path.endswith("/confirm"):
            self.held += 1
            if self.held == self._crowd:
                self.is_crowded.set()
            await self.opens.wait()
        return await self._to_the_twin.handle_async_request(request)


async def test_a_dozen_charges_at_stripe_leave_both_connections_to_others(stage: Stage, database_url: str) -> None:
    """
    With a pool of two, twelve calls that do not answer keep nobody from the database; answered, all are paid.
    """
    charge_ids = [await stage.fix() for _ in range(CHARGES)]
    gate = Gate(TwinTransport(stage.twin), CHARGES)
    options = GatewayOptions(api_key=Secret("sk_test_ofthetests"), limits=Limits(at_once=CHARGES))
    database = await Database.open(database_url, application="test", pool_size=POOL_SIZE)

    async with open_gateway(options, gate) as gateway:
        machine = Machine(database=database, gateway=gateway, bus=stage.bus)
        work = [
            asyncio.create_task(advance(machine, customer_id=stage.customer_id, charge_id=charge_id, now=NOW))
            for charge_id in charge_ids
        ]
        await asyncio.wait_for(gate.is_crowded.wait(), DEADLINE_SECONDS)
        async with database.transaction() as one, database.transaction() as other:
            lent = [await connection.fetchval("SELECT 1") for connection in (one, other)]
        gate.opens.set()
        await asyncio.gather(*work)
    await database.close()

    assert lent == [1, 1]
    assert [(await stage.charge(charge_id)).state for charge_id in charge_ids] == ["succeeded"] * CHARGES
    assert len(stage.paid()) == CHARGES
    assert await stage.breaches() == []


async def test_a_charge_without_a_turn_comes_again_and_is_paid_once(stage: Stage) -> None:
    """
    Where our own queue for Stripe is too long nothing is sent, nobody is charged, and the attempt is made later.
    """
    charge_id = await stage.fix()
    stage.twin.faults.plan([Fault("rate_limited", template="/v1/payment_intents")])
    limits, key = Limits(rest_seconds=60), Secret("sk_test_ofthetests")

    async with open_gateway(GatewayOptions(api_key=key, limits=limits), TwinTransport(stage.twin)) as gateway:
        busy = stage.machine(gateway=gateway)
        first = await stage.advance(charge_id, machine=busy)
        assert first.wake_at is not None
        again = await stage.advance(charge_id, at=first.wake_at, machine=busy)
    explained = await stage.explained(charge_id)

    assert (first.state, again.state, stage.theirs()) == ("preparing", "preparing", [])
    assert [attempt.outcome for attempt in explained.attempts] == ["not_executed"]
    await stage.finish(charge_id, at=again.wake_at or NOW)
    await stage.require_paid_once(charge_id)
