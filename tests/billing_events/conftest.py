"""
What tests of Stripe's events start from.
"""

import asyncpg
import pytest

from billing_events.postroom import Postroom
from billing_events.subscribed import PlanPostroom
from charges.stage import set_stage
from refunds.giving import refunding_bus
from rsolv.db import Database
from rsolv.stripe_gateway import StripeGateway
from stripe_twin.twin import Twin
from subscriptions.stage import set_stage as set_plan_stage


@pytest.fixture
async def postroom(database: Database, owner: asyncpg.Connection, gateway: StripeGateway, twin: Twin) -> Postroom:
    """
    The inbox of an installation whose one customer, acme, has a card and no credits.
    """
    return Postroom(await set_stage(database, owner, gateway, twin, refunding_bus()))


@pytest.fixture
async def plans(database: Database, owner: asyncpg.Connection, gateway: StripeGateway, twin: Twin) -> PlanPostroom:
    """
    The inbox of an installation whose one customer, acme, has a card and a consent, and may subscribe.
    """
    return PlanPostroom(await set_plan_stage(database, owner, gateway, twin))
