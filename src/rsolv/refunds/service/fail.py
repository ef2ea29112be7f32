"""
What an answer means that brought no refund.
"""

from datetime import datetime

from rsolv.db import Connection
from rsolv.refunds.queries import refunds
from rsolv.refunds.rules import FINAL, REFUSED_BY_STRIPE, Refund, is_never
from rsolv.refunds.service.rest import end, rest
from rsolv.stripe_gateway import GatewayFailure, GatewayMisused

_SERVER_ERROR = 500


async def take_failure(connection: Connection, asked: Refund, failure: GatewayFailure, *, now: datetime) -> None:
    """
    Note that Stripe could not be asked, did not answer, or refuses: for good, or until somebody has looked.
    """
    refund = await refunds.lock_refund(connection, customer_id=asked.customer_id, refund_id=asked.id)
    assert refund is not None, "refunds stay"
    if refund.state in FINAL:
        return
    if failure.status is not None and failure.status >= _SERVER_ERROR:
        await refunds.note_server_error(connection, refund)
    is_known = refund.stripe_refund_id is not None
    if isinstance(failure, GatewayMisused) and not is_known and is_never(code=failure.code, param=failure.param):
        await end(connection, refund, state="failed", failure_reason=failure.code or "amount_exceeds_charge", now=now)
        return
    reason = None if failure.passes_by_itself else REFUSED_BY_STRIPE
    await rest(connection, refund, reason=reason, now=now)
