"""
How much goes back with a part of a payment, held against exact fractions.
"""

from fractions import Fraction
from itertools import pairwise
from math import floor

from hypothesis import given
from hypothesis import strategies as st

from rsolv.reversals.rules import Share, Source, credits_due, money_moves, receivable_cents, shares

PAID = st.integers(min_value=1, max_value=10_000_000)
CREDITS = st.integers(min_value=0, max_value=1_000)


def bought(paid_cents: int, credits_granted: int) -> Source:
    """
    Return a payment that bought so many credits.
    """
    return Source(
        kind="charge",
        id=1,
        paid_cents=paid_cents,
        currency="usd",
        credits_granted=credits_granted,
        grant_posting_id=1,
    )


@st.composite
def parts(draw: st.DrawFn) -> tuple[Source, list[int]]:
    """
    Draw a payment, and parts of it that do not exceed it.
    """
    source = bought(draw(PAID), draw(CREDITS))
    cuts = draw(st.lists(st.integers(min_value=1, max_value=source.paid_cents), max_size=6, unique=True))
    edges = [0, *sorted(cuts)]
    return source, [after - before for before, after in pairwise(edges)]


@given(parts())
def test_credits_due_for_parts_sum_to_the_share_of_the_whole(drawn: tuple[Source, list[int]]) -> None:
    """
    However it is cut, what is due after each part is the exact fraction of all parts so far, rounded down.
    """
    source, amounts = drawn

    found = shares(source, amounts, credits_takable=source.credits_granted)

    for count in range(len(amounts) + 1):
        exact = Fraction(source.credits_granted * sum(amounts[:count]), source.paid_cents)
        assert sum(share.credits_due for share in found[:count]) == floor(exact)


@given(parts(), st.integers(min_value=0, max_value=1_000))
def test_no_share_takes_more_than_is_due_or_there(drawn: tuple[Source, list[int]], takable: int) -> None:
    """
    All take what is there until what is due is taken; who came first is satisfied first.
    """
    source, amounts = drawn

    found = shares(source, amounts, credits_takable=takable)

    due = sum(share.credits_due for share in found)
    assert all(0 <= share.credits_taken <= share.credits_due for share in found)
    assert sum(share.credits_taken for share in found) == min(due, takable)


@given(amount=PAID, due=st.integers(min_value=0, max_value=1_000), data=st.data())
def test_what_is_owed_is_the_part_of_the_money_that_was_spent(amount: int, due: int, data: st.DataObject) -> None:
    """
    Rounded down, in the customer's favour; all of it when all is spent.
    """
    taken = data.draw(st.integers(min_value=0, max_value=due))

    owed = receivable_cents(amount, due=due, taken=taken)

    assert owed == floor(Fraction(amount * (due - taken), max(due, 1)))
    assert 0 <= owed <= amount


@given(amount=PAID, data=st.data())
def test_the_money_of_a_reversal_sums_to_nothing(amount: int, data: st.DataObject) -> None:
    """
    Whatever part of it is owed; accounts that do not move are left out.
    """
    owed = data.draw(st.integers(min_value=0, max_value=amount))

    moves = money_moves("dispute", amount_cents=amount, receivable_cents=owed)

    assert sum(moves.values()) == 0
    assert moves["processor"] == -amount
    assert moves.get("receivable", 0) == owed
    assert 0 not in moves.values()
    assert len(moves) >= 2


def test_the_last_cent_takes_the_last_credit() -> None:
    """
    Sixty credits for 599 dollars: a cent less than all leaves one with the customer.
    """
    source = bought(59_900, 60)

    assert [credits_due(source, cents) for cents in (0, 998, 999, 29_950, 59_899, 59_900)] == [0, 0, 1, 30, 59, 60]


def test_a_payment_that_bought_nothing_is_due_no_credits() -> None:
    """
    So nothing is owed for it either.
    """
    assert shares(bought(2_900, 0), [2_900], credits_takable=0) == [Share(0, 0, 0)]
