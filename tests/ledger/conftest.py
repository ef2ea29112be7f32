"""
What the tests of the ledger share: acme, a customer with open accounts and no credits.
"""

import pytest

from factories.ledger import open_ledger
from rsolv.db import Connection


@pytest.fixture
async def acme(connection: Connection) -> int:
    """
    The id of a customer whose accounts are open and empty.
    """
    return await open_ledger(connection)
