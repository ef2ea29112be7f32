"""
A process that is killed at any point of a charge charges nobody twice and loses nothing.
"""

import pytest

from crashes.facts import gather
from crashes.judge import judge
from crashes.runs import POINTS, run_point
from crashes.yard import Yard

KILLS = 40


@pytest.mark.parametrize("point", list(POINTS))
async def test_a_crash_at_any_point_charges_exactly_once(yard: Yard, point: str) -> None:
    """
    Killed at this point, and finished by another process: one payment, one posting, one credit in and out.
    """
    tally = await run_point(yard, point, KILLS)

    verdict = judge(await gather(yard, works=tally.works))
    assert verdict.findings == ()
    assert (tally.kills, verdict.debts, tally.complaints) == (KILLS, KILLS, [])
