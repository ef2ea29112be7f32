"""
How each crash point of the table is tried: kill so many processes there, let others finish, count.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import asyncpg

from crashes import acts
from crashes.errands import Ended, Fate
from crashes.ground import execute_in_time
from crashes.lane import Lane
from crashes.weather import CALM, Weather
from crashes.yard import Debt, Yard
from rsolv import charges

AT_A_TIME = 50
WORKER_POINTS = charges.POINTS
RESTORED_FROM = ("X7", "X8", "X9")
FROZEN_AT = ("X9", "X10", "X4", "X5", "X7")  # not in a transaction: PostgreSQL ends one that idles for 10 s

POINTS: Mapping[str, str] = {
    "X0": "accepting a fix, before its commit",
    "X1": "accepting a fix, its commit sent and not answered",
    "X2": "accepting a fix, after its commit and before the client is told",
    **WORKER_POINTS,
    "X14": "an event was stored, and its handler dies before its commit",
    "X15": "the worker freezes, another one settles, the first goes on",
    "X17": "the database is restored from before the settling",
}


@dataclass
class Tally:
    """
    What a run has done: how many processes ended as they were to, what became of all, how many fixes were to be paid.
    """

    kills: int = 0
    works: int = 0
    fates: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)

    def note(self, ended: Ended, *, killed: Fate | None = None) -> Ended:
        """
        Count what became of a process, as one of the kills if it ended as it was to.
        """
        self.kills += ended.fate == killed
        self.fates[ended.fate] += 1
        if ended.fate == "failed":
            self.complaints += ended.said
        return ended


Progress = Callable[[int], None]


async def run_point(
    yard: Yard, point: str, kills: int, *, weather: Weather = CALM, progress: Progress = lambda _kills: None
) -> Tally:
    """
    Try one crash point so many times in a weather, and bring everything to its end.
    """
    tally = Tally()
    way = _WAYS.get(point, _worker_dies)
    while kills > 0:
        now = min(kills, AT_A_TIME)
        await weather.begin(yard)
        debts = await way(yard, point, now, tally)
        await weather.turn(yard)
        for ended in await yard.finish(debts, rounds=weather.rounds):
            tally.note(ended)
        await weather.clear(yard)
        await yard.calm_down()
        for ended in await yard.finish(debts):
            tally.note(ended)
        tally.works += now
        kills -= now
        progress(now)
    return tally


async def on_lanes(yard: Yard, items: Sequence[Debt], do: Callable[[Lane, Debt], Awaitable[None]]) -> None:
    """
    Do something for each item, on all lanes at once.
    """

    async def serve(lane: Lane, share: Sequence[Debt]) -> None:
        for item in share:
            await do(lane, item)

    shares = [items[number :: len(yard.lanes)] for number in range(len(yard.lanes))]
    await asyncio.gather(*(serve(lane, share) for lane, share in zip(yard.lanes, shares, strict=True)))


async def _worker_dies(yard: Yard, point: str, kills: int, tally: Tally) -> list[Debt]:
    debts = await yard.open_debts(kills)

    async def kill(lane: Lane, debt: Debt) -> None:
        tally.note(await yard.send(lane, "work", [debt], die_at=point), killed="killed")

    await on_lanes(yard, debts, kill)
    return debts


async def _acceptance_dies(yard: Yard, point: str, kills: int, tally: Tally) -> list[Debt]:
    """
    Kill who accepts a fix; the client, who heard nothing, reports it again.
    """

    async def accept(lane: Lane, payer: int) -> None:
        whose = yard.payers[payer % len(yard.payers)]
        who: dict[str, Any] = {
            "issue_number": yard.next_issue(),
            "customer_id": whose.customer_id,
            "api_key_id": whose.api_key_id,
        }
        tally.note(await yard.send(lane, "accept", die_at=point, **who), killed="killed")
        tally.note(await yard.send(lane, "accept", **who))

    known = set(await _debts_of(yard))
    for number in range(0, kills, len(yard.lanes)):
        turns = range(number, min(number + len(yard.lanes), kills))
        await asyncio.gather(*(accept(lane, turn) for lane, turn in zip(yard.lanes, turns, strict=False)))
    return [debt for debt in await _debts_of(yard) if debt not in known]


async def _handler_dies(yard: Yard, point: str, kills: int, tally: Tally) -> list[Debt]:
    """
    Kill a worker once Stripe was paid, then who handles Stripe's event of it; a second handler is let live.
    """
    debts = await yard.open_debts(kills)

    async def kill(lane: Lane, debt: Debt) -> None:
        tally.note(await yard.send(lane, "work", [debt], die_at="X10"))
        tally.note(await yard.send(lane, "hear", [debt], die_at=point), killed="killed")

    await on_lanes(yard, debts, kill)
    tally.note(await yard.send(yard.lanes[0], "hear", debts))
    return debts


async def _worker_freezes(yard: Yard, _point: str, kills: int, tally: Tally) -> list[Debt]:
    """
    Stop workers where they are, let others finish what they hold, then let them go on.
    """
    debts = await yard.open_debts(kills)
    frozen: list[tuple[Lane, int]] = []
    points = itertools.cycle(FROZEN_AT)

    async def freeze(lane: Lane, debt: Debt) -> None:
        ended = tally.note(await yard.send(lane, "work", [debt], freeze_at=next(points)))
        if ended.fate == "frozen":
            frozen.append((lane, ended.pid))

    await on_lanes(yard, debts, freeze)
    for ended in await yard.finish(debts):
        tally.note(ended)
    for lane, pid in frozen:
        tally.note(await yard.send(lane, "thaw", pid=pid), killed="left")
    return debts


async def _database_restored(yard: Yard, _point: str, kills: int, tally: Tally) -> list[Debt]:
    """
    Copy the database while workers lie dead before the settling, let others settle, and put the copy in its place.
    """
    debts = await yard.open_debts(kills)
    points = itertools.cycle(RESTORED_FROM)

    async def kill(lane: Lane, debt: Debt) -> None:
        tally.note(await yard.send(lane, "work", [debt], die_at=next(points)), killed="killed")

    await on_lanes(yard, debts, kill)
    name = unquote(urlsplit(yard.database_url).path.removeprefix("/"))
    admin = await asyncpg.connect(yard.database_url, database="rsolv")
    try:
        await execute_in_time(admin, f"CREATE DATABASE {name}_copy TEMPLATE {name}")
        for ended in await yard.finish(debts):
            tally.note(ended)
        await execute_in_time(admin, f"DROP DATABASE {name} WITH (FORCE)")
        await execute_in_time(admin, f"ALTER DATABASE {name}_copy RENAME TO {name}")
    finally:
        await admin.close()
    return debts


async def _debts_of(yard: Yard) -> list[Debt]:
    async with yard.database() as database, database.reading() as connection:
        rows = await connection.fetch("SELECT customer_id, id FROM charge_intents ORDER BY id")
    return [Debt(row["customer_id"], row["id"]) for row in rows]


_WAYS: Mapping[str, Callable[[Yard, str, int, Tally], Awaitable[list[Debt]]]] = {
    acts.BEFORE_COMMIT: _acceptance_dies,
    acts.IN_COMMIT: _acceptance_dies,
    acts.AFTER_COMMIT: _acceptance_dies,
    acts.WEBHOOK_BEFORE_COMMIT: _handler_dies,
    "X15": _worker_freezes,
    "X17": _database_restored,
}
