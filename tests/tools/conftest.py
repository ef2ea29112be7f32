"""
What the tests of the checks share.
"""

from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from tools.lint.check import Finding, findings
from tools.lint.source import Source

CATALOGUE = """
[plans.pro]
monthly_price_cents = 59900
fix_price_cents = 1500
period_credits = 60
"""

Ask = Callable[[str, str], list[Finding]]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """
    Ask every rule about a text at a path of a repository that has a catalogue.
    """
    (tmp_path / "catalog.toml").write_text(CATALOGUE)
    return lambda path, text: findings(Source(tmp_path, PurePosixPath(path), text))


@pytest.fixture
def broken(ask: Ask) -> Callable[[str, str], set[str]]:
    """
    Name the rules that a text breaks.
    """
    return lambda path, text: {finding.rule for finding in ask(path, text)}
