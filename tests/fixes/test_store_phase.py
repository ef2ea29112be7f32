"""
Storing and retrieving phase results.
"""

from datetime import timedelta

import pytest

from factories.customers import make_customer
from fixes.reports import NOW, SHOP, report, stored
from rsolv.db import Connection
from rsolv.fixes import (
    CustomerUnverified,
    NothingStored,
    PhaseCompleted,
    Repository,
    StoredPhases,
    retrieve_phases,
)
from rsolv.fixes.service.retrieve_phases import RESULTS_AT_MOST
from rsolv.kernel.events import EventBus
from rsolv.provisioning import Provisioned

SCAN = report("scan", issue_number=None, billable=False, data_json='{"found": 1}')


async def retrieved(
    connection: Connection, customer: Provisioned, *, issue_number: int | None = None, commit_sha: str = "c0ffee"
) -> StoredPhases:
    """
    Retrieve what is stored in the shop.
    """
    return await retrieve_phases(
        connection,
        customer_id=customer.customer.id,
        repository=SHOP,
        commit_sha=commit_sha,
        issue_number=issue_number,
    )


async def test_the_event_says_all_that_a_subscriber_needs(connection: Connection, globex: Provisioned) -> None:
    """
    Storing publishes PhaseCompleted on the same connection, with customer, key, repository, phase and time.
    """
    heard: list[PhaseCompleted] = []
    bus = EventBus()

    async def listen(where: Connection, completed: PhaseCompleted) -> None:
        assert where is connection
        heard.append(completed)

    bus.subscribe(PhaseCompleted, listen)
    outcome = await stored(connection, globex, report(), bus=bus)

    (completed,) = heard
    assert completed == PhaseCompleted(
        customer_id=globex.customer.id,
        api_key_id=globex.key.api_key.id,
        repository_id=completed.repository_id,
        repository=SHOP,
        phase_result_id=outcome.phase_result_id,
        phase="mitigate",
        issue_number=7,
        billable=True,
        occurred_at=NOW,
    )


async def test_without_a_subscriber_nothing_is_billed(connection: Connection, globex: Provisioned) -> None:
    """
    The hub knows no billing: with nobody listening the result is stored and the balance named.
    """
    outcome = await stored(connection, globex, report(), bus=EventBus())

    assert outcome.billing.status == "not_billable"
    assert outcome.billing.credits_remaining == globex.credit_balance


async def test_the_first_store_claims_the_owner_once(connection: Connection, globex: Provisioned) -> None:
    """
    Each repository and each owner of repositories is there once, from the first store on.
    """
    for repository in (SHOP, SHOP, Repository("acme", "blog"), Repository("globex", "shop")):
        await stored(connection, globex, report(repository=repository))

    claimed = await connection.fetch("SELECT namespace, verified_at FROM forge_accounts ORDER BY namespace")
    repositories = await connection.fetchval("SELECT count(*) FROM repositories")
    assert [tuple(row) for row in claimed] == [("acme", None), ("globex", None)]
    assert repositories == 3


async def test_an_owner_may_be_claimed_by_two_customers(connection: Connection, globex: Provisioned) -> None:
    """
    Without strict ownership two customers may report the same repository, each for themselves.
    """
    initech = await make_customer(connection)

    first = await stored(connection, globex, SCAN)
    second = await stored(connection, initech, SCAN)

    assert first.phase_result_id != second.phase_result_id


async def test_strict_ownership_takes_only_verified_owners(connection: Connection, globex: Provisioned) -> None:
    """
    Never seen, or seen and not verified, is refused; verified is stored; another's verification is no help.
    """
    initech = await make_customer(connection)
    for customer in (globex, initech):
        with pytest.raises(CustomerUnverified):
            await stored(connection, customer, SCAN, ownership_required=True)
        await stored(connection, customer, SCAN)
    await connection.execute("UPDATE forge_accounts SET verified_at = now() WHERE customer_id = $1", globex.customer.id)

    await stored(connection, globex, SCAN, ownership_required=True)
    with pytest.raises(CustomerUnverified):
        await stored(connection, initech, SCAN, ownership_required=True)


async def test_storing_again_keeps_when_it_was_first(connection: Connection, globex: Provisioned) -> None:
    """
    A replaced result keeps its id and its first time, and notes the time of the last.
    """
    later = NOW + timedelta(hours=1)

    first = await stored(connection, globex, SCAN)
    second = await stored(connection, globex, SCAN, now=later)

    row = await connection.fetchrow("SELECT id, created_at, updated_at FROM phase_results")
    assert first.phase_result_id == second.phase_result_id == row["id"]
    assert (row["created_at"], row["updated_at"]) == (NOW, later)


@pytest.mark.parametrize("phase", ["validate", "mitigate"])
async def test_the_first_scan_is_stamped_by_a_scan_only(
    connection: Connection, globex: Provisioned, phase: str
) -> None:
    """
    Another phase leaves first_scan_at empty, the first scan sets it, a later scan leaves it.
    """
    stamped = "SELECT first_scan_at FROM customers WHERE id = $1"

    await stored(connection, globex, report(phase))
    assert await connection.fetchval(stamped, globex.customer.id) is None

    await stored(connection, globex, SCAN)
    await stored(connection, globex, SCAN, now=NOW + timedelta(days=1))
    assert await connection.fetchval(stamped, globex.customer.id) == NOW


async def test_what_is_stored_comes_back_by_phase_and_issue(connection: Connection, globex: Provisioned) -> None:
    """
    The scan stands alone; the other phases are maps by issue, of one issue or of all.
    """
    await stored(connection, globex, SCAN)
    for issue_number in (8, 7):
        await stored(connection, globex, report("validate", issue_number=issue_number, data_json='{"ok": true}'))
    await stored(connection, globex, report())

    assert await retrieved(connection, globex) == StoredPhases(
        scan='{"found": 1}', validate={7: '{"ok": true}', 8: '{"ok": true}'}, mitigate={7: '{"fixed": true}'}
    )
    assert await retrieved(connection, globex, issue_number=8) == StoredPhases(
        scan='{"found": 1}', validate={8: '{"ok": true}'}
    )


async def test_nothing_stored_is_said_so(connection: Connection, globex: Provisioned) -> None:
    """
    Another commit, another issue without a scan, and another customer find nothing.
    """
    initech = await make_customer(connection)
    await stored(connection, globex, report())

    for question in (
        retrieved(connection, globex, commit_sha="other"),
        retrieved(connection, globex, issue_number=9),
        retrieved(connection, initech),
    ):
        with pytest.raises(NothingStored):
            await question


async def test_a_commit_with_very_many_results_is_answered_up_to_a_bound(
    connection: Connection, globex: Provisioned
) -> None:
    """
    At most so many results are read, the scan first and then by issue.
    """
    await stored(connection, globex, SCAN)
    await connection.execute(
        """
        INSERT INTO phase_results (customer_id, repository_id, phase, issue_number, commit_sha, data, api_key_id,
                                   created_at, updated_at)
        SELECT customer_id, repository_id, 'validate', issue, commit_sha, '{}', api_key_id, created_at, updated_at
        FROM phase_results, generate_series(1, $1) AS issue
        """,
        RESULTS_AT_MOST + 5,
    )

    found = await retrieved(connection, globex)

    assert found.scan == '{"found": 1}'
    assert list(found.validate) == list(range(1, RESULTS_AT_MOST))
