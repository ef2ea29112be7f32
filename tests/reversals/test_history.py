"""
Whatever happens to a payment, in any order: the books end where exact fractions say.
"""

import itertools
from fractions import Fraction
from math import floor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from charges.stage import Stage
from reversals.billed import Billed
from reversals.taking import PRICE, Taking
from rsolv import reversals

pytestmark = pytest.mark.damages_books("what is disputed here is known to no dispute", "D-3")

IDS = [("refund", "re_1"), ("refund", "re_2"), ("refund", "re_3"), ("dispute", "dp_1")]
AMOUNTS = {"re_1": 967, "re_2": 1_450, "re_3": PRICE, "dp_1": 483}
ACTS = st.lists(
    st.tuples(st.sampled_from(["take", "take", "take", "restore", "spend", "unspend"]), st.sampled_from(IDS)),
    max_size=12,
)
_numbers = itertools.count(1)


class History:
    """
    A charge of sixty credits, what is done to it, and a plain model of what must come of it.
    """

    def __init__(self, taking: Taking, suffix: str) -> None:
        self.taking = taking
        self.suffix = suffix
        self.live: dict[str, int] = {}
        self.ended: set[str] = set()
        self.spent: list[int] = []
        self.acts = {
            "take": self.take,
            "restore": self.restore,
            "spend": self.spend,
            "unspend": self.unspend,
        }

    async def take(self, kind: Any, name: str) -> None:
        """
        Take its amount back, if that is left.
        """
        fits = sum(self.live.values()) + AMOUNTS[name] <= PRICE
        try:
            await self.taking.take(AMOUNTS[name], name + self.suffix, kind=kind)
        except reversals.ReversalExceedsPayment:
            assert not fits
            assert name not in self.live.keys() | self.ended
        else:
            self.live |= {each: AMOUNTS[each] for each in {name} - self.ended}

    async def restore(self, kind: Any, name: str) -> None:
        """
        Restore it, if it took anything.
        """
        restored = await self.taking.restore(name + self.suffix, kind=kind)
        assert (restored is not None) == (name in self.live.keys() | self.ended)
        self.ended |= self.live.keys() & {name}
        self.live.pop(name, None)

    async def spend(self, _kind: Any, _name: str) -> None:
        """
        Spend seven credits, or as many as there are.
        """
        credits = min(7, (await self.taking.credits())[0])
        self.spent += [(await self.taking.spend(each)).posting_id for each in [credits] if each]

    async def unspend(self, _kind: Any, _name: str) -> None:
        """
        Undo the last consumption.
        """
        for posting_id in [self.spent.pop() for _ in self.spent[-1:]]:
            await self.taking.unspend(posting_id)

    async def check(self) -> None:
        """
        Insist that as much is taken as exact fractions say is due and as is not spent.
        """
        taken_back = sum(self.live.values())
        due = floor(Fraction(60 * taken_back, PRICE))
        row = await self.taking.stage.owner.fetchrow(
            """
            SELECT coalesce(sum(r.credits_due), 0) AS due, coalesce(sum(r.credits_taken), 0) AS taken,
                   coalesce(sum(r.receivable_cents), 0) AS owed
            FROM reversals r WHERE r.source_kind = $1 AND r.source_id = $2 AND r.state = 'taken'
            """,
            self.taking.paid.kind,
            self.taking.paid.id,
        )
        charge = await self.taking.charge()
        available = (await self.taking.credits())[0]
        assert row["due"] == due
        assert row["taken"] == due or available == 0
        assert (row["owed"] == 0) or row["taken"] < due
        assert charge.amount_refunded_cents + charge.amount_disputed_cents == taken_back
        assert await self.taking.breaches() == []


async def live_through(taking: Taking, acts: list[tuple[str, tuple[str, str]]], *, suffix: str) -> None:
    """
    Do all of it, and look after each step.
    """
    history = History(taking, suffix)
    for act, (kind, name) in acts:
        await history.acts[act](kind, name)
        await history.check()


@given(acts=ACTS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_order_of_refunds_disputes_and_fixes_keeps_every_promise(
    stage: Stage, acts: list[tuple[str, tuple[str, str]]]
) -> None:
    """
    Repeats, failures, credits that are spent and flow back, more than is left: after each step all figures are exact.
    """
    await Taking(stage, 0).empty()
    charge_id = await stage.fix()
    await stage.finish(charge_id)
    taking = Taking(stage, charge_id)
    await taking.make_it_sixty()

    await live_through(taking, acts, suffix=f"_{charge_id}")


@given(acts=ACTS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_order_keeps_every_promise_about_an_invoice_too(
    billed: Billed, acts: list[tuple[str, tuple[str, str]]]
) -> None:
    """
    The same of sixty credits that a subscription brought.
    """
    await billed.empty()
    number = next(_numbers)

    await live_through(await billed.another(number), acts, suffix=f"_{number}")
