"""
The standing room's verbs.
"""

from datetime import datetime

from rsolv.db import Connection
from rsolv.fixes import PhaseCompleted
from rsolv.standing import queries
from rsolv.standing.rules import COUNTING_WHILE, Standing, require_not_refused, standing_of


async def get_standing(connection: Connection, *, customer_id: int, now: datetime) -> Standing:
    """
    Return a customer's standing, as the database has it at this moment. Reads only.

    A debt is overdue from its first decline, or its first rest for want of a card, a consent or an answer to the bank,
    until it is closed or its end is asked for: another card that is declined too begins nothing anew. Holds of ours
    (billing switched off, a safety cap, a doubt) excuse the customer. Their own spending cap makes nothing overdue, but
    what was declined before it stays so.
    """
    overdue = await queries.find_overdue(connection, customer_id=customer_id, counting_while=COUNTING_WHILE)
    return standing_of(overdue, now=now)


async def require_new_work_allowed(connection: Connection, *, customer_id: int, now: datetime) -> None:
    """
    Insist that new work is taken of a customer.

    Raises:
        PaymentOverdue: the grace is over for what they owe.
    """
    require_not_refused(await get_standing(connection, customer_id=customer_id, now=now))


async def refuse_new_work(connection: Connection, completed: PhaseCompleted) -> None:
    """
    Refuse the scan of a new commit once the grace is over; whatever follows from an earlier scan is taken.

    Subscribes to `PhaseCompleted`, so that a refusal rolls back what was stored.

    Raises:
        PaymentOverdue: the grace is over for what the customer owes.
    """
    if completed.begins_work:
        await require_new_work_allowed(connection, customer_id=completed.customer_id, now=completed.occurred_at)
