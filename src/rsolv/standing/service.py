"""
The standing room's verbs.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

from rsolv import charges
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
    pay_path = None
    if overdue is not None and overdue.payable_charge_id is not None:
        charge = await charges.get_charge(connection, customer_id=customer_id, charge_id=overdue.payable_charge_id)
        pay_path = charges.address_of(charge, customer_id=customer_id, public_url="")
    return standing_of(overdue, pay_path=pay_path, now=now)


async def require_new_work_allowed(connection: Connection, *, customer_id: int, public_url: str, now: datetime) -> None:
    """
    Insist that new work is taken of a customer.

    Raises:
        PaymentOverdue: the grace is over for what they owe.
    """
    stands = await get_standing(connection, customer_id=customer_id, now=now)
    require_not_refused(stands, public_url=public_url)


def refuse_new_work(*, public_url: str) -> Callable[[Connection, PhaseCompleted], Awaitable[None]]:
    """
    Return who refuses the scan of a new commit once the grace is over; whatever follows from an earlier scan is taken.

    Subscribes to `PhaseCompleted`, so that a refusal (`PaymentOverdue`) rolls back what was stored.
    """

    async def refuse(connection: Connection, completed: PhaseCompleted) -> None:
        if completed.begins_work:
            await require_new_work_allowed(
                connection, customer_id=completed.customer_id, public_url=public_url, now=completed.occurred_at
            )

    return refuse
