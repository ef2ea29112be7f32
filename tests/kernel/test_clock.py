"""
The one place that reads the wall clock.
"""

from datetime import UTC, timedelta

from rsolv.kernel import clock


def test_the_moment_is_aware_and_in_utc() -> None:
    """
    No two parts can read one moment as two.
    """
    assert clock.now().tzinfo is UTC
    assert clock.now().utcoffset() == timedelta(0)


def test_the_moments_it_gives_do_not_go_backwards() -> None:
    """
    A later question has no earlier answer.
    """
    first, second = clock.now(), clock.now()

    assert first <= second
