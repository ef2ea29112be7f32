"""
Open the credit accounts of a customer.
"""

from rsolv.db import Connection
from rsolv.ledger.queries import moves

EVERY_CUSTOMER = ["available", "issued", "consumed"]
"""
The accounts every customer needs; the rarer ones are opened by the first posting that moves them.
"""


async def open_accounts(connection: Connection, *, customer_id: int) -> None:
    """
    Open the accounts that every customer needs, all empty. A repeat changes nothing.
    """
    await moves.insert_accounts_once(connection, customer_id=customer_id, kinds=EVERY_CUSTOMER)
