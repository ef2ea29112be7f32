"""
Races of two and three over one debt.
"""

import asyncio
from dataclasses import dataclass, field

from crashes.racers import RACED
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


@dataclass
class Raced:
    """
    How many debts there were, how many of them two or more raced for, and every answer that was not clean.
    """

    debts: int = 0
    races: int = 0
    unclean: list[str] = field(default_factory=list)


async def run_races(
    yard: Yard, racers: tuple[str, ...], races: int, *, progress: Progress = lambda _races: None
) -> Raced:
    """
    Let racers go for debts, one after another, until so many were really raced for, or twice as many were tried.
    """
    raced = Raced()
    while raced.races < races and raced.debts < 2 * races:
        debts = await yard.open_debts(min(AT_A_TIME, races - raced.races))
        runs = (
            yard.send(lane, "race", debts[number :: len(yard.lanes)], racers=list(racers), seed=raced.debts + number)
            for number, lane in enumerate(yard.lanes)
        )
        for ended in await asyncio.gather(*runs):
            assert ended.fate == "left", ended
            raced.races += ended.said.count(RACED)
            raced.unclean += [said for said in ended.said if said != RACED]
        raced.debts += len(debts)
        await yard.finish(debts)
        progress(len(debts))
    return raced
