"""
Whoever races for one debt, it is paid once.
"""

import pytest

from crashes.facts import gather
from crashes.judge import judge
from crashes.races import CONTESTS, run_races
from crashes.yard import Yard

RACES = 10


@pytest.mark.parametrize("racers", CONTESTS, ids=" - ".join)
async def test_a_race_for_one_debt_pays_it_once(yard: Yard, racers: tuple[str, ...]) -> None:
    """
    Two or three at once over one debt: one payment, and everybody else gets a clean answer.
    """
    unclean = await run_races(yard, racers, RACES)

    verdict = judge(await gather(yard, works=RACES))
    assert (verdict.findings, unclean) == ((), [])
    assert verdict.debts == RACES
