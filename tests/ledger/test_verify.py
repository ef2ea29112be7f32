"""
Proving the books: sound ones pass, and every kind of damage is named.

Where a corruption switches a guard of the database off first, this is also the proof that the guards of test_guards.py
are what stands between a mistake and the books; the others are what no guard can see and only verifying finds.
"""

from datetime import timedelta

import pytest

from factories.customers import make_customer, set_balance
from factories.ledger import NOW, correct, give, open_ledger, spend, undo
from ledger.corruptions import CORRUPTIONS, Corruption
from rsolv import fixes, ledger
from rsolv.db import Connection
from rsolv.provisioning import Provisioned
from rsolv.wiring import wired_bus

EVERY_INVARIANT = (*ledger.INVARIANTS, *fixes.INVARIANTS)


@pytest.fixture
async def busy(connection: Connection) -> Connection:
    """
    A ledger of two customers who did everything that can be done, through our verbs; acting as the owner from then on.
    """
    acme = await make_customer(connection, now=NOW)
    customer_id = acme.customer.id
    await _report_fix(connection, acme, issue_number=1)
    paid_fix = await connection.fetchval("SELECT id FROM ledger_postings WHERE fix_id IS NOT NULL")
    await undo(connection, customer_id=customer_id, posting_id=paid_fix)
    await fixes.free_reversed_fix(connection, customer_id=customer_id, posting_id=paid_fix)
    await _live_a_little(connection, customer_id)
    await _live_a_little(connection, await open_ledger(connection, credits=5))
    await _report_fix(connection, acme, issue_number=1)
    await set_balance(connection, customer_id=customer_id, credits=0)
    await _report_fix(connection, acme, issue_number=2)
    await give(connection, customer_id=customer_id, credits=3)
    await connection.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED; SET ROLE rsolv")
    return connection


async def _report_fix(connection: Connection, customer: Provisioned, *, issue_number: int) -> None:
    await fixes.store_phase(
        connection,
        fixes.PhaseReport(
            phase="mitigate",
            repository=fixes.Repository("acme", "shop"),
            issue_number=issue_number,
            commit_sha="abc",
            billable=True,
            data_json="{}",
        ),
        customer_id=customer.customer.id,
        api_key_id=customer.key.api_key.id,
        bus=wired_bus(),
        ownership_required=False,
        now=NOW,
    )


async def _live_a_little(connection: Connection, customer_id: int) -> None:
    await give(connection, customer_id=customer_id, credits=2, expires_at=NOW + timedelta(days=900))
    bought = await give(connection, customer_id=customer_id, credits=9)
    await spend(connection, customer_id=customer_id, credits=4)
    await correct(connection, customer_id=customer_id, credits=2)
    await correct(connection, customer_id=customer_id, credits=-1)
    await undo(connection, customer_id=customer_id, posting_id=bought.posting_id)


async def test_the_books_of_a_busy_ledger_are_sound(busy: Connection) -> None:
    """
    After everything that can be done, each invariant has looked at something and found no breach.
    """
    findings = await ledger.verify(busy, EVERY_INVARIANT)

    assert ledger.breached(findings) == []
    assert [finding.id for finding in findings if finding.checked == 0] == []
    assert [finding.id for finding in findings] == [invariant.id for invariant in EVERY_INVARIANT]


async def test_the_busy_ledger_has_a_fix_in_every_state(busy: Connection) -> None:
    """
    What is verified here is not an empty promise: there is a paid, a blocked and a reversed fix.
    """
    states = await busy.fetch("SELECT DISTINCT state FROM fixes ORDER BY state")

    assert [row["state"] for row in states] == ["blocked", "consumed", "reversed"]


async def test_the_books_of_an_empty_ledger_are_sound(connection: Connection) -> None:
    """
    Nothing is wrong with nothing.
    """
    assert ledger.breached(await ledger.verify(connection)) == []


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=[each.name.replace(" ", "-") for each in CORRUPTIONS])
async def test_planted_bug_in_the_books_is_named(busy: Connection, corruption: Corruption) -> None:
    """
    Damage is reported by exactly the invariants it breaks, each with an example and its figures.
    """
    await busy.execute(corruption.sql)

    broken = ledger.breached(await ledger.verify(busy, EVERY_INVARIANT))

    assert {finding.id for finding in broken} == corruption.breached
    assert all(finding.example and 0 < finding.breaches <= finding.checked for finding in broken)


def test_every_invariant_has_damage_that_it_names() -> None:
    """
    No invariant stands in the list without proof that it can fail.
    """
    proven = {invariant_id for corruption in CORRUPTIONS for invariant_id in corruption.breached}

    assert proven == {invariant.id for invariant in EVERY_INVARIANT}


async def test_verifying_repairs_nothing(busy: Connection) -> None:
    """
    What differs is named again the next time: silence would hide the cause.
    """
    await busy.execute("ALTER TABLE ledger_entries DISABLE TRIGGER ledger_entries_only_grow")

    first = ledger.breached(await ledger.verify(busy))
    second = ledger.breached(await ledger.verify(busy))

    assert [finding.id for finding in first] == ["L-2"]
    assert second == first
