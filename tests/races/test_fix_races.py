"""
Fixes reported at the same moment, over real connections and committed.

What must be true afterwards is asked of the tables by one function per promise; beside each race stands a planted bug,
arranged by a barrier so that it always strikes, and the same function must notice it.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import asyncpg
import httpx
import pytest

from api.wire import STORE, all_at_once, caller, fix, usage_of
from factories.customers import set_balance
from rsolv import ledger
from rsolv.api import Parts
from rsolv.db import Connection, Database
from rsolv.fixes import INVARIANTS, FixMetered, PhaseCompleted
from rsolv.kernel.events import EventBus
from rsolv.ledger import breached, verify

AT_ONCE = 50

Meter = Callable[[Connection, PhaseCompleted], Awaitable[FixMetered]]


async def breaches_of_one_fix(owner: asyncpg.Connection) -> list[str]:
    """
    Say what is wrong where one issue should have been fixed, and paid, once.
    """
    fixes = await owner.fetchval("SELECT count(*) FROM fixes WHERE state <> 'reversed'")
    consumed = await owner.fetchval(
        "SELECT coalesce(-sum(amount), 0) FROM credit_transactions WHERE source = 'consumed'"
    )
    breaches = [f"{fixes} fixes"] if fixes != 1 else []
    return breaches + ([f"{consumed} credits consumed"] if consumed != 1 else [])


async def breaches_of_solvency(owner: asyncpg.Connection) -> list[str]:
    """
    Say which balance, at whatever moment, was below zero.
    """
    rows = await owner.fetch("SELECT balance_after FROM credit_transactions WHERE balance_after < 0")
    return [f"a balance of {balance}" for (balance,) in rows]


async def broken_promises(database: Database) -> list[str]:
    """
    Check every invariant of ledger and fixes, and name the ones that do not hold.
    """
    async with database.snapshot() as connection:
        return [finding.id for finding in breached(await verify(connection, (*ledger.INVARIANTS, *INVARIANTS)))]


def outcomes(answers: list[httpx.Response]) -> Counter[str]:
    """
    Count what became of the billing, or the status where there was none.
    """
    return Counter(
        answer.json()["billing"]["status"] if answer.status_code == httpx.codes.OK else str(answer.status_code)
        for answer in answers
    )


async def set_credits(database: Database, owner: asyncpg.Connection, credits: int) -> None:
    """
    Give the only customer exactly so many credits.
    """
    customer_id = await owner.fetchval("SELECT id FROM customers")
    async with database.transaction() as connection:
        await set_balance(connection, customer_id=customer_id, credits=credits)


def metered_by(meter: Meter) -> EventBus:
    """
    Wire a meter of the test's own in the product's place.
    """
    bus = EventBus()
    bus.subscribe(PhaseCompleted, meter)
    return bus


@pytest.mark.parametrize("commits", [1, AT_ONCE], ids=["one-commit", "a-commit-each"])
async def test_a_fix_reported_fifty_times_at_once_is_billed_once(
    acme_client: httpx.AsyncClient, owner: asyncpg.Connection, database: Database, commits: int
) -> None:
    """
    One report consumes, every other hears that it is already billed; there is one fix and one credit less.
    """
    credits = (await usage_of(acme_client))["credit_balance"]

    answers = await all_at_once(
        acme_client.post(STORE, json=fix(7, commit=f"c{number % commits}")) for number in range(AT_ONCE)
    )

    assert outcomes(answers) == {"consumed": 1, "already_billed": AT_ONCE - 1}
    assert {answer.json()["billing"]["credits_remaining"] for answer in answers} == {credits - 1}
    assert await breaches_of_one_fix(owner) == []
    assert await broken_promises(database) == []


@pytest.mark.damages_books("billed twice")
async def test_the_check_notices_a_fix_billed_twice(
    acme_client: httpx.AsyncClient, owner: asyncpg.Connection, parts: Parts
) -> None:
    """
    Planted: without the unique index, a meter that looks before it writes bills one issue twice.
    """
    await owner.execute("DROP INDEX fixes_one_live_per_issue")
    looked = asyncio.Barrier(2)

    async def meter_by_looking_first(connection: Connection, completed: PhaseCompleted) -> FixMetered:
        there = await connection.fetchval("SELECT count(*) FROM fixes WHERE issue_number = $1", completed.issue_number)
        await looked.wait()
        if there:
            return FixMetered("already_billed", 0)
        fix_id = await connection.fetchval(
            """
            INSERT INTO fixes (customer_id, repository_id, issue_number, phase_result_id, api_key_id, state,
                               recorded_at, settled_at)
            VALUES ($1, $2, $3, $4, $5, 'consumed', now(), now()) RETURNING id
            """,
            completed.customer_id,
            completed.repository_id,
            completed.issue_number,
            completed.phase_result_id,
            completed.api_key_id,
        )
        cause = ledger.Cause("fix", str(fix_id))
        posted = await ledger.consume(
            connection, customer_id=completed.customer_id, credits=1, cause=cause, now=completed.occurred_at
        )
        return FixMetered("consumed", posted.balance_after)

    await acme_client.post(STORE, json=fix(1) | {"data": {}})  # so that the repository is there
    async with caller(parts, key=acme_client.headers["x-api-key"], bus=metered_by(meter_by_looking_first)) as planted:
        answers = await all_at_once(planted.post(STORE, json=fix(7, commit=commit)) for commit in ("c1", "c2"))

    assert outcomes(answers) == {"consumed": 2}
    assert await breaches_of_one_fix(owner) == ["2 fixes", "2 credits consumed"]


async def test_thirty_fixes_with_five_credits_consume_five(
    acme_client: httpx.AsyncClient, owner: asyncpg.Connection, database: Database
) -> None:
    """
    Of thirty different fixes at once exactly five are paid, twenty-five are blocked, and no balance is ever negative.
    """
    await set_credits(database, owner, 5)

    answers = await all_at_once(acme_client.post(STORE, json=fix(issue)) for issue in range(1, 31))

    assert outcomes(answers) == {"consumed": 5, "blocked": 25}
    assert (await usage_of(acme_client))["credit_balance"] == 0
    assert await breaches_of_solvency(owner) == []
    assert await broken_promises(database) == []


@pytest.mark.damages_books("spent what was not there")
async def test_the_check_notices_a_balance_below_zero(
    acme_client: httpx.AsyncClient, owner: asyncpg.Connection, parts: Parts, database: Database
) -> None:
    """
    Planted: without the constraints, a meter that looks at the balance but takes no lock spends the last credit twice.
    """
    await set_credits(database, owner, 1)
    await owner.execute("ALTER TABLE ledger_accounts DROP CONSTRAINT ledger_accounts_never_overspent")
    await owner.execute("ALTER TABLE ledger_grants DROP CONSTRAINT ledger_grants_remaining_within")
    looked = asyncio.Barrier(2)

    async def meter_without_a_lock(connection: Connection, completed: PhaseCompleted) -> FixMetered:
        balance = await ledger.balance(connection, customer_id=completed.customer_id)
        await looked.wait()
        if balance < 1:
            return FixMetered("blocked", balance)
        await connection.execute(
            """
            WITH posting AS (
                INSERT INTO ledger_postings (customer_id, cause_kind, cause_id, leg, source)
                VALUES ($1, 'planted', $2, 'main', 'consumed') RETURNING id
            )
            INSERT INTO ledger_entries (customer_id, posting_id, account_id, grant_id, amount)
            SELECT $1, posting.id, account.id, CASE account.kind WHEN 'available' THEN bucket.id END,
                   CASE account.kind WHEN 'available' THEN -1 ELSE 1 END
            FROM posting, ledger_accounts AS account, (SELECT min(id) AS id FROM ledger_grants) AS bucket
            WHERE account.customer_id = $1 AND account.kind IN ('available', 'consumed')
            """,
            completed.customer_id,
            str(completed.issue_number),
        )
        return FixMetered("consumed", balance - 1)

    await acme_client.post(STORE, json=fix(1) | {"data": {}})  # so that the repository is there
    async with caller(parts, key=acme_client.headers["x-api-key"], bus=metered_by(meter_without_a_lock)) as planted:
        answers = await all_at_once(planted.post(STORE, json=fix(issue)) for issue in (7, 8))

    assert outcomes(answers) == {"consumed": 2}
    assert await breaches_of_solvency(owner) == ["a balance of -1"]


async def test_a_blocked_fix_reported_many_times_at_once_is_billed_once(
    acme_client: httpx.AsyncClient, owner: asyncpg.Connection, database: Database
) -> None:
    """
    When credits came, one of many parallel reports of a blocked fix consumes, and the others hear of it.
    """
    await set_credits(database, owner, 0)
    await acme_client.post(STORE, json=fix(7))
    await set_credits(database, owner, 3)

    answers = await all_at_once(acme_client.post(STORE, json=fix(7, commit=f"c{number}")) for number in range(20))

    assert outcomes(answers) == {"consumed": 1, "already_billed": 19}
    assert (await usage_of(acme_client))["credit_balance"] == 2
    assert await owner.fetchval("SELECT count(*) FROM fixes") == 1
    assert await broken_promises(database) == []


async def test_the_first_reports_of_a_repository_at_once_add_it_once(
    acme_client: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    """
    Twenty first reports from one owner's repositories at once: each repository and the owner are there once.
    """
    bodies = [fix(number) | {"repo": f"acme/shop-{number % 2}", "data": {}} for number in range(1, 21)]

    answers = await all_at_once(acme_client.post(STORE, json=body) for body in bodies)

    assert outcomes(answers) == {"not_billable": 20}
    assert await owner.fetchval("SELECT count(*) FROM repositories") == 2
    assert await owner.fetchval("SELECT count(*) FROM forge_accounts") == 1
    assert await owner.fetchval("SELECT count(*) FROM phase_results") == 20
