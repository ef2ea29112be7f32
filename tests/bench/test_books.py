"""
After a load, what was acknowledged is held against what is stored.
"""

import pytest

from bench.books import check_books
from bench.operations import FIRST_ISSUE, LAST_ISSUE


@pytest.fixture
async def fixed(acme_client):
    """
    One fix as the load bills it, and two as pgbench does.
    """
    for issue_number in (FIRST_ISSUE, LAST_ISSUE + 1, LAST_ISSUE + 2):
        body = {"phase": "mitigate", "repo": "acme/shop", "commitSha": "abc", "data": {"fixed": True}}
        answer = await acme_client.post("/api/v1/phases/store", json=body | {"issueNumber": issue_number})
        assert answer.json()["billing"]["status"] == "consumed"


@pytest.mark.usefixtures("fixed")
async def test_books_that_hold_what_was_acknowledged_are_right(database):
    """
    Load and pgbench are counted apart, and the invariants of ledger and fixes are verified.
    """
    books = await check_books(database, acknowledged=1, pgbench_acknowledged=2)

    assert (books.stored, books.pgbench_stored, books.breaches) == (1, 2, [])
    assert books.invariants > 1
    assert books.are_right


@pytest.mark.usefixtures("fixed")
@pytest.mark.parametrize(("by_load", "by_pgbench"), [(2, 2), (0, 2), (1, 3), (1, 1)])
async def test_a_fix_that_is_missing_or_too_much_is_noticed(database, by_load, by_pgbench):
    """
    Planted bug: one more or one less was acknowledged than is stored.
    """
    books = await check_books(database, acknowledged=by_load, pgbench_acknowledged=by_pgbench)

    assert not books.are_right


@pytest.mark.damages_books("to see it named")
@pytest.mark.usefixtures("fixed")
async def test_a_breached_invariant_is_named(database, owner):
    """
    Planted bug: a balance that was moved behind the ledger's back.
    """
    await owner.execute("ALTER TABLE ledger_accounts DISABLE TRIGGER USER")
    await owner.execute("UPDATE ledger_accounts SET balance = balance + 1 WHERE kind = 'available'")

    books = await check_books(database, acknowledged=1, pgbench_acknowledged=2)

    assert not books.are_right
    assert any(breach.startswith("L-16") for breach in books.breaches)
