"""
The ledger's decisions: what to draw from which bucket, and what undoes a posting.
"""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsolv.ledger.rules import (
    EntryToPost,
    Finding,
    PostedEntry,
    breached,
    draws_taking,
    entries_undoing,
    shortage_in_undoing,
)

BUCKETS = st.lists(st.integers(min_value=0, max_value=1_000), max_size=12).map(
    lambda amounts: list(enumerate(amounts, start=1))
)


@pytest.mark.parametrize(
    ("credits_taken", "expected"),
    [
        pytest.param(0, [], id="nothing"),
        pytest.param(2, [(1, -2)], id="part-of-the-first"),
        pytest.param(3, [(1, -3)], id="the-first-exactly"),
        pytest.param(4, [(1, -3), (3, -1)], id="an-empty-bucket-is-passed-over"),
        pytest.param(8, [(1, -3), (3, -5)], id="everything"),
        pytest.param(9, [(1, -3), (3, -5)], id="more-than-there-is-takes-what-there-is"),
    ],
)
def test_draws_are_taken_bucket_by_bucket_in_the_given_order(
    credits_taken: int, expected: list[tuple[int, int]]
) -> None:
    """
    A bucket is emptied before the next is touched.
    """
    draws = draws_taking(credits_taken, [(1, 3), (2, 0), (3, 5)])

    assert draws == [EntryToPost("available", amount, grant_id) for grant_id, amount in expected]


@given(credits_taken=st.integers(min_value=0, max_value=20_000), buckets=BUCKETS)
def test_draws_never_create_or_lose_credits(credits_taken: int, buckets: list[tuple[int, int]]) -> None:
    """
    Draws sum to what is taken, or to everything where the buckets do not reach, and no bucket gives more than it has.
    """
    draws = draws_taking(credits_taken, buckets)

    remaining = dict(buckets)
    assert -sum(draw.amount for draw in draws) == min(credits_taken, sum(remaining.values()))
    assert all(0 < -draw.amount <= remaining[draw.grant_id or 0] for draw in draws)
    assert len({draw.grant_id for draw in draws}) == len(draws)


@given(credits_taken=st.integers(min_value=1, max_value=20_000), buckets=BUCKETS)
def test_only_the_last_bucket_drawn_on_may_be_left_with_something(
    credits_taken: int, buckets: list[tuple[int, int]]
) -> None:
    """
    All buckets before the last one drawn on are empty afterwards, so that the order of spending is exact.
    """
    draws = draws_taking(credits_taken, buckets)

    remaining = dict(buckets)
    assert all(remaining[draw.grant_id or 0] + draw.amount == 0 for draw in draws[:-1])


@given(credits_taken=st.integers(min_value=1, max_value=20_000), buckets=BUCKETS)
def test_undoing_a_consumption_moves_exactly_the_opposite(credits_taken: int, buckets: list[tuple[int, int]]) -> None:
    """
    Each entry of a consumption is answered by its negation in the same account and grant: the two sum to nothing.
    """
    draws = draws_taking(credits_taken, buckets)
    taken = -sum(draw.amount for draw in draws)
    posting = [PostedEntry("available", draw.grant_id, draw.amount, 0) for draw in draws]
    posting.append(PostedEntry("consumed", None, taken, None))

    undoing = entries_undoing(posting)

    assert undoing == [EntryToPost(entry.account_kind, -entry.amount, entry.grant_id) for entry in posting]
    assert sum(entry.amount for entry in undoing) == 0


@given(granted=st.integers(min_value=1, max_value=10_000), share=st.fractions(min_value=0, max_value=1))
def test_undoing_a_grant_takes_back_what_is_unspent_and_no_more(granted: int, share: Fraction) -> None:
    """
    What is left of the grant goes from available to reversed; the sum is zero, and what was spent stays spent.
    """
    remaining = int(granted * share)
    posting = [PostedEntry("issued", None, -granted, None), PostedEntry("available", 7, granted, remaining)]

    undoing = entries_undoing(posting)

    assert sum(entry.amount for entry in undoing) == 0
    assert {(entry.account_kind, entry.grant_id): entry.amount for entry in undoing if entry.amount} == (
        {("available", 7): -remaining, ("reversed", None): remaining} if remaining else {}
    )


def test_undoing_a_wholly_spent_grant_takes_nothing() -> None:
    """
    Where nothing is left there is no entry to post.
    """
    posting = [PostedEntry("available", 7, 5, 0), PostedEntry("issued", None, -5, None)]

    assert entries_undoing(posting) == []


def test_undoing_a_taken_back_grant_gives_it_again() -> None:
    """
    A reversal can be undone like any other move, into the same grant.
    """
    posting = [PostedEntry("available", 7, -5, 0), PostedEntry("reversed", None, 5, None)]

    assert entries_undoing(posting) == [EntryToPost("available", 5, 7), EntryToPost("reversed", -5)]


def test_only_findings_with_breaches_are_breached() -> None:
    """
    A finding with no breach is good news however much was checked.
    """
    fine = Finding("L-1", "it balances", checked=5, breaches=0)
    broken = Finding("L-2", "it stays", checked=5, breaches=1, example="posting 3")

    assert breached([fine, broken]) == [broken]


@given(credits_taken=st.integers(min_value=1, max_value=300))
def test_planted_bug_drawing_whole_buckets_would_be_noticed(credits_taken: int) -> None:
    """
    A draw that empties every bucket it touches takes more than was asked for, and the sum tells.
    """
    buckets = [(1, 301), (2, 5)]
    careless = [EntryToPost("available", -remaining, grant_id) for grant_id, remaining in buckets]

    assert -sum(draw.amount for draw in careless) != credits_taken
    assert -sum(draw.amount for draw in draws_taking(credits_taken, buckets)) == credits_taken


@pytest.mark.parametrize(
    ("left", "expected"),
    [((4, 1), None), ((9, 9), None), ((3, 1), (5, 4)), ((4, 0), (5, 4)), ((9, 0), (5, 9))],
    ids=["just-enough", "more-than-enough", "one-short", "the-other-short", "only-in-another-grant"],
)
def test_consuming_again_what_was_given_back_needs_it_in_the_same_grants(
    left: tuple[int, int], expected: tuple[int, int] | None
) -> None:
    """
    Undoing a reversed consumption draws on the grants it had flowed back to, and on no others.
    """
    entries = [
        PostedEntry("available", 1, 4, left[0]),
        PostedEntry("available", 2, 1, left[1]),
        PostedEntry("consumed", None, -5, None),
    ]

    assert shortage_in_undoing(entries_undoing(entries), entries) == expected
