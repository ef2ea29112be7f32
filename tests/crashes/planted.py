"""
The planted bugs: for each row of the table a way to be wrong, and the column in which the judge must see it.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from crashes.errands import Ended
from crashes.facts import gather
from crashes.judge import Verdict, judge
from crashes.lane import Lane
from crashes.ways import UNCERTAIN_ACCEPTANCE, UNCERTAIN_WORK, Tally, on_lanes
from crashes.weather import SHORT_PATIENCE_SECONDS
from crashes.yard import Debt, Yard

DEBTS = 4


@dataclass(frozen=True)
class Planted:
    """
    A bug: how it is played, and the column of the verdict that has to name it.
    """

    play: Callable[[Yard, Tally], Awaitable[None]]
    column: str


@dataclass(frozen=True)
class Caught:
    """
    What came of a planted bug: what the judge said in its column, and how many processes died for it.
    """

    findings: tuple[str, ...]
    tally: Tally
    verdict: Verdict


async def plant(yard: Yard, name: str) -> Caught:
    """
    Play a bug in a yard in which nothing has happened yet, and judge it as everything is judged.
    """
    planted, tally = BUGS[name], Tally(works=DEBTS)
    await planted.play(yard, tally)
    verdict = judge(await gather(yard, works=tally.works))
    return Caught(getattr(verdict, planted.column), tally, verdict)


async def _twice(yard: Yard, tally: Tally, act: str) -> None:
    """
    Kill who charges once Stripe was paid, and let another one charge in the same wrong way.
    """

    async def charge(lane: Lane, debt: Debt) -> None:
        tally.note(await yard.send(lane, act, [debt], die_at="X10"), killed="killed")
        tally.note(await yard.send(lane, act, [debt]))

    await on_lanes(yard, await yard.open_debts(DEBTS), charge)


async def _one_step(yard: Yard, tally: Tally) -> None:
    await yard.control("POST", "idempotency", {"on": False})
    await _twice(yard, tally, "pay in one step")


async def _new_key(yard: Yard, tally: Tally) -> None:
    await _twice(yard, tally, "pay with a new key")


async def _blind(yard: Yard, tally: Tally) -> None:
    async def settle(lane: Lane, debt: Debt) -> None:
        tally.note(await yard.send(lane, "work", [debt], die_at="X10"))
        tally.note(await yard.send(lane, "settle blindly", [debt], die_at="X12"), killed="killed")
        tally.note(await yard.send(lane, "settle blindly", [debt]))

    await on_lanes(yard, await yard.open_debts(DEBTS), settle)


async def _unfenced(yard: Yard, tally: Tally) -> None:
    debts = await yard.open_debts(DEBTS)
    frozen: list[tuple[Lane, int]] = []

    async def freeze(lane: Lane, debt: Debt) -> None:
        tally.note(await yard.send(lane, "work", [debt], die_at="X10"))
        frozen.append((lane, tally.note(await yard.send(lane, "settle blindly", [debt], freeze_at="X10")).pid))

    await on_lanes(yard, debts, freeze)
    await yard.finish(debts)
    for lane, pid in frozen:
        tally.note(await yard.send(lane, "thaw", pid=pid), killed="left")


async def _raced(yard: Yard, tally: Tally) -> None:
    async def race(lane: Lane, debt: Debt) -> None:
        tally.note(await yard.send(lane, "race without lease", [debt]), killed="left")

    await on_lanes(yard, await yard.open_debts(DEBTS), race)


async def _early(yard: Yard, tally: Tally) -> None:
    async def settle(lane: Lane, debt: Debt) -> None:
        tally.note(await yard.send(lane, "work", [debt], die_at="X7"))
        tally.note(await yard.send(lane, "settle early", [debt], die_at="X9"), killed="killed")

    await on_lanes(yard, await yard.open_debts(DEBTS), settle)


async def _abandoned(yard: Yard, tally: Tally) -> None:
    async def kill(lane: Lane, debt: Debt) -> None:
        tally.note(await yard.send(lane, "work", [debt], die_at="X4"), killed="killed")

    await on_lanes(yard, await yard.open_debts(DEBTS), kill)


async def _accepted_anew(yard: Yard, tally: Tally) -> None:
    """
    Have the same fix accepted under two identities, because the first answer was lost.
    """
    for _ in range(DEBTS):
        tally.note(await _accept(yard, die_at="X2"), killed="killed")
        tally.note(await _accept(yard))


async def _commit_disbelieved(yard: Yard, tally: Tally) -> None:
    """
    Take a commit whose connection was lost for one that failed, and have the fix accepted under another identity.
    """
    for _ in range(DEBTS):
        tally.note_uncertain(await _accept(yard, commit_cut=1))
        tally.note(await _accept(yard))


async def _accept(yard: Yard, **more: Any) -> Ended:
    payer = yard.payers[0]
    return await yard.send(
        yard.lanes[0],
        "accept",
        issue_number=yard.next_issue(),
        customer_id=payer.customer_id,
        api_key_id=payer.api_key_id,
        **more,
    )


async def _posting_disbelieved(yard: Yard, tally: Tally) -> None:
    async def settle(lane: Lane, debt: Debt) -> None:
        tally.note(await yard.send(lane, "work", [debt], die_at="X10"))
        tally.note_uncertain(await yard.send(lane, "settle blindly", [debt], commit_cut=1))
        tally.note(await yard.send(lane, "settle blindly", [debt]))

    await on_lanes(yard, await yard.open_debts(DEBTS), settle)


async def _timeout_disbelieved(yard: Yard, tally: Tally) -> None:
    """
    Take a call that timed out for one that was not executed.
    """
    debts = await yard.open_debts(DEBTS)
    await yard.control("POST", "faults", [{"kind": "timeout_after", "times": DEBTS}])
    yard.patience_seconds = SHORT_PATIENCE_SECONDS
    for debt in debts:
        tally.note(await yard.send(yard.lanes[0], "pay with a new key", [debt]), killed="failed")
    await yard.calm_down()
    for debt in debts:
        tally.note(await yard.send(yard.lanes[0], "pay with a new key", [debt]))


BUGS: Mapping[str, Planted] = {
    "the same fix accepted anew": Planted(_accepted_anew, "double_charges"),
    "a lost commit taken for none": Planted(_commit_disbelieved, "double_charges"),
    "a lost posting made again": Planted(_posting_disbelieved, "unexplained_payments"),
    "a timeout taken for a refusal": Planted(_timeout_disbelieved, "double_charges"),
    "a debt that nobody goes on with": Planted(_abandoned, "lost_charges"),
    "create and confirm in one step": Planted(_one_step, "double_charges"),
    "settle before confirm": Planted(_early, "unexplained_payments"),
    "a new key for each try": Planted(_new_key, "double_charges"),
    "settle without compare-and-set": Planted(_blind, "unexplained_payments"),
    "settle without fence": Planted(_unfenced, "unexplained_payments"),
    "two workers without a lease": Planted(_raced, "double_charges"),
}
BUG_OF: Mapping[str, str] = {
    **dict.fromkeys(("X0", "X1", "X2"), "the same fix accepted anew"),
    **dict.fromkeys(("X3", "X4"), "a debt that nobody goes on with"),
    **dict.fromkeys(("X5", "X6", "X17"), "create and confirm in one step"),
    **dict.fromkeys(("X7", "X8"), "settle before confirm"),
    **dict.fromkeys(("X9", "X10"), "a new key for each try"),
    **dict.fromkeys(("X11", "X12", "X13", "X14"), "settle without compare-and-set"),
    "X15": "settle without fence",
    UNCERTAIN_ACCEPTANCE: "a lost commit taken for none",
    UNCERTAIN_WORK: "a lost posting made again",
}
"""
Which bug stands for each crash point: what would go wrong there if that safeguard were missing.
"""
BUG_OF_TIMEOUTS = "a timeout taken for a refusal"
BUG_OF_RACES = "two workers without a lease"
BUG_OF_SERVER_KILLS = "commits that are not waited for"
