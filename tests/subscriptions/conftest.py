"""
What tests of subscriptions start from.
"""

import asyncpg
import pytest

from rsolv.db import Database
from rsolv.stripe_gateway import StripeGateway
from stripe_twin.twin import Twin
from subscriptions.stage import Stage, set_stage


@pytest.fixture
async def stage(database: Database, owner: asyncpg.Connection, gateway: StripeGateway, twin: Twin) -> Stage:
    """
    Acme with a card, a consent and no credits.
    """
    return await set_stage(database, owner, gateway, twin)
