"""
What tests of refunds start from.
"""

import asyncpg
import pytest

from charges.stage import Stage, set_stage
from refunds.giving import Giving, refunding_bus
from rsolv.db import Database
from rsolv.stripe_gateway import StripeGateway
from stripe_twin.twin import Twin


@pytest.fixture
async def stage(database: Database, owner: asyncpg.Connection, gateway: StripeGateway, twin: Twin) -> Stage:
    """
    Acme with a card, a consent and no credits; refunds hear of charges.
    """
    return await set_stage(database, owner, gateway, twin, refunding_bus())


@pytest.fixture
async def giving(stage: Stage) -> Giving:
    """
    A fix that was charged.
    """
    return await Giving.of_a_new_charge(stage)
