"""
How each crash point is tried: who dies there or loses a connection, and who repeats what he did not hear the end of.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args
from urllib.parse import unquote, urlsplit

import asyncpg

from crashes import acts
from crashes.errands import CommitFate, Ended, Fate
from crashes.ground import execute_in_time
from crashes.lane import Lane
from crashes.racers import is_busy
from crashes.yard import Debt, Yard
from rsolv import charges

WORKER_POINTS = charges.POINTS
RESTORED_FROM = ("X7", "X8", "X9")
FROZEN_AT = ("X9", "X10", "X4", "X5", "X7")  # not in a transaction: PostgreSQL ends one that idles for 10 s
COMMIT_FATES: tuple[CommitFate, ...] = get_args(CommitFate)
WORKERS_COMMITS = 4  # claim, store, arm, settle
UNCERTAIN_ACCEPTANCE, UNCERTAIN_WORK = "X1 uncertain", "X12 uncertain"

POINTS: Mapping[str, str] = {
    "X0": "accepting a fix, before its commit",
    "X1": "accepting a fix, its commit sent and not answered",
    UNCERTAIN_ACCEPTANCE: "accepting a fix, the connection lost in its commit; who accepts lives, and does not know",
    "X2": "accepting a fix, after its commit and before the client is told",
    **WORKER_POINTS,
    UNCERTAIN_WORK: "the connection lost in one of the worker's commits; it lives, and does not know",
    "X14": "an event was stored, and its handler dies before its commit",
    "X15": "the worker freezes, another one settles, the first goes on",
    "X17": "the database is restored from before the settling",
}


@dataclass
class Tally:
    """
    What a run has done: how many processes ended as they were to, what became of all, how many fixes were to be paid.

    Processes for which the database was away are no complaint: the product says so, and another one goes on. On a
    machine that is very busy there may be some in any weather.
    """

    kills: int = 0
    works: int = 0
    unavailable: int = 0
    fates: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)

    def note(self, ended: Ended, *, killed: Fate | None = None) -> Ended:
        """
        Count what became of a process, as one of the kills if it ended as it was to.
        """
        self.kills += ended.fate == killed
        self.fates[ended.fate] += 1
        if is_unavailable(ended):
            self.unavailable += 1
        elif ended.fate == "failed":
            self.complaints += ended.said
        return ended

    def note_uncertain(self, ended: Ended) -> Ended:
        """
        Count a process that does not know what became of its commit, and says that in the product's own word.
        """
        self.kills += is_unavailable(ended)
        return self.note(ended)


def is_unavailable(ended: Ended) -> bool:
    """
    Tell whether a process ended because the database was away or busy; two that wait for each other are not that.
    """
    return ended.fate == "failed" and is_busy(ended.said[0])


async def on_lanes(yard: Yard, items: Sequence[Debt], do: Callable[[Lane, Debt], Awaitable[None]]) -> None:
    """
    Do something for each item, on all lanes at once.
    """

    async def serve(lane: Lane, share: Sequence[Debt]) -> None:
        for item in share:
            await do(lane, item)

    shares = [items[number :: len(yard.lanes)] for number in range(len(yard.lanes))]
    await asyncio.gather(*(serve(lane, share) for lane, share in zip(yard.lanes, shares, strict=True)))


async def worker_dies(yard: Yard, point: str, kills: int, tally: Tally) -> list[Debt]:
    """
    Kill workers at the point.
    """
    debts = await yard.open_debts(kills)

    async def kill(lane: Lane, debt: Debt) -> None:
        tally.note(await yard.send(lane, "work", [debt], die_at=point), killed="killed")

    await on_lanes(yard, debts, kill)
    return debts


async def worker_loses_commit(yard: Yard, _point: str, kills: int, tally: Tally) -> list[Debt]:
    """
    Cut a worker's wire at its first, second, third or fourth commit, which is done, not done or either.
    """
    debts = await yard.open_debts(kills)
    cuts = itertools.cycle(itertools.product(range(1, WORKERS_COMMITS + 1), COMMIT_FATES))

    async def cut(lane: Lane, debt: Debt) -> None:
        due, fate = next(cuts)
        tally.note_uncertain(await yard.send(lane, "work", [debt], commit_cut=due, commit_fate=fate))

    await on_lanes(yard, debts, cut)
    return debts


async def acceptance_dies(yard: Yard, point: str, kills: int, tally: Tally) -> list[Debt]:
    """
    Kill who accepts a fix, or cut its wire; the client, who heard nothing good, reports it again.
    """
    fates = itertools.cycle(COMMIT_FATES)

    async def accept(lane: Lane, whose: int) -> None:
        payer = yard.payers[whose % len(yard.payers)]
        who: dict[str, Any] = {
            "issue_number": yard.next_issue(),
            "customer_id": payer.customer_id,
            "api_key_id": payer.api_key_id,
        }
        if point == UNCERTAIN_ACCEPTANCE:
            tally.note_uncertain(await yard.send(lane, "accept", commit_cut=1, commit_fate=next(fates), **who))
        else:
            tally.note(await yard.send(lane, "accept", die_at=point, **who), killed="killed")
        tally.note(await yard.send(lane, "accept", **who))

    async def serve(lane: Lane, first: int) -> None:
        for number in range(first, kills, len(yard.lanes)):
            await accept(lane, number)

    known = set(await _debts_of(yard))
    await asyncio.gather(*(serve(lane, first) for first, lane in enumerate(yard.lanes)))
    return [debt for debt in await _debts_of(yard) if debt not in known]


async def handler_dies(yard: Yard, point: str, kills: int, tally: Tally) -> list[Debt]:
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


async def worker_freezes(yard: Yard, _point: str, kills: int, tally: Tally) -> list[Debt]:
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


async def database_restored(yard: Yard, _point: str, kills: int, tally: Tally) -> list[Debt]:
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


WAYS: Mapping[str, Callable[[Yard, str, int, Tally], Awaitable[list[Debt]]]] = {
    **dict.fromkeys(WORKER_POINTS, worker_dies),
    **dict.fromkeys(
        (acts.BEFORE_COMMIT, acts.IN_COMMIT, acts.AFTER_COMMIT, UNCERTAIN_ACCEPTANCE),
        acceptance_dies,
    ),
    UNCERTAIN_WORK: worker_loses_commit,
    acts.WEBHOOK_BEFORE_COMMIT: handler_dies,
    "X15": worker_freezes,
    "X17": database_restored,
}
