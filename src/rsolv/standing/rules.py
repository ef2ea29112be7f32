"""
What a customer's standing is, by what is overdue.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from rsolv.charges import NOT_COLLECTED
from rsolv.kernel.money import money
from rsolv.spending_caps import SPENDING_CAP
from rsolv.standing.errors import PaymentOverdue

StandingState = Literal["good", "grace", "refused"]
GOOD: StandingState = "good"
IN_GRACE: StandingState = "grace"
REFUSED: StandingState = "refused"

GRACE = timedelta(days=7)
"""
How long new work is taken after the first decline of the oldest debt that is still unpaid.
"""


COUNTING_WHILE = frozenset({*NOT_COLLECTED, SPENDING_CAP})
"""
For what an overdue debt may wait and stay overdue: all that is the customer's, also a cap that they set afterwards.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """
    Debts that could not be collected, through their customer: how much, and since when the oldest.

    `payable_charge_id` is the oldest that they can pay by its link.
    """

    amount_cents: int
    currency: str
    since: datetime
    payable_charge_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """
    Whether new work is taken of a customer, and what is owed if something is overdue.

    `pay_path` is where they can pay the oldest of it, below our public address, if its card may be tried again.
    """

    state: StandingState = GOOD
    owed_cents: int = 0
    currency: str | None = None
    since: datetime | None = None
    grace_ends_at: datetime | None = None
    pay_path: str | None = None


def standing_of(overdue: Overdue | None, *, pay_path: str | None, now: datetime) -> Standing:
    """
    Return a customer's standing: good while nothing is overdue, then in grace, and refused from its last moment on.
    """
    if overdue is None:
        return Standing()
    grace_ends_at = overdue.since + GRACE
    return Standing(
        state=IN_GRACE if now < grace_ends_at else REFUSED,
        owed_cents=overdue.amount_cents,
        currency=overdue.currency,
        since=overdue.since,
        grace_ends_at=grace_ends_at,
        pay_path=pay_path,
    )


def require_not_refused(standing: Standing, *, public_url: str) -> None:
    """
    Insist that new work is taken.

    Raises:
        PaymentOverdue: it is not.
    """
    if standing.state != REFUSED:
        return
    assert standing.currency is not None, "something is owed"
    assert standing.since is not None, "something is owed"
    raise PaymentOverdue(
        owed={
            "amount_cents": standing.owed_cents,
            "currency": standing.currency,
            "since": standing.since,
            "grace_ended_at": standing.grace_ends_at,
            "pay_url": standing.pay_path and public_url + standing.pay_path,
        },
        owed_amount=money(standing.owed_cents, standing.currency),
        since_day=f"{standing.since:%Y-%m-%d}",
    )
