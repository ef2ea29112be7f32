"""
What a job is, and how long a failing one waits.
"""

from datetime import timedelta

import pytest

from rsolv.jobs import Job
from rsolv.jobs.rules import TRIES_MAX, pause_before_retry


@pytest.mark.parametrize(
    ("tries", "pause_seconds"),
    [(1, 2), (2, 4), (3, 8), (4, 16), (5, 32), (6, 64), (7, 128), (8, 256), (9, 512)],
)
def test_the_pause_doubles_with_every_failure(tries: int, pause_seconds: int) -> None:
    """
    Trouble that passes soon is met soon again, trouble that stays is left alone longer.
    """
    assert pause_before_retry(tries) == timedelta(seconds=pause_seconds)


@pytest.mark.parametrize("tries", [TRIES_MAX, TRIES_MAX + 1, 1_000])
def test_after_ten_failures_a_job_is_held(tries: int) -> None:
    """
    There is no eleventh try, and the job is not dropped either: a person decides.
    """
    assert pause_before_retry(tries) is None


@pytest.mark.parametrize(("tries", "pause_seconds"), [(1, 2), (9, 512), (10, 600), (TRIES_MAX + 1, 600), (10_000, 600)])
def test_an_outage_of_any_length_holds_no_job(tries: int, pause_seconds: int) -> None:
    """
    Trouble that passes by itself is waited out: ten minutes after it is over, the job is done.
    """
    assert pause_before_retry(tries, passes_by_itself=True) == timedelta(seconds=pause_seconds)


@pytest.mark.parametrize(("asked_seconds", "pause_seconds"), [(0, 4), (3.5, 4), (30, 30), (86_400, 600)])
def test_who_is_busy_may_ask_for_a_longer_pause(asked_seconds: float, pause_seconds: float) -> None:
    """
    A shorter one changes nothing, and ten minutes are the longest.
    """
    pause = pause_before_retry(2, passes_by_itself=True, at_least_seconds=asked_seconds)

    assert pause == timedelta(seconds=pause_seconds)


def test_no_pause_is_longer_than_an_hour() -> None:
    """
    However the figures are changed.
    """
    pauses = [pause_before_retry(tries) or timedelta(0) for tries in range(1, TRIES_MAX)]

    assert max(pauses) <= timedelta(hours=1)
    assert pauses == sorted(pauses)


def test_a_plain_job_is_due_at_once_and_may_be_repeated() -> None:
    """
    A delay and a key against repeats are asked for.
    """
    assert Job("lamp.light") == Job("lamp.light", ids={}, run_after=timedelta(0), dedupe_key=None)
