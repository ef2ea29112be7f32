"""
A process that is killed at any point of a charge charges nobody twice and loses nothing.
"""

import pytest

from crashes.deadlines import TEST_SECONDS
from crashes.facts import gather
from crashes.judge import judge
from crashes.runs import run_point, run_timeouts
from crashes.ways import POINTS
from crashes.yard import Yard

pytestmark = pytest.mark.timeout(TEST_SECONDS)

KILLS = 40
TIMEOUTS = 30


@pytest.mark.parametrize("point", list(POINTS))
async def test_a_crash_at_any_point_charges_exactly_once(yard: Yard, point: str) -> None:
    """
    Killed at this point, and finished by another process: one payment, one posting, one credit in and out.
    """
    tally = await run_point(yard, point, KILLS)

    verdict = judge(await gather(yard, works=tally.works))
    assert verdict.findings == ()
    assert (tally.kills, verdict.debts, tally.complaints) == (KILLS, tally.works, [])


async def test_an_answer_that_does_not_come_is_asked_for_and_not_guessed(yard: Yard) -> None:
    """
    Calls time out, executed or not: each debt is paid in the end, without a second payment at Stripe.
    """
    tally = await run_timeouts(yard, TIMEOUTS)

    verdict = judge(await gather(yard, works=tally.works))
    assert verdict.findings == ()
    assert verdict.payments_at_stripe == verdict.debts == tally.works
    assert tally.kills >= TIMEOUTS
    assert tally.complaints == []
