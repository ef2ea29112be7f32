"""
What tests of standings start from.
"""

from dataclasses import replace

import asyncpg
import pytest

from charges.stage import Stage, set_stage
from rsolv.db import Database
from rsolv.stripe_gateway import StripeGateway
from rsolv.wiring import wired_bus
from stripe_twin.twin import Twin


@pytest.fixture(params=["current", "draft"], scope="session")
def catalog_name(request: pytest.FixtureRequest) -> str:
    """
    Run every test of this folder under both catalogues.
    """
    return str(request.param)


@pytest.fixture
async def stage(database: Database, owner: asyncpg.Connection, gateway: StripeGateway, twin: Twin) -> Stage:
    """
    Acme with a card, a consent and no credits, and everybody subscribed who is in the product.
    """
    return replace(await set_stage(database, owner, gateway, twin), bus=wired_bus())
