"""
Races of two and three over one debt.
"""

import asyncio

from crashes.runs import AT_A_TIME, Progress
from crashes.yard import Yard

CONTESTS: list[tuple[str, ...]] = [
    ("worker", "second worker"),
    ("worker", "webhook"),
    ("worker", "new card"),
    ("worker", "second worker", "operator"),
    ("worker", "webhook", "new card"),
    ("webhook", "operator", "new card"),
    ("worker", "cancel"),
    ("worker", "webhook", "cancel"),
]
MAY_CANCEL = "cancel"


async def run_races(
    yard: Yard, racers: tuple[str, ...], races: int, *, progress: Progress = lambda _races: None
) -> list[str]:
    """
    Let racers go for so many debts, one after another; return every answer that was not clean.
    """
    unclean: list[str] = []
    for begun in range(0, races, AT_A_TIME):
        debts = await yard.open_debts(min(AT_A_TIME, races - begun))
        runs = (
            yard.send(lane, "race", debts[number :: len(yard.lanes)], racers=list(racers), seed=begun + number)
            for number, lane in enumerate(yard.lanes)
        )
        for ended in await asyncio.gather(*runs):
            assert ended.fate == "left", ended
            unclean += ended.said
        await yard.finish(debts)
        progress(len(debts))
    return unclean
