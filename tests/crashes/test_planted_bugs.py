"""
The proof can fail: whoever leaves a safeguard out is found by the same processes, kills and judge.
"""

from dataclasses import replace

import pytest

from crashes.deadlines import TEST_SECONDS
from crashes.judge import DebtAsStored, Facts, MoneyPosted, PaidAtStripe, judge
from crashes.planted import BUG_OF, BUG_OF_RACES, BUG_OF_TIMEOUTS, BUGS, DEBTS, plant
from crashes.ways import POINTS
from crashes.yard import Yard

pytestmark = pytest.mark.timeout(TEST_SECONDS)

PAID = Facts(
    works=1,
    debts=[
        DebtAsStored(
            customer_id=7,
            charge_id=1,
            amount_cents=2_900,
            debt_state="paid",
            charge_state="succeeded",
            fix_state="consumed",
            credits_purchased=1,
            credits_consumed=1,
            is_forgotten=False,
        )
    ],
    paid=[PaidAtStripe("pi_1", 7, 1, 2_900)],
    charges_at_stripe=1,
    posted=[MoneyPosted(1, 7, 1, "pi_1", 2_900)],
    breaches=[],
)
DROPPED = replace(
    PAID,
    debts=[
        replace(PAID.debts[0], debt_state="canceled", charge_state="canceled", credits_purchased=0, credits_consumed=0)
    ],
    paid=[],
    charges_at_stripe=0,
    posted=[],
    may_be_canceled=True,
)
OF_ANOTHER = PaidAtStripe("pi_2", 7, 1, 2_900)


@pytest.mark.damages_books("each bug does its damage")
@pytest.mark.parametrize("bug", list(BUGS))
async def test_a_planted_bug_is_caught(yard: Yard, bug: str) -> None:
    """
    A deliberately wrong way of charging is seen by the judge, in the column that is meant for it.
    """
    caught = await plant(yard, bug)

    assert caught.tally.kills == DEBTS
    assert len(caught.findings) >= 1, caught


def test_every_crash_point_has_its_planted_bug() -> None:
    """
    No row of the table is without a way to fail.
    """
    assert set(BUG_OF) == set(POINTS)
    assert {*BUG_OF.values(), BUG_OF_RACES, BUG_OF_TIMEOUTS} == set(BUGS)


def test_the_judge_finds_nothing_where_all_is_well() -> None:
    """
    One debt, one payment, one posting; or, where a debt may be dropped, none of them.
    """
    assert judge(PAID).findings == ()
    assert judge(DROPPED).findings == ()


@pytest.mark.parametrize(
    ("facts", "column"),
    [
        pytest.param(replace(PAID, paid=[], charges_at_stripe=0), "lost_charges", id="lost"),
        pytest.param(replace(PAID, debts=[]), "lost_charges", id="no debt"),
        pytest.param(replace(PAID, debts=[replace(PAID.debts[0], debt_state="open")]), "lost_charges", id="open"),
        pytest.param(replace(PAID, paid=[*PAID.paid, OF_ANOTHER]), "double_charges", id="double"),
        pytest.param(replace(PAID, charges_at_stripe=2), "double_charges", id="charge without payment"),
        pytest.param(replace(PAID, posted=[]), "unexplained_payments", id="not posted"),
        pytest.param(replace(PAID, posted=[*PAID.posted, *PAID.posted]), "unexplained_payments", id="posted twice"),
        pytest.param(
            replace(PAID, posted=[*PAID.posted, MoneyPosted(2, 7, 1, "pi_9", 2_900)]),
            "unexplained_payments",
            id="posted, not paid",
        ),
        pytest.param(
            replace(PAID, posted=[replace(PAID.posted[0], amount_cents=2_800)]), "unexplained_payments", id="amount"
        ),
        pytest.param(
            replace(PAID, debts=[replace(PAID.debts[0], credits_purchased=2)]), "breaches", id="credits twice"
        ),
        pytest.param(replace(PAID, debts=[replace(PAID.debts[0], is_forgotten=True)]), "breaches", id="forgotten"),
        pytest.param(replace(DROPPED, may_be_canceled=False), "lost_charges", id="dropped by nobody"),
        pytest.param(
            replace(DROPPED, paid=PAID.paid, charges_at_stripe=1, posted=PAID.posted),
            "lost_charges",
            id="dropped, paid",
        ),
        pytest.param(
            replace(DROPPED, debts=[replace(DROPPED.debts[0], credits_purchased=1)]), "breaches", id="dropped, credited"
        ),
        pytest.param(replace(PAID, breaches=["L-3"]), "breaches", id="invariant"),
    ],
)
def test_the_judge_names_what_is_wrong(facts: Facts, column: str) -> None:
    """
    Each kind of wrong stands in its own column.
    """
    assert getattr(judge(facts), column) != ()
