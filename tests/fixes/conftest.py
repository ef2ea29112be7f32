"""
A customer who reports fixes.
"""

import pytest

from factories.customers import make_customer
from rsolv.db import Connection
from rsolv.provisioning import Provisioned


@pytest.fixture
async def globex(connection: Connection) -> Provisioned:
    """
    A customer on trial with a key.
    """
    return await make_customer(connection)
