"""
The demonstration: the whole journey against a real web process.
"""

import json
from collections.abc import Iterator

import pytest

from cli.conftest import Rsolv
from cli.programs import serving


@pytest.fixture(scope="module")
def base_url(shared_url: str) -> Iterator[str]:
    """
    A web process over the shared database.
    """
    with serving(shared_url) as url:
        yield url


def test_the_sixth_fix_is_blocked_and_the_books_are_right(rsolv: Rsolv, base_url: str) -> None:
    """
    Five fixes consume the five credits; the sixth is blocked, and every invariant holds.
    """
    result = rsolv("demo", "--url", base_url, "--json")

    played = json.loads(result.stdout)
    fixes = [step["outcome"] for step in played["steps"] if step["step"].startswith("mitigation")]
    assert (result.exit_code, result.stderr, len(fixes)) == (0, "", 6)
    assert [outcome.split(",")[0] for outcome in fixes[:5]] == ["consumed"] * 5
    assert fixes[5].startswith("blocked")
    assert [move["amount"] for move in played["transactions"]] == [-1] * 5 + [5]
    assert {finding["breaches"] for finding in played["invariants"]} == {0}


def test_a_person_sees_the_steps_and_a_green_verdict(rsolv: Rsolv, base_url: str) -> None:
    """
    Each step is a line, and the last line says that all invariants hold.
    """
    result = rsolv("demo", "--url", base_url)

    assert result.exit_code == 0
    assert "mitigation of issue 6" in result.stdout
    assert result.stdout.splitlines()[-1].endswith("invariants hold.")
    assert "✗" not in result.stdout


def test_a_server_that_refuses_a_step_is_told_with_its_answer(rsolv: Rsolv, base_url: str) -> None:
    """
    The demonstration ends with 7 and says which request was answered how.
    """
    result = rsolv("demo", "--url", f"{base_url}/nowhere", "--json")

    assert result.exit_code == 7
    assert "answered 404" in json.loads(result.stderr)["error"]
