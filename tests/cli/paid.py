"""
A customer of a shared database who paid for a fix, and the worker that gives money back.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from charges.stage import Stage, set_stage
from refunds.giving import Giving
from rsolv.db import Database
from rsolv.kernel.secret import Secret
from rsolv.stripe_gateway.client import GatewayOptions, open_gateway
from stripe_twin.embedded import TwinTransport
from stripe_twin.twin import Twin


@asynccontextmanager
async def staged(database_url: str, *, email: str = "acme@example.com") -> AsyncIterator[Stage]:
    """
    Lend a customer with a card, on a twin of their own.
    """
    twin = Twin(seed=email)
    owner = await asyncpg.connect(database_url)
    database = await Database.open(database_url, application="test", pool_size=4)
    try:
        async with open_gateway(GatewayOptions(api_key=Secret("sk_test_ofthetests")), TwinTransport(twin)) as gateway:
            yield await set_stage(database, owner, gateway, twin, email=email)
    finally:
        await database.close()
        await owner.close()
        twin.close()


class Paid:
    """
    A charge, and whose it is.
    """

    def __init__(self, giving: Giving) -> None:
        """
        Keep the ids alone.
        """
        self.customer_id = giving.stage.customer_id
        self.charge_id = giving.charge_id


async def pay_for_a_fix(database_url: str) -> Paid:
    """
    Charge acme for a fix.
    """
    async with staged(database_url) as stage:
        return Paid(await Giving.of_a_new_charge(stage))
