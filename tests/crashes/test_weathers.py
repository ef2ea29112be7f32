"""
The same kills while more goes wrong: Stripe forgets keys, a day passes, calls fail, PostgreSQL itself is killed.
"""

import pytest

from crashes.facts import gather
from crashes.judge import judge
from crashes.runs import POINTS, WORKER_POINTS, run_point
from crashes.server_kills import ServerKills, plant_unawaited_commits
from crashes.weather import WEATHERS, Storm
from crashes.yard import Yard
from rsolv.local.cluster import Cluster

KILLS = 2
STRIKES = 2
WORKS = 3


@pytest.mark.parametrize("weather", ["keys forgotten", "a day later"])
async def test_a_crash_charges_exactly_once_without_keys(yard: Yard, weather: str) -> None:
    """
    Killed at every point, and repeats are executed anew or come a day late: still one payment for each debt.
    """
    tallies = [await run_point(yard, point, KILLS, weather=WEATHERS[weather]) for point in POINTS]

    verdict = judge(await gather(yard, works=KILLS * len(POINTS)))
    assert verdict.findings == ()
    assert [tally.kills for tally in tallies] == [KILLS] * len(POINTS)
    assert verdict.debts == KILLS * len(POINTS)


async def test_a_crash_charges_exactly_once_while_calls_fail(yard: Yard) -> None:
    """
    Killed at every point while calls to Stripe fail in every way that there is: still one payment for each debt.
    """
    storm = Storm()
    tallies = [await run_point(yard, point, KILLS, weather=storm) for point in POINTS]

    verdict = judge(await gather(yard, works=KILLS * len(POINTS)))
    assert verdict.findings == ()
    assert verdict.debts == KILLS * len(POINTS)
    assert storm.struck > len(POINTS)
    # Where a call fails first, the process does not come to its point; most do.
    assert sum(tally.kills for tally in tallies) > verdict.debts // 2


async def test_a_killed_server_charges_exactly_once(durable_yard: Yard, durable_cluster: Cluster) -> None:
    """
    PostgreSQL is killed in the middle, workers at every point: what was acknowledged stays, and all is paid once.
    """
    weather = ServerKills(durable_cluster, strikes=STRIKES)
    tallies = [await run_point(durable_yard, point, KILLS, weather=weather) for point in WORKER_POINTS]

    verdict = judge(await gather(durable_yard, works=KILLS * len(WORKER_POINTS)))
    assert verdict.findings == ()
    assert weather.struck == STRIKES
    assert sum(tally.kills for tally in tallies) > verdict.debts // 2
    assert {said.partition(":")[0] for tally in tallies for said in tally.complaints} <= {"Unavailable"}


async def test_commits_that_are_not_waited_for_are_noticed(durable_yard: Yard, durable_cluster: Cluster) -> None:
    """
    The planted bug of a killed server: clients were told of fixes that are lost, and the judge misses them.
    """
    verdict = await plant_unawaited_commits(durable_yard, ServerKills(durable_cluster, strikes=1), WORKS)

    assert verdict.debts < WORKS
    assert verdict.lost_charges != ()
