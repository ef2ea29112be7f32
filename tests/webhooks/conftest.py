"""
What tests of webhooks start from.
"""

from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from billing_events.postroom import Postroom
from charges.stage import set_stage
from refunds.giving import refunding_bus
from rsolv.db import Database
from rsolv.stripe_gateway import StripeGateway
from stripe_twin.twin import Twin
from webhooks.sending import SECRET, caller_of


@pytest.fixture
async def caller(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """
    Somebody who can send to our endpoint, over this test's own database.
    """
    async with caller_of(database, SECRET) as opened:
        yield opened


@pytest.fixture
async def closed_database(database_url: str) -> Database:
    """
    A database that cannot be used: whoever tries it fails.
    """
    opened = await Database.open(database_url, application="test", pool_size=2)
    await opened.close()
    return opened


@pytest.fixture
async def postroom(database: Database, owner: asyncpg.Connection, gateway: StripeGateway, twin: Twin) -> Postroom:
    """
    The inbox of an installation whose one customer, acme, has a card and no credits.
    """
    return Postroom(await set_stage(database, owner, gateway, twin, refunding_bus()))
