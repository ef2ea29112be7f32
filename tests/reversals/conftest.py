"""
What tests of reversals start from.
"""

import asyncpg
import pytest

from charges.stage import Stage, set_stage
from reversals.taking import Taking
from rsolv.db import Database
from rsolv.stripe_gateway import StripeGateway
from stripe_twin.twin import Twin


@pytest.fixture
async def stage(database: Database, owner: asyncpg.Connection, gateway: StripeGateway, twin: Twin) -> Stage:
    """
    Acme with a card, a consent and no credits.
    """
    return await set_stage(database, owner, gateway, twin)


@pytest.fixture
async def taking(stage: Stage) -> Taking:
    """
    A fix that was charged: its credit is spent.
    """
    charge_id = await stage.fix()
    await stage.finish(charge_id)
    return Taking(stage, charge_id)


@pytest.fixture
async def sixty(stage: Stage) -> Taking:
    """
    A charge that bought sixty credits, none of which is spent.
    """
    charge_id = await stage.fix()
    await stage.finish(charge_id)
    taking = Taking(stage, charge_id)
    await taking.make_it_sixty()
    return taking
