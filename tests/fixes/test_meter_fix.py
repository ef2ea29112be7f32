"""
Billing a fix once: the standing list of a verb that moves credits.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import asyncpg
import pytest

from factories.customers import give_credits, make_customer, set_balance
from fixes.reports import NOW, credits_of, report, stored
from rsolv import ledger
from rsolv.db import Connection
from rsolv.fixes import INVARIANTS, FixMetered, Repository, count_settled_since, free_reversed_fix
from rsolv.ledger import breached, verify
from rsolv.provisioning import Provisioned

COPY_OF_A_FIX = """
INSERT INTO fixes (customer_id, repository_id, issue_number, phase_result_id, api_key_id, state, recorded_at,
                   settled_at)
SELECT customer_id, repository_id, {issue_number}, phase_result_id, api_key_id, state, recorded_at, settled_at
FROM fixes
"""


async def broken_promises(connection: Connection) -> list[str]:
    """
    Check every invariant of ledger and fixes, and name the ones that do not hold.
    """
    findings = await verify(connection, (*ledger.INVARIANTS, *INVARIANTS))
    return [finding.id for finding in breached(findings)]


async def test_a_fix_moves_one_credit_and_says_so(connection: Connection, globex: Provisioned) -> None:
    """
    The first report of a fix consumes a credit, and the posting names fix, key, repository and issue.
    """
    outcome = await stored(connection, globex, report())

    assert outcome.billing == FixMetered("consumed", globex.credit_balance - 1)
    assert await credits_of(connection, globex) == globex.credit_balance - 1
    posting = await connection.fetchrow(
        "SELECT p.fix_id, p.api_key_id, p.metadata, f.id, f.state, f.settled_at FROM ledger_postings p JOIN fixes f"
        " ON f.id = p.fix_id WHERE p.source = 'consumed'"
    )
    assert posting["fix_id"] == posting["id"]
    assert posting["api_key_id"] == globex.key.api_key.id
    assert posting["metadata"] == '{"repository": "acme/shop", "issue_number": 7}'
    assert (posting["state"], posting["settled_at"]) == ("consumed", NOW)
    assert await broken_promises(connection) == []


async def test_a_fix_that_cannot_be_paid_is_blocked_and_moves_nothing(
    connection: Connection, globex: Provisioned
) -> None:
    """
    Without credits the fix is recorded as blocked, with the reason, and the ledger has no new posting.
    """
    await set_balance(connection, customer_id=globex.customer.id, credits=0)
    postings = await connection.fetchval("SELECT count(*) FROM ledger_postings")

    outcome = await stored(connection, globex, report())

    assert outcome.billing == FixMetered("blocked", 0, "no_billing_info")
    assert await connection.fetchval("SELECT count(*) FROM ledger_postings") == postings
    row = await connection.fetchrow("SELECT state, blocked_reason, settled_at FROM fixes")
    assert tuple(row) == ("blocked", "no_billing_info", None)
    assert await broken_promises(connection) == []


async def test_a_repeat_changes_nothing(connection: Connection, globex: Provisioned) -> None:
    """
    Reported again, at the same commit or another, the fix is already billed.
    """
    await stored(connection, globex, report())

    for commit_sha in ("c0ffee", "beef"):
        outcome = await stored(connection, globex, report(commit_sha=commit_sha))
        assert outcome.billing == FixMetered("already_billed", globex.credit_balance - 1)

    assert await connection.fetchval("SELECT count(*) FROM fixes") == 1


async def test_a_blocked_fix_is_billed_when_it_is_reported_with_credits(
    connection: Connection, globex: Provisioned
) -> None:
    """
    Tried again with credits the same fix turns from blocked to consumed, at the time of that report.
    """
    await set_balance(connection, customer_id=globex.customer.id, credits=0)
    await stored(connection, globex, report())
    await stored(connection, globex, report())
    await give_credits(connection, customer_id=globex.customer.id, credits=2)
    later = NOW + timedelta(days=1)

    outcome = await stored(connection, globex, report(), now=later)

    assert outcome.billing == FixMetered("consumed", 1)
    row = await connection.fetchrow("SELECT state, blocked_reason, settled_at FROM fixes")
    assert tuple(row) == ("consumed", None, later)
    assert await broken_promises(connection) == []


async def test_a_report_that_is_not_billable_is_not_metered(connection: Connection, globex: Provisioned) -> None:
    """
    No fix is recorded, also when a billable scan should ever be reported.
    """
    for reported in (report(billable=False), report("scan", issue_number=None)):
        outcome = await stored(connection, globex, reported)
        assert outcome.billing.status == "not_billable"

    assert await connection.fetchval("SELECT count(*) FROM fixes") == 0


async def test_identity_is_customer_repository_and_issue(connection: Connection, globex: Provisioned) -> None:
    """
    Each of the three makes another fix; the commit does not.
    """
    initech = await make_customer(connection)
    reports = [
        (globex, report()),
        (globex, report(issue_number=8)),
        (globex, report(repository=Repository("acme", "blog"))),
        (initech, report()),
        (globex, report(commit_sha="other")),
    ]

    statuses = [(await stored(connection, customer, reported)).billing.status for customer, reported in reports]

    assert statuses == ["consumed"] * 4 + ["already_billed"]


async def reverse_the_fix(connection: Connection, customer: Provisioned) -> int:
    """
    Undo the newest consumption and return its posting.
    """
    posting_id = int(await connection.fetchval("SELECT max(id) FROM ledger_postings WHERE source = 'consumed'"))
    await ledger.reverse(
        connection,
        customer_id=customer.customer.id,
        posting_id=posting_id,
        source="adjustment",
        cause=ledger.Cause("test_reversal", str(posting_id)),
        reason="the fix did not work",
    )
    return posting_id


async def test_a_reversed_fix_frees_its_issue(connection: Connection, globex: Provisioned) -> None:
    """
    Once its consumption is undone the fix is reversed, the credit is back, and the next report is a new fix.
    """
    await stored(connection, globex, report())
    posting_id = await reverse_the_fix(connection, globex)

    assert await free_reversed_fix(connection, customer_id=globex.customer.id, posting_id=posting_id)
    assert await broken_promises(connection) == []
    assert not await free_reversed_fix(connection, customer_id=globex.customer.id, posting_id=posting_id)

    outcome = await stored(connection, globex, report())
    assert outcome.billing == FixMetered("consumed", globex.credit_balance - 1)
    assert [state for (state,) in await connection.fetch("SELECT state FROM fixes ORDER BY id")] == [
        "reversed",
        "consumed",
    ]
    assert await broken_promises(connection) == []


async def test_only_the_fix_of_an_undone_posting_is_freed(connection: Connection, globex: Provisioned) -> None:
    """
    A posting that stands, one that was no fix, and another customer's free nothing.
    """
    initech = await make_customer(connection)
    await stored(connection, globex, report())
    standing = await connection.fetchval("SELECT id FROM ledger_postings WHERE source = 'consumed'")
    grant = await connection.fetchval("SELECT min(id) FROM ledger_postings")

    for posting_id in (standing, grant):
        assert not await free_reversed_fix(connection, customer_id=globex.customer.id, posting_id=posting_id)
    posting_id = await reverse_the_fix(connection, globex)
    assert not await free_reversed_fix(connection, customer_id=initech.customer.id, posting_id=posting_id)


async def test_paid_fixes_are_counted_from_a_time_on(connection: Connection, globex: Provisioned) -> None:
    """
    Counted are fixes that consumed a credit at or after the time; blocked and reversed ones are not.
    """
    await stored(connection, globex, report(issue_number=1), now=NOW - timedelta(microseconds=1))
    await stored(connection, globex, report(issue_number=2), now=NOW)
    await stored(connection, globex, report(issue_number=3), now=NOW)
    posting_id = await reverse_the_fix(connection, globex)
    await free_reversed_fix(connection, customer_id=globex.customer.id, posting_id=posting_id)
    await set_balance(connection, customer_id=globex.customer.id, credits=0)
    await stored(connection, globex, report(issue_number=4), now=NOW)

    counts = [
        await count_settled_since(connection, customer_id=globex.customer.id, since=since)
        for since in (NOW - timedelta(days=1), NOW, NOW + timedelta(days=1))
    ]

    assert counts == [2, 1, 0]


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        (COPY_OF_A_FIX.format(issue_number="issue_number"), "fixes_one_live_per_issue"),
        ("UPDATE fixes SET issue_number = 0", "fixes_issue_positive"),
        ("UPDATE fixes SET state = 'free'", "fixes_state_known"),
        ("UPDATE fixes SET state = 'blocked'", "fixes_blocked_with_reason"),
        ("UPDATE fixes SET settled_at = NULL", "fixes_settled_or_open"),
        ("UPDATE phase_results SET issue_number = NULL", "phase_results_issue_fits_phase"),
        ("UPDATE phase_results SET phase = 'deploy'", "phase_results_phase_known"),
    ],
)
async def test_the_database_refuses_when_the_code_is_bypassed(
    connection: Connection, globex: Provisioned, statement: str, constraint: str
) -> None:
    """
    A second live fix of an issue, and every state that makes no sense, is refused by a named constraint.
    """
    await stored(connection, globex, report())

    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
        await in_savepoint(connection, lambda: connection.execute(statement))

    assert refused.value.constraint_name == constraint


async def in_savepoint(connection: Connection, act: Callable[[], Awaitable[object]]) -> None:
    """
    Let a statement fail without ending the test's transaction.
    """
    await connection.execute("SAVEPOINT before")
    try:
        await act()
    finally:
        await connection.execute("ROLLBACK TO SAVEPOINT before")


@pytest.mark.parametrize(
    "planted",
    [
        "UPDATE fixes SET state = 'reversed'",
        "UPDATE fixes SET state = 'blocked', blocked_reason = 'planted', settled_at = NULL",
        COPY_OF_A_FIX.format(issue_number="99"),
    ],
)
async def test_the_invariant_notices_a_fix_that_parts_from_the_ledger(
    connection: Connection, globex: Provisioned, planted: str
) -> None:
    """
    Planted: a consumption without a consumed fix, or a consumed fix without a consumption, breaks L-4.
    """
    await stored(connection, globex, report())
    assert await broken_promises(connection) == []

    await connection.execute(planted)

    assert await broken_promises(connection) == ["L-4"]
