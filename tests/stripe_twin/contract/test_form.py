"""
How pairs with brackets become hashes.
"""

import pytest

from stripe_twin.contract import RequestRefused
from stripe_twin.contract.form import nested


@pytest.mark.parametrize(
    ("pairs", "tree"),
    [
        ([("a", "1"), ("b", "")], {"a": "1", "b": ""}),
        ([("a[b][c]", "1"), ("a[b][d]", "2")], {"a": {"b": {"c": "1", "d": "2"}}}),
        ([("a[1][b]", "2"), ("a[0][b]", "1")], {"a": {"1": {"b": "2"}, "0": {"b": "1"}}}),
        ([("a[]", "1"), ("a[]", "2")], {"a": {"0": "1", "1": "2"}}),
        (
            [("a[][b]", "1"), ("a[][c]", "2"), ("a[][b]", "3")],
            {"a": {"0": {"b": "1", "c": "2"}, "1": {"b": "3"}}},
        ),
        ([("a", "1"), ("a", "2")], {"a": "2"}),
    ],
    ids=["flat", "hashes", "positions", "appended", "appended hashes", "repeated"],
)
def test_brackets_in_names_become_hashes(pairs, tree):
    """
    Each pair of brackets is one level; empty ones count on.
    """
    assert nested(pairs) == tree


@pytest.mark.parametrize(
    "pairs",
    [
        [("a[b", "1")],
        [("a]b", "1")],
        [("[a]", "1")],
        [("a[b]c", "1")],
        [("a[[b]]", "1")],
        [("a", "1"), ("a[b]", "1")],
        [("a[b]", "1"), ("a", "1")],
        [("a[b]", "1"), ("a[b][c]", "1")],
    ],
)
def test_brackets_that_make_no_sense_are_refused(pairs):
    """
    Brackets match, and a name is either a value or a hash; the refusal names the pair.
    """
    with pytest.raises(RequestRefused) as refused:
        nested(pairs)

    assert refused.value.param == pairs[-1][0]
