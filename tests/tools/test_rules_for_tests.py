"""
The rules about tests: each with what it catches and, beside it, what it wants.
"""

import pytest

PATH = "tests/ledger/test_grant.py"

CASES = [
    # rule, what is caught, what is wanted
    ("test-names", "def test_valid(): ...", "def test_a_grant_is_kept(): ..."),
    ("test-names", "async def test_grant_works(): ...", "async def test_grant_is_kept(): ..."),
    ("test-names", "class TestX:\n    def test_basic(self): ...", "def testing(): ..."),
    ("no-patching-ourselves", "from unittest.mock import patch", "import unittest"),
    ("no-patching-ourselves", "from unittest import mock", "from unittest import TestCase"),
    ("no-patching-ourselves", "import mock", "import mockingbird"),
    ("no-patching-ourselves", "def test_x(mocker): ...", "def test_x(monkeypatch): ..."),
    (
        "no-patching-ourselves",
        "from rsolv import ledger\ndef test_x(monkeypatch):\n    monkeypatch.setattr(ledger, 'grant', None)",
        "def test_x(monkeypatch):\n    monkeypatch.setenv('BILLING_ENABLED', 'false')",
    ),
    (
        "no-patching-ourselves",
        "def test_x(monkeypatch):\n    monkeypatch.setattr('rsolv.ledger.grant', None)",
        "def test_x(monkeypatch):\n    monkeypatch.setattr('sys.platform', 'plan9')",
    ),
    ("no-sleep-in-tests", "import time\ntime.sleep(1)", "import time\ntime.monotonic()"),
    (
        "no-sleep-in-tests",
        "from asyncio import sleep\nasync def f():\n    await sleep(pause)",
        "import asyncio\nasyncio.sleep(0)",
    ),
    (
        "no-test-branches",
        "def test_x():\n    for case in cases:\n        if case:\n            assert case",
        "def test_x():\n    assert all(case for case in cases if case)",
    ),
    (
        "no-test-branches",
        "def test_x(case):\n    match case:\n        case 1: assert case",
        "def test_x(case):\n    def answer(request):\n        if request: return 1\n    assert answer(case)",
    ),
]


@pytest.mark.parametrize(("rule", "caught", "wanted"), CASES, ids=[case[0] for case in CASES])
def test_a_rule_catches_what_is_wrong_and_accepts_what_is_wanted(broken, rule, caught, wanted):
    """
    The wrong snippet breaks the rule; the right one does not.
    """
    assert rule in broken(PATH, caught)
    assert rule not in broken(PATH, wanted)


def test_the_product_may_sleep_and_branch(broken):
    """
    The rules about tests speak of nothing outside tests/.
    """
    assert broken("src/rsolv/worker.py", "import time\ntime.sleep(1)\nif time: pass") == set()
