"""
The same kills while more goes wrong: Stripe forgets keys, a day passes, calls fail, PostgreSQL itself is killed.
"""

import pytest

from crashes.deadlines import TEST_SECONDS
from crashes.facts import gather
from crashes.judge import judge
from crashes.runs import run_batch
from crashes.server_kills import ServerKills, plant_unawaited_commits
from crashes.ways import POINTS, WORKER_POINTS, Tally
from crashes.weather import WEATHERS, Storm
from crashes.yard import Yard
from rsolv.local.cluster import Cluster

pytestmark = pytest.mark.timeout(TEST_SECONDS)

KILLS = 2
STRIKES = 2
SENT_PER_STRIKE = 5
WORKS = 3


@pytest.mark.parametrize("weather", ["keys forgotten", "a day later"])
async def test_a_crash_charges_exactly_once_without_keys(yard: Yard, weather: str) -> None:
    """
    Killed at every point, and repeats are executed anew or come a day late: still one payment for each debt.
    """
    tally = Tally()
    await run_batch(yard, list(POINTS), KILLS, weather=WEATHERS[weather], tally=tally)

    verdict = judge(await gather(yard, works=KILLS * len(POINTS)))
    assert verdict.findings == ()
    assert tally.kills + tally.unavailable >= KILLS * len(POINTS)
    assert tally.complaints == []
    assert verdict.debts == KILLS * len(POINTS)


async def test_a_crash_charges_exactly_once_while_calls_fail(yard: Yard) -> None:
    """
    Killed at every point while calls to Stripe fail in every way that there is: still one payment for each debt.
    """
    storm, tally = Storm(), Tally()
    await run_batch(yard, list(POINTS), KILLS, weather=storm, tally=tally)

    verdict = judge(await gather(yard, works=KILLS * len(POINTS)))
    assert verdict.findings == ()
    assert verdict.debts == KILLS * len(POINTS)
    assert storm.struck > len(POINTS)
    assert tally.complaints == []
    # Where a call fails first, the process does not come to its point; many do.
    assert tally.kills > verdict.debts // 4


async def test_a_killed_server_charges_exactly_once(durable_yard: Yard, durable_cluster: Cluster) -> None:
    """
    PostgreSQL is killed in the middle, workers at every point: what was acknowledged stays, and all is paid once.
    """
    weather, tally = ServerKills(durable_cluster, strikes=STRIKES, every=SENT_PER_STRIKE), Tally()
    await run_batch(durable_yard, list(WORKER_POINTS), KILLS, weather=weather, tally=tally)

    verdict = judge(await gather(durable_yard, works=KILLS * len(WORKER_POINTS)))
    assert verdict.findings == ()
    assert weather.struck == STRIKES
    assert tally.kills > verdict.debts // 2
    assert tally.complaints == []


async def test_commits_that_are_not_waited_for_are_noticed(durable_yard: Yard, durable_cluster: Cluster) -> None:
    """
    The planted bug of a killed server: clients were told of fixes that are lost, and the judge misses them.
    """
    verdict = await plant_unawaited_commits(durable_yard, ServerKills(durable_cluster, strikes=1), WORKS)

    assert verdict.debts < WORKS
    assert verdict.lost_charges != ()
