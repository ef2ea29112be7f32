"""
Store what the action reports of a phase.
"""

from datetime import datetime

from rsolv import ledger
from rsolv.db import Connection
from rsolv.fixes.errors import CustomerUnverified
from rsolv.fixes.queries import phase_results
from rsolv.fixes.rules import NOT_BILLABLE, SCAN, FixMetered, PhaseCompleted, PhaseReport, StoredPhase
from rsolv.kernel.events import EventBus


async def store_phase(
    connection: Connection,
    report: PhaseReport,
    *,
    customer_id: int,
    api_key_id: int,
    bus: EventBus,
    ownership_required: bool,
    now: datetime,
) -> StoredPhase:
    """
    Store a phase result and publish `PhaseCompleted` in the same transaction.

    Idempotent by customer, repository, commit, phase and issue: storing again replaces the data. The owner of a
    repository is claimed for the customer by the first store. What a subscriber answered about billing is passed on.

    Raises:
        CustomerUnverified: *ownership_required*, and the customer has not shown that the owner is theirs.
    """
    if ownership_required and not await phase_results.is_owner_verified(
        connection, customer_id=customer_id, namespace=report.repository.namespace
    ):
        raise CustomerUnverified(namespace=report.repository.namespace)
    ids = await phase_results.upsert_phase_result(
        connection, report, customer_id=customer_id, api_key_id=api_key_id, stored_at=now
    )
    if ids is None:
        await phase_results.insert_repository_once(
            connection, report.repository, customer_id=customer_id, created_at=now
        )
        ids = await phase_results.upsert_phase_result(
            connection, report, customer_id=customer_id, api_key_id=api_key_id, stored_at=now
        )
    assert ids is not None, "the repository is there now"
    phase_result_id, repository_id, is_new = ids
    answers = await bus.publish(
        connection,
        PhaseCompleted(
            customer_id=customer_id,
            api_key_id=api_key_id,
            repository_id=repository_id,
            repository=report.repository,
            phase_result_id=phase_result_id,
            phase=report.phase,
            issue_number=report.issue_number,
            billable=report.billable,
            occurred_at=now,
            begins_work=is_new and report.phase == SCAN,
        ),
    )
    metered = next((answer for answer in answers if isinstance(answer, FixMetered)), None)
    if metered is None:
        balance = await ledger.balance(connection, customer_id=customer_id)
        metered = FixMetered(NOT_BILLABLE, credits_remaining=balance)
    return StoredPhase(phase_result_id=phase_result_id, billing=metered)
