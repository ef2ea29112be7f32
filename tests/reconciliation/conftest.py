"""
What tests of reconciliation start from.
"""

import asyncpg
import pytest

from reconciliation.stage import Office
from rsolv.db import Database
from rsolv.stripe_gateway import StripeGateway
from stripe_twin.twin import Twin


@pytest.fixture
def office(database: Database, owner: asyncpg.Connection, gateway: StripeGateway, twin: Twin) -> Office:
    """
    Stripe and our books, with nobody in them yet.
    """
    return Office(database, owner, gateway, twin)
