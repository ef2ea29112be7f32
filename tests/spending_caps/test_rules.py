"""
The rules of caps: what fits, and until when the rest waits.
"""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from rsolv.charges import Held, Spent
from rsolv.settings import load_settings
from rsolv.spending_caps import SAFETY_CAP, SPENDING_CAP, CapStatus, SafetyCaps, SpendingCapInvalid
from rsolv.spending_caps.rules import (
    LARGEST_CENTS,
    LOOK_AGAIN_WHEN_UNSAFE,
    LOOK_AGAIN_WHILE_UNDER_WAY,
    Cap,
    month_start,
    next_month_start,
    over_safety_cap,
    over_spending_cap,
    require_valid,
)

NOW = datetime(2027, 6, 15, 12, tzinfo=UTC)
JULY = datetime(2027, 7, 1, tzinfo=UTC)
SOON = NOW + LOOK_AGAIN_WHILE_UNDER_WAY


@pytest.mark.parametrize(
    ("cap", "spent", "held"),
    [
        pytest.param(Cap(None, None), Spent(10**9, 10**9), None, id="no-cap"),
        pytest.param(Cap(0, "usd"), Spent(0, 0), Held(SPENDING_CAP, JULY), id="nothing"),
        pytest.param(Cap(2_900, "usd"), Spent(0, 0), None, id="fits-exactly"),
        pytest.param(Cap(2_899, "usd"), Spent(0, 0), Held(SPENDING_CAP, JULY), id="a-cent-short"),
        pytest.param(Cap(5_800, "usd"), Spent(2_900, 0), None, id="fits-beside-what-was-taken"),
        pytest.param(Cap(5_799, "usd"), Spent(2_900, 0), Held(SPENDING_CAP, JULY), id="taken"),
        pytest.param(Cap(5_799, "usd"), Spent(0, 2_900), Held(SPENDING_CAP, SOON), id="under-way"),
        pytest.param(
            Cap(5_799, "usd"), Spent(2_900, 2_900), Held(SPENDING_CAP, JULY), id="taken-whatever-is-under-way"
        ),
        pytest.param(Cap(10**9, "eur"), Spent(0, 0), Held(SPENDING_CAP, JULY), id="another-currency"),
    ],
)
def test_a_charge_fits_under_the_cap_or_waits(cap: Cap, spent: Spent, held: Held | None) -> None:
    """
    For the next month, or for what is under way, whose failure would make room.
    """
    assert over_spending_cap(cap, amount_cents=2_900, currency="usd", spent=spent, now=NOW) == held


def test_what_waits_for_charges_under_way_waits_at_most_until_the_month_is_over() -> None:
    """
    Then there is a whole cap again.
    """
    late = JULY - timedelta(minutes=1)

    held = over_spending_cap(Cap(2_900, "usd"), amount_cents=2_900, currency="usd", spent=Spent(0, 1), now=late)

    assert held == Held(SPENDING_CAP, JULY)


@pytest.mark.parametrize(("max_cents", "fits"), [(2_999, False), (3_000, True), (0, False)])
def test_a_charge_over_a_safety_cap_waits_a_little(max_cents: int, fits: bool) -> None:  # noqa: FBT001 -- a case of the table
    """
    What was taken and what is under way count alike.
    """
    held = over_safety_cap(amount_cents=1_000, spent=Spent(1_500, 500), max_cents=max_cents, now=NOW)

    assert held == (None if fits else Held(SAFETY_CAP, NOW + LOOK_AGAIN_WHEN_UNSAFE))


@pytest.mark.parametrize(
    ("now", "first", "following"),
    [
        (NOW, datetime(2027, 6, 1, tzinfo=UTC), JULY),
        (JULY, JULY, datetime(2027, 8, 1, tzinfo=UTC)),
        (JULY - timedelta(microseconds=1), datetime(2027, 6, 1, tzinfo=UTC), JULY),
        (datetime(2027, 12, 31, 23, tzinfo=UTC), datetime(2027, 12, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)),
        (datetime(2028, 2, 29, tzinfo=UTC), datetime(2028, 2, 1, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)),
        (datetime(2027, 7, 1, 1, tzinfo=timezone(timedelta(hours=2))), datetime(2027, 6, 1, tzinfo=UTC), JULY),
    ],
)
def test_months_are_those_of_utc(now: datetime, first: datetime, following: datetime) -> None:
    """
    Wherever the customer or the server is.
    """
    assert (month_start(now), next_month_start(now)) == (first, following)


@pytest.mark.parametrize("cents", [None, 0, 2_900, LARGEST_CENTS])
def test_a_cap_is_none_nothing_or_enough_for_one_fix(cents: int | None) -> None:
    """
    These are taken.
    """
    require_valid(cents, fix_price_cents=2_900)


@pytest.mark.parametrize("cents", [-1, 1, 2_899, LARGEST_CENTS + 1])
def test_another_cap_is_refused_with_the_price(cents: int) -> None:
    """
    The field is named, and what it may be.
    """
    with pytest.raises(SpendingCapInvalid, match="2900") as caught:
        require_valid(cents, fix_price_cents=2_900)

    assert list(caught.value.fields) == ["monthly_cap_cents"]


@pytest.mark.parametrize(
    ("cap", "spent", "under_way", "remaining", "is_reached"),
    [
        (None, 10**6, 0, None, False),
        (0, 0, 0, 0, True),
        (5_800, 2_900, 0, 2_900, False),
        (5_800, 2_900, 1, 2_899, True),
        (2_900, 5_800, 0, 0, True),
    ],
)
def test_a_cap_is_reached_when_the_next_fix_does_not_fit(
    cap: int | None,
    spent: int,
    under_way: int,
    remaining: int | None,
    is_reached: bool,  # noqa: FBT001 -- a case of the table
) -> None:
    """
    A cap lowered below what was taken leaves nothing, not less.
    """
    status = CapStatus(
        monthly_cap_cents=cap,
        cap_currency=None if cap is None else "usd",
        currency="usd",
        fix_price_cents=2_900,
        spent_cents=spent,
        under_way_cents=under_way,
        charges_waiting=0,
        resets_at=JULY,
    )

    assert (status.remaining_cents, status.is_reached) == (remaining, is_reached)


def test_the_settings_begin_with_the_same_safety_caps() -> None:
    """
    Who sets nothing and who builds the parts without settings are equally safe.
    """
    settings = load_settings({})

    assert SafetyCaps() == SafetyCaps(
        per_hour_max_cents=settings.charges_per_hour_max_cents, per_day_max_cents=settings.charges_per_day_max_cents
    )
