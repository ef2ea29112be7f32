"""
Note that a consent no longer stands which was given on the way to a page.
"""

from rsolv.card_setups import queries
from rsolv.db import Connection
from rsolv.payment_methods import ConsentWithdrawn


async def note_withdrawal(connection: Connection, withdrawn: ConsentWithdrawn) -> None:
    """
    Take back what the customer agreed to on the way to every page that is still open.

    A card may yet be saved there, and is then not charged. Subscribes to `ConsentWithdrawn`.
    """
    await queries.withdraw_consent_of_open(
        connection, customer_id=withdrawn.customer_id, withdrawn_at=withdrawn.occurred_at
    )
