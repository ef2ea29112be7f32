"""
Whoever races for one debt, it is paid once.
"""

import pytest

from crashes.deadlines import TEST_SECONDS
from crashes.facts import gather
from crashes.judge import judge
from crashes.races import CONTESTS, MAY_CANCEL, run_races
from crashes.yard import Yard

pytestmark = pytest.mark.timeout(TEST_SECONDS)

RACES = 8


@pytest.mark.parametrize("racers", CONTESTS, ids=" - ".join)
async def test_a_race_for_one_debt_pays_it_once(yard: Yard, racers: tuple[str, ...]) -> None:
    """
    Two or three at once over one debt: one payment, or none where it was dropped; everybody else gets a clean answer.
    """
    raced = await run_races(yard, racers, RACES)

    verdict = judge(await gather(yard, works=raced.debts, may_be_canceled=MAY_CANCEL in racers))
    assert (verdict.findings, raced.unclean) == ((), [])
    assert raced.races >= RACES
