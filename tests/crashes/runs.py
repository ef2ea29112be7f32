"""
Kill so many at a point and let others finish, in whatever weather; or have answers not come.
"""

from collections.abc import Callable, Sequence

from crashes.errands import Ended
from crashes.ways import WAYS, Tally
from crashes.weather import CALM, Timeouts, Weather
from crashes.yard import Debt, Yard

AT_A_TIME = 50
SENT_MAX_TIMES = 6

Progress = Callable[[int], None]


def _unseen(_done: int) -> None: ...


async def run_point(
    yard: Yard, point: str, kills: int, *, weather: Weather = CALM, progress: Progress = _unseen
) -> Tally:
    """
    Send processes to one crash point in a weather until so many have died there, and bring everything to its end.

    Where calls fail, some end before they come to their point; more are sent instead, up to a limit.
    """
    tally = Tally()
    while tally.kills < kills and tally.works < kills * SENT_MAX_TIMES:
        died_before = tally.kills
        await run_batch(yard, [point], min(kills - tally.kills, AT_A_TIME), weather=weather, tally=tally)
        progress(tally.kills - died_before)
    return tally


async def run_batch(yard: Yard, points: Sequence[str], kills: int, *, weather: Weather, tally: Tally) -> None:
    """
    Try each of these points so many times, and then bring everything to its end at once.
    """
    debts: list[Debt] = []
    await weather.begin(yard)
    for point in points:
        debts += await WAYS[point](yard, point, kills, tally)
    await weather.turn(yard)
    await _finish(yard, debts, weather, tally)
    tally.works += kills * len(points)


async def run_timeouts(yard: Yard, timeouts: int, *, progress: Progress = _unseen) -> Tally:
    """
    Have calls of healthy workers time out, executed or not, until so many have; the tally counts them as kills.
    """
    tally, weather = Tally(), Timeouts()
    while tally.kills < timeouts:
        struck_before = weather.struck
        debts = await yard.open_debts(AT_A_TIME)
        await weather.begin(yard)
        await _finish(yard, debts, weather, tally)
        tally.works += len(debts)
        tally.kills += weather.struck - struck_before
        progress(weather.struck - struck_before)
    return tally


async def _finish(yard: Yard, debts: Sequence[Debt], weather: Weather, tally: Tally) -> None:
    _note(await yard.finish(debts, rounds=weather.rounds), tally)
    await weather.clear(yard)
    await yard.calm_down()
    _note(await yard.finish(debts), tally)


def _note(all_ended: Sequence[Ended], tally: Tally) -> None:
    for ended in all_ended:
        tally.note(ended)
