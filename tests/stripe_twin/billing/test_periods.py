"""
Periods (docs.stripe.com/billing/subscriptions/billing-cycle).
"""

from datetime import UTC, datetime

import pytest

from stripe_twin.billing.periods import boundary, period_around, share

MONTHLY = {"interval": "month", "interval_count": 1}


def seconds(text):
    """
    Return a time's second.
    """
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("anchor", "interval", "count", "number", "expected"),
    [
        ("2026-01-31T10:20:30", "month", 1, 1, "2026-02-28T10:20:30"),
        ("2026-01-31T10:20:30", "month", 1, 2, "2026-03-31T10:20:30"),
        ("2027-12-31T23:59:59", "month", 1, 2, "2028-02-29T23:59:59"),
        ("2026-08-31T00:00:00", "month", 6, 1, "2027-02-28T00:00:00"),
        ("2026-03-31T00:00:00", "month", 1, -1, "2026-02-28T00:00:00"),
        ("2028-02-29T00:00:00", "year", 1, 1, "2029-02-28T00:00:00"),
        ("2028-02-29T00:00:00", "year", 1, 4, "2032-02-29T00:00:00"),
        ("2026-01-01T00:00:01", "week", 2, 3, "2026-02-12T00:00:01"),
        ("2026-03-28T02:30:00", "day", 1, 2, "2026-03-30T02:30:00"),
    ],
)
def test_a_boundary_keeps_the_anchors_day_and_second(anchor, interval, count, number, expected):
    """
    A day that a month lacks is its last one, and comes back; there is no summer time in UTC.
    """
    recurring = {"interval": interval, "interval_count": count}

    assert boundary(seconds(anchor), recurring, number) == seconds(expected)


def test_a_boundary_belongs_to_the_period_it_begins():
    """
    One second earlier is still the period before.
    """
    anchor = seconds("2026-01-31T00:00:00")
    march = seconds("2026-03-31T00:00:00")

    assert period_around(anchor, MONTHLY, march)[0] == march
    assert period_around(anchor, MONTHLY, march - 1) == (seconds("2026-02-28T00:00:00"), march)


def test_a_month_added_to_the_last_period_would_drift():
    """
    Planted bug: counted from the last end instead of the anchor, the 31st never comes back after February.
    """
    anchor = seconds("2026-01-31T00:00:00")
    drifting = boundary(boundary(anchor, MONTHLY, 1), MONTHLY, 1)

    assert drifting == seconds("2026-03-28T00:00:00") != boundary(anchor, MONTHLY, 2)


@pytest.mark.parametrize(
    ("amount", "part", "whole", "expected"), [(1000, 1, 2, 500), (1, 1, 2, 1), (999, 1, 1000, 1), (10, 0, 7, 0)]
)
def test_a_share_is_rounded_to_the_nearest_cent(amount, part, whole, expected):
    """
    Halves go up.
    """
    assert share(amount, part, whole) == expected
