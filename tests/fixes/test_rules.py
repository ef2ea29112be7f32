"""
Which phase result is a fix to bill; no database.
"""

import pytest

from rsolv.fixes import Repository, is_billable
from rsolv.fixes.rules import PHASES


@pytest.mark.parametrize("data", [{"fixed": True}, {"status": "success"}, {"fixed": None, "status": "success"}])
def test_a_mitigation_that_fixed_is_billed(data: dict[str, object]) -> None:
    """
    It says fixed, or, in older words and without a contrary one, status success.
    """
    assert is_billable("mitigate", data)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"fixed": False},
        {"fixed": "true"},
        {"fixed": 1},
        {"fixed": [True]},
        {"Fixed": True},
        {"status": "Success"},
        {"status": True},
        {"success": True},
        {"fixed": False, "status": "success"},
        {"nested": {"fixed": True}},
    ],
)
def test_a_mitigation_that_does_not_plainly_say_so_is_free(data: dict[str, object]) -> None:
    """
    In doubt nothing is billed: only the word itself counts, and a contrary word wins.
    """
    assert not is_billable("mitigate", data)


@pytest.mark.parametrize("phase", [phase for phase in PHASES if phase != "mitigate"])
def test_other_phases_are_free_whatever_they_say(phase: str) -> None:
    """
    Scanning and validating cost nothing.
    """
    assert not is_billable(phase, {"fixed": True, "status": "success"})


def test_a_repository_is_written_as_owner_and_name() -> None:
    """
    The way people and ledgers name it.
    """
    assert str(Repository("acme", "shop")) == "acme/shop"
