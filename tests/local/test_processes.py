"""
When a process that ended is started again, and when it is given up.
"""

import pytest

from rsolv.local.processes import Deaths


@pytest.mark.parametrize(
    ("deaths_at", "are_too_many"),
    [
        ([0.0, 1.0, 2.0, 3.0], False),
        ([0.0, 1.0, 2.0, 3.0, 60.0], True),
        ([0.0, 1.0, 2.0, 3.0, 60.1], False),
        ([-100.0, 0.0, 1.0, 2.0, 3.0, 4.0], True),
    ],
    ids=["four", "five within a minute", "five within more", "only the last five count"],
)
def test_five_deaths_within_a_minute_are_too_many(deaths_at: list[float], *, are_too_many: bool) -> None:
    """
    Four are not, and five over a longer time are not.
    """
    assert _deaths(deaths_at).are_too_many() is are_too_many


@pytest.mark.parametrize(
    ("deaths_at", "pause_seconds"),
    [([0.0], 0.1), ([0.0, 1.0], 0.2), ([0.0, 1.0, 2.0, 3.0], 0.8), ([0.0, 1.0, 100.0], 0.1)],
    ids=["first", "second", "fourth", "after a quiet time"],
)
def test_the_pause_doubles_with_every_death_of_the_last_minute(deaths_at: list[float], pause_seconds: float) -> None:
    """
    After a quiet minute it is short again.
    """
    assert _deaths(deaths_at).pause_seconds() == pytest.approx(pause_seconds)


def _deaths(times: list[float]) -> Deaths:
    deaths = Deaths()
    for at in times:
        deaths.add(at)
    return deaths
