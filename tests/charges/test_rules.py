"""
What is decided about a charge without asking anybody.
"""

from datetime import UTC, datetime, timedelta

import pytest

from rsolv.charges.rules import (
    DUNNING_DAYS,
    KEY_TRUSTED_FOR,
    SERVER_ERRORS_TRUSTED,
    Attempt,
    Held,
    Outcome,
    after_decline,
    may_repeat,
    pause,
)

NOW = datetime(2027, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def attempt(*, outcome: Outcome | None = None, age: timedelta = HOUR, server_errors: int = 0) -> Attempt:
    """
    Return an attempt first sent so long ago.
    """
    return Attempt(
        id=1,
        kind="confirm",
        number=1,
        key="ci:1-1:confirm:1",
        parameter_hash="0" * 64,
        consent_id=1,
        payment_method_id=1,
        customer_present=False,
        seen_before="",
        sent_at=NOW - age,
        tries=1,
        server_errors=server_errors,
        outcome=outcome,
        stripe_request_id=None,
        answered_at=None,
    )


@pytest.mark.parametrize("outcome", [None, "unknown", "not_executed"])
def test_an_attempt_of_uncertain_outcome_may_be_repeated(outcome: Outcome | None) -> None:
    """
    Under its key, which makes it one attempt.
    """
    assert may_repeat(attempt(outcome=outcome), now=NOW)


@pytest.mark.parametrize("outcome", ["succeeded", "declined", "requires_action", "processing", "canceled", "refused"])
def test_an_attempt_of_certain_outcome_is_never_repeated(outcome: Outcome) -> None:
    """
    Its key would bring the same answer for a day.
    """
    assert not may_repeat(attempt(outcome=outcome), now=NOW)


@pytest.mark.parametrize(
    ("age", "is_trusted"),
    [(KEY_TRUSTED_FOR - timedelta(seconds=1), True), (KEY_TRUSTED_FOR, False), (30 * HOUR, False)],
)
def test_a_key_is_trusted_for_less_than_stripe_remembers_it(age: timedelta, *, is_trusted: bool) -> None:
    """
    Afterwards the same key would be a new request.
    """
    assert may_repeat(attempt(outcome="unknown", age=age), now=NOW) is is_trusted


def test_an_error_that_stripe_keeps_repeating_is_not_asked_for_for_ever() -> None:
    """
    Three times; then the truth is read, and another key taken if nothing happened.
    """
    assert may_repeat(attempt(outcome="unknown", server_errors=SERVER_ERRORS_TRUSTED - 1), now=NOW)
    assert not may_repeat(attempt(outcome="unknown", server_errors=SERVER_ERRORS_TRUSTED), now=NOW)


@pytest.mark.parametrize(("declines", "days"), list(enumerate(DUNNING_DAYS))[1:])
def test_a_declined_card_is_tried_again_on_its_days(declines: int, days: int) -> None:
    """
    Counted from the first decline, however late the last one came.
    """
    held = after_decline(declines=declines, began_at=NOW, is_hard=False, goes_on_at_once=False, now=NOW + HOUR)

    assert held == Held("", NOW + timedelta(days=days))


def test_a_day_that_is_past_is_now() -> None:
    """
    After a long outage, say.
    """
    late = NOW + timedelta(days=30)

    assert after_decline(declines=1, began_at=NOW, is_hard=False, goes_on_at_once=False, now=late) == Held("", late)


@pytest.mark.parametrize(
    ("declines", "is_hard", "reason"), [(len(DUNNING_DAYS), False, "dunning_exhausted"), (1, True, "card_refused")]
)
def test_a_card_that_will_not_pay_is_left_alone(declines: int, *, is_hard: bool, reason: str) -> None:
    """
    After the last day of the schedule, or at once where its bank says so; unless there is another one.
    """
    facts = {"declines": declines, "began_at": NOW, "is_hard": is_hard, "now": NOW}

    assert after_decline(goes_on_at_once=False, **facts) == Held(reason)
    assert after_decline(goes_on_at_once=True, **facts) == Held("", NOW)


def test_pauses_grow_with_the_trouble_and_are_spread() -> None:
    """
    From seconds to minutes, and not all at the same moment.
    """
    lengths = [pause(began_at=NOW, now=NOW + timedelta(minutes=minutes), charge_id=1) for minutes in (0, 1, 5, 600)]
    several = {pause(began_at=NOW, now=NOW + HOUR, charge_id=number) for number in range(50)}

    assert lengths == sorted(lengths)
    assert timedelta(seconds=2) <= lengths[0] < timedelta(seconds=3)
    assert timedelta(minutes=10) <= lengths[-1] < timedelta(minutes=13)
    assert len(several) > 10
