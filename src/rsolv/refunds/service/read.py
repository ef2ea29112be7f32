"""
Show refunds.
"""

from rsolv.db import Connection
from rsolv.refunds.errors import UnknownRefund
from rsolv.refunds.queries import refunds
from rsolv.refunds.rules import Refund


async def list_refunds(connection: Connection, *, customer_id: int, limit: int) -> list[Refund]:
    """
    Return a customer's refunds, newest first, at most *limit*.
    """
    return await refunds.list_refunds(connection, customer_id=customer_id, limit=limit)


async def get_refund(connection: Connection, *, customer_id: int, refund_id: int) -> Refund:
    """
    Return a refund.

    Raises:
        UnknownRefund: the customer has no such refund.
    """
    refund = await refunds.find_refund(connection, customer_id=customer_id, refund_id=refund_id)
    if refund is None:
        raise UnknownRefund(refund_id=refund_id)
    return refund
