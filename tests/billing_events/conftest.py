"""
What tests of Stripe's events start from.
"""

import asyncpg
import pytest

from billing_events.postroom import Postroom
from charges.stage import set_stage
from refunds.giving import refunding_bus
from rsolv.db import Database
from rsolv.stripe_gateway import StripeGateway
from stripe_twin.twin import Twin


@pytest.fixture
async def postroom(database: Database, owner: asyncpg.Connection, gateway: StripeGateway, twin: Twin) -> Postroom:
    """
    The inbox of an installation whose one customer, acme, has a card and no credits.
    """
    return Postroom(await set_stage(database, owner, gateway, twin, refunding_bus()))
