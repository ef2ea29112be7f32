"""
The spending cap over the wire: the most that may be charged in a calendar month.
"""

from datetime import datetime
from typing import Annotated

import msgspec

from rsolv import spending_caps
from rsolv.api.operation import Access, Call, Operation, Reply, Shape
from rsolv.audit import Actor

PATH = "/api/v1/billing/spending-cap"


class SpendingCapBody(Shape, forbid_unknown_fields=True):
    """
    The new cap, in cents of the customer's currency: 0, or at least the price of one fix; null: no cap.
    """

    monthly_cap_cents: Annotated[int, msgspec.Meta(ge=0, le=spending_caps.LARGEST_CENTS, examples=[10_000])] | None


class SpendingCapAnswer(Shape):
    """
    The cap, and what the running calendar month (UTC) has taken of it.

    `under_way_cents` is what is being charged and has no outcome yet. `charges_waiting` wait for the cap, until it is
    raised or `resets_at`.
    """

    monthly_cap_cents: int | None
    currency: str
    spent_cents: int
    under_way_cents: int
    remaining_cents: int | None
    is_reached: bool
    charges_waiting: int
    resets_at: datetime


async def show_spending_cap(call: Call) -> Reply:
    """
    Show the spending cap, how much of it this month has taken, and how many charges wait for it.
    """
    async with call.parts.database.transaction() as connection:
        status = await spending_caps.get_status(connection, customer_id=call.customer_id, now=call.now)
    return Reply(_shape(status))


async def set_spending_cap(call: Call) -> Reply:
    """
    Set the most that may be charged in a calendar month (UTC), or take the cap away.

    Holds for every charge from now on. Charges over it are not dropped: they wait, and are tried again at once when the
    cap is raised, else in the next month.
    """
    body: SpendingCapBody = call.body
    async with call.parts.database.transaction() as connection:
        status = await spending_caps.set_cap(
            connection,
            customer_id=call.customer_id,
            monthly_cap_cents=body.monthly_cap_cents,
            actor=Actor("customer", f"api key {call.key.api_key_id}"),
            now=call.now,
        )
    return Reply(_shape(status))


def _shape(status: spending_caps.CapStatus) -> SpendingCapAnswer:
    return SpendingCapAnswer(
        monthly_cap_cents=status.monthly_cap_cents,
        currency=status.currency,
        spent_cents=status.spent_cents,
        under_way_cents=status.under_way_cents,
        remaining_cents=status.remaining_cents,
        is_reached=status.is_reached,
        charges_waiting=status.charges_waiting,
        resets_at=status.resets_at,
    )


OPERATIONS = (
    Operation(
        method="GET",
        path=PATH,
        summary="Show the spending cap",
        access=Access.API_KEY,
        handler=show_spending_cap,
        answer=SpendingCapAnswer,
        refusals=(401, 503),
        tag="Billing",
    ),
    Operation(
        method="PUT",
        path=PATH,
        summary="Set the spending cap",
        access=Access.API_KEY,
        handler=set_spending_cap,
        body=SpendingCapBody,
        answer=SpendingCapAnswer,
        refusals=(400, 401, 413, 415, 422, 503),
        tag="Billing",
    ),
)
