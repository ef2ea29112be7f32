"""
Billing periods and shares of them, to the second and in UTC.

A period ends where the anchor's next one begins: a monthly anchor on the 31st falls on the last day of shorter months
and comes back to the 31st (docs.stripe.com/billing/subscriptions/billing-cycle).
"""

from calendar import monthrange
from datetime import UTC, datetime, timedelta

from stripe_twin.core import Record

MINUTE, HOUR, DAY = 60, 3600, 86_400
_MONTHS = {"month": 1, "year": 12}
_DAYS = {"day": 1, "week": 7}


def boundary(anchor: int, recurring: Record, number: int) -> int:
    """
    Return the start of the period with this number, counted from the anchor; it may be negative.
    """
    interval, count = recurring["interval"], recurring["interval_count"] * number
    start = datetime.fromtimestamp(anchor, UTC)
    if interval in _DAYS:
        return int((start + timedelta(days=_DAYS[interval] * count)).timestamp())
    month = start.year * 12 + start.month - 1 + _MONTHS[interval] * count
    year, month = divmod(month, 12)
    day = min(start.day, monthrange(year, month + 1)[1])
    return int(start.replace(year=year, month=month + 1, day=day).timestamp())


def period_around(anchor: int, recurring: Record, moment: int) -> tuple[int, int]:
    """
    Return start and end of the period that a moment lies in; the start belongs to it, the end to the next.
    """
    number = _guess(anchor, recurring, moment)
    while boundary(anchor, recurring, number) > moment:
        number -= 1
    while boundary(anchor, recurring, number + 1) <= moment:
        number += 1
    return boundary(anchor, recurring, number), boundary(anchor, recurring, number + 1)


def share(amount: int, part_seconds: int, whole_seconds: int) -> int:
    """
    Return the amount for a part of the time, rounded to the nearest cent, halves up.
    """
    return (2 * amount * part_seconds + whole_seconds) // (2 * whole_seconds)


def day_name(moment: int) -> str:
    """
    Write a day as Stripe's descriptions do: `31 Jan 2026`.
    """
    return datetime.fromtimestamp(moment, UTC).strftime("%-d %b %Y")


def _guess(anchor: int, recurring: Record, moment: int) -> int:
    """
    Estimate the number of the period around a moment, at most one or two off.
    """
    days = _DAYS.get(recurring["interval"]) or 30 * _MONTHS[recurring["interval"]]
    return (moment - anchor) // (days * DAY * int(recurring["interval_count"]))
