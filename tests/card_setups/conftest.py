"""
Customers who have no card yet.
"""

import pytest

from factories.customers import make_customer
from rsolv.db import Database


@pytest.fixture
async def customer_id(database: Database) -> int:
    """
    A customer on trial.
    """
    async with database.transaction() as connection:
        return (await make_customer(connection, email="ada@example.com", name="Ada")).customer.id


@pytest.fixture
async def other_id(database: Database) -> int:
    """
    Another customer on trial.
    """
    async with database.transaction() as connection:
        return (await make_customer(connection, email="bob@example.com", name="Bob")).customer.id
