"""
Good, in grace, refused: what follows from what is overdue, and when. No database.
"""

from datetime import UTC, datetime, timedelta

import pytest

from rsolv.standing import PaymentOverdue, Standing
from rsolv.standing.rules import GRACE, Overdue, require_not_refused, standing_of

SINCE = datetime(2027, 6, 1, 12, tzinfo=UTC)
OVERDUE = Overdue(amount_cents=5_800, currency="usd", since=SINCE, payable_charge_id=5)
URL, PATH = "https://billing.test", "/charges/1/5?token=t"
MOMENT = timedelta(microseconds=1)


def test_who_owes_nothing_overdue_is_in_good_standing() -> None:
    """
    With no figures to show.
    """
    assert standing_of(None, pay_path=None, now=SINCE) == Standing(state="good")


@pytest.mark.parametrize(
    ("now", "state"),
    [(SINCE, "grace"), (SINCE + GRACE - MOMENT, "grace"), (SINCE + GRACE, "refused"), (SINCE + 9 * GRACE, "refused")],
)
def test_grace_lasts_seven_days_to_the_moment(now: datetime, state: str) -> None:
    """
    From the first decline of the oldest unpaid debt on.
    """
    assert timedelta(days=7) == GRACE
    assert standing_of(OVERDUE, pay_path=PATH, now=now).state == state


def test_the_standing_says_what_is_owed_and_until_when() -> None:
    """
    All that a page or a mail needs.
    """
    stands = standing_of(OVERDUE, pay_path=PATH, now=SINCE)

    assert (stands.owed_cents, stands.currency, stands.since) == (5_800, "usd", SINCE)
    assert stands.grace_ends_at == SINCE + GRACE


@pytest.mark.parametrize("now", [SINCE, SINCE + GRACE - MOMENT])
def test_in_grace_new_work_is_taken(now: datetime) -> None:
    """
    To its last moment.
    """
    require_not_refused(standing_of(OVERDUE, pay_path=PATH, now=now), public_url=URL)


def test_after_it_the_refusal_says_what_is_owed_and_how_to_mend_it() -> None:
    """
    In a sentence for the log of a CI run, and in figures.
    """
    with pytest.raises(PaymentOverdue) as refused:
        require_not_refused(standing_of(OVERDUE, pay_path=PATH, now=SINCE + GRACE), public_url=URL)

    assert "$58.00" in str(refused.value)
    assert "since 2027-06-01" in str(refused.value)
    assert refused.value.owed is not None
    assert refused.value.owed["amount_cents"] == 5_800
    assert refused.value.owed["grace_ended_at"] == SINCE + GRACE
    assert refused.value.owed["pay_url"] == URL + PATH
