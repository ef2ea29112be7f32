"""
What the size budgets measure, and when they say no.
"""

from pathlib import Path, PurePosixPath

import pytest

from tools.lint.sizes import BUDGETS, Budget, exceeded, figures, measure, percentile_95
from tools.lint.source import Source

SMALL = Budget("lines of a source file", p95_max=10, never_above=20)


def source(path: str, text: str) -> Source:
    """
    Make a file that stands nowhere.
    """
    return Source(Path(), PurePosixPath(path), text)


@pytest.mark.parametrize(
    ("what", "size"),
    [
        ("lines of a source file", 4),
        ("lines of a source function", 3),
        ("lines of a room", 4),
        ("positional parameters", 2),
        ("branches in a function", 2),
    ],
)
def test_everything_with_a_budget_is_measured(what, size):
    """
    Lines are physical lines; self and keyword-only parameters are not counted.
    """
    text = "class A:\n    def f(self, a, b, *, c):\n        for x in c:\n            if a: return b\n"

    measured = measure([source("src/rsolv/ledger/service.py", text)])

    assert list(measured[what].values()) == [size]


def test_tests_have_budgets_of_their_own():
    """
    A test file and the functions in it do not count as source; its fixtures may be many.
    """
    measured = measure([source("tests/test_x.py", "def test_x(a, b, c, d, e, f):\n    assert a\n")])

    assert list(measured["lines of a test file"].values()) == [2]
    assert list(measured["lines of a test function"].values()) == [2]
    assert list(measured["positional parameters"].values()) == [0]
    assert measured["lines of a source file"] == {}


def test_a_room_is_all_its_files():
    """
    The lines of a noun are summed over its files; surfaces and the kernel have no such budget.
    """
    paths = [
        "src/rsolv/ledger/rules.py",
        "src/rsolv/ledger/service/a.py",
        "src/rsolv/api/a.py",
        "src/rsolv/kernel/a.py",
    ]

    measured = measure([source(path, "x = 1\ny = 2\n") for path in paths])

    assert measured["lines of a room"] == {"src/rsolv/ledger": 4}


def test_migrations_and_other_languages_are_left_out():
    """
    Only the Python that people change again is measured.
    """
    measured = measure([source("migrations/versions/0001_x.py", "x = 1\n"), source("docs/x.md", "x\n")])

    assert not any(measured.values())


def test_what_is_above_never_is_named():
    """
    One file above the limit fails the check, however small all the others are.
    """
    complaints = exceeded(SMALL, {f"small{number}.py": 5 for number in range(99)} | {"large.py": 21})

    assert len(complaints) == 1
    assert complaints[0].startswith("large.py: 21 lines of a source file, never above 20")


def test_a_growing_tail_fails_before_anything_is_huge():
    """
    The 95th percentile has a budget of its own, and the largest are named.
    """
    complaints = exceeded(SMALL, {f"{size}.py": size for size in range(1, 13)})

    assert len(complaints) == 1
    assert complaints[0].startswith("12 is the p95 of lines of a source file, at most 10. Largest: 12.py, 11.py")


def test_what_is_at_its_limits_passes():
    """
    A budget may be used up.
    """
    assert exceeded(SMALL, {f"small{number}.py": 10 for number in range(99)} | {"large.py": 20}) == []


@pytest.mark.parametrize("budget", BUDGETS, ids=lambda budget: budget.what)
def test_a_tree_with_nothing_to_measure_passes(budget):
    """
    What does not exist yet is not too large.
    """
    assert exceeded(budget, {}) == []
    assert figures(budget, {}).startswith("    0 | median    0")


def test_the_percentile_is_a_value_that_occurs():
    """
    Of a hundred it is the 95th, of a few the largest.
    """
    assert percentile_95(range(1, 101)) == 95
    assert percentile_95([1, 2, 40]) == 40
