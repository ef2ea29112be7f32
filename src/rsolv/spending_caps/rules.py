"""
Whether a charge fits under the caps, and how long it waits if not.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rsolv.charges import Held, Spent
from rsolv.jobs import Job
from rsolv.spending_caps.errors import SpendingCapInvalid

SPENDING_CAP = "spending_cap"
SAFETY_CAP = "safety_cap"
LARGEST_CENTS = 100_000_000_000  # lint: allow no-price-in-code -- no price: the end of what a cap can say
RETRY_JOB = "spending_cap.retry"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

LOOK_AGAIN_WHILE_UNDER_WAY = timedelta(hours=1)
"""
When to look again while only charges under way are in the way: should they fail, there is room.
"""

LOOK_AGAIN_WHEN_UNSAFE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Cap:
    """
    The most that may be charged in a calendar month; None: as much as is owed.
    """

    monthly_cap_cents: int | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """
    Charges that wait for one reason, and what they come to.
    """

    count: int
    amount_cents: int
    currency: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyCaps:
    """
    The most that may be charged to one customer in any hour and in any day, whatever has gone wrong with us.
    """

    per_hour_max_cents: int = 500_000  # lint: allow no-price-in-code -- a guard of ours, the setting's default
    per_day_max_cents: int = 2_000_000  # lint: allow no-price-in-code -- as above


@dataclass(frozen=True, slots=True, kw_only=True)
class CapStatus:
    """
    A customer's cap and how much of it is used in the running month. `charges_waiting` wait for it.
    """

    monthly_cap_cents: int | None
    cap_currency: str | None
    currency: str
    fix_price_cents: int
    spent_cents: int
    under_way_cents: int
    charges_waiting: int
    resets_at: datetime

    @property
    def remaining_cents(self) -> int | None:
        """
        Return what may still be charged this month; None: as much as is owed.
        """
        if self.monthly_cap_cents is None:
            return None
        return max(self.monthly_cap_cents - self.spent_cents - self.under_way_cents, 0)

    @property
    def is_reached(self) -> bool:
        """
        Say whether the next fix could not be charged this month.
        """
        remaining_cents = self.remaining_cents
        if remaining_cents is None:
            return False
        return self.cap_currency != self.currency or remaining_cents < self.fix_price_cents


def require_valid(monthly_cap_cents: int | None, *, fix_price_cents: int) -> None:
    """
    Insist that a cap is none, nothing, or enough for one fix: anything between would stop all and not say so.

    Raises:
        SpendingCapInvalid: it is not.
    """
    if monthly_cap_cents in (None, 0):
        return
    if fix_price_cents <= monthly_cap_cents <= LARGEST_CENTS:
        return
    sentence = f"must be 0 or from {fix_price_cents} to {LARGEST_CENTS}"
    raise SpendingCapInvalid(
        fields={"monthly_cap_cents": [sentence]}, smallest_cents=fix_price_cents, largest_cents=LARGEST_CENTS
    )


def month_start(now: datetime) -> datetime:
    """
    Return when the running calendar month began, in UTC.
    """
    return now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def next_month_start(now: datetime) -> datetime:
    """
    Return when the next calendar month begins, in UTC.
    """
    return month_start(month_start(now) + timedelta(days=31))


def over_spending_cap(cap: Cap, *, amount_cents: int, currency: str, spent: Spent, now: datetime) -> Held | None:
    """
    Say whether a charge has to wait for the customer's cap, given what the month's other charges take.

    It waits for the next month, or, where room may come sooner, for the charges under way. A cap in another currency
    cannot be compared, and holds everything until it is set anew.
    """
    if cap.monthly_cap_cents is None:
        return None
    if cap.currency != currency or spent.settled_cents + amount_cents > cap.monthly_cap_cents:
        return Held(SPENDING_CAP, next_month_start(now))
    if spent.total_cents + amount_cents > cap.monthly_cap_cents:
        return Held(SPENDING_CAP, min(now + LOOK_AGAIN_WHILE_UNDER_WAY, next_month_start(now)))
    return None


def over_safety_cap(*, amount_cents: int, spent: Spent, max_cents: int, now: datetime) -> Held | None:
    """
    Say whether a charge has to wait for one of our own caps, given what the others of its window take.
    """
    if spent.total_cents + amount_cents > max_cents:
        return Held(SAFETY_CAP, now + LOOK_AGAIN_WHEN_UNSAFE)
    return None


def retry_job(customer_id: int) -> Job:
    """
    Return the promise to try again what waits for a customer's cap.

    Without a dedupe key: a job that runs already may have looked before the change that this one is promised for.
    """
    return Job(kind=RETRY_JOB, ids={"customer_id": customer_id})
