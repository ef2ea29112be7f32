"""
What tests of disputes start from.
"""

import asyncpg
import pytest

from charges.stage import Stage, set_stage
from disputes.disputing import Court
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
def court(stage: Stage) -> Court:
    """
    Acme again, whose bank may take charges back.
    """
    return Court(stage)
