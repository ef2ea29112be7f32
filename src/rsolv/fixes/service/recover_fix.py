"""
Take in again a fix that this database has lost and that was paid for, as what stands on its payment tells.
"""

from dataclasses import dataclass
from datetime import datetime

from rsolv import charges
from rsolv.db import Connection
from rsolv.fixes.queries import fixes, phase_results
from rsolv.fixes.rules import CONSUMED, MITIGATE, PhaseCompleted, PhaseReport, Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class LostFix:
    """
    A fix that was charged, and at which price. *evidence_json* stands in for what the action reported of it.
    """

    customer_id: int
    api_key_id: int
    repository: Repository
    issue_number: int
    commit_sha: str
    amount_cents: int
    currency: str
    plan: str
    catalog_version_id: int
    evidence_json: str


async def recover_fix(connection: Connection, lost: LostFix, *, now: datetime) -> charges.Charge | None:
    """
    Have the fix with its debt and its charge again, under ids of their own; return the charge, which is not paid yet.

    Reported anew in the meantime, it is that one, since an issue is billed once; None when it was paid for by a credit.
    What the action reported stays as it is where it is known. In the caller's transaction, under the fix's lock.

    Raises:
        DebtDiffers: the fix is owed for already, at another price.
    """
    fix_id, state = await _live_fix(connection, lost, now=now)
    if state == CONSUMED:
        return None
    await fixes.charge_fix(connection, customer_id=lost.customer_id, fix_id=fix_id)
    return await charges.open_debt(
        connection,
        customer_id=lost.customer_id,
        fix_id=fix_id,
        amount_cents=lost.amount_cents,
        currency=lost.currency,
        plan=lost.plan,
        catalog_version_id=lost.catalog_version_id,
        api_key_id=lost.api_key_id,
        description=f"Fix of issue {lost.issue_number} in {lost.repository}",
        now=now,
    )


async def _live_fix(connection: Connection, lost: LostFix, *, now: datetime) -> tuple[int, str]:
    """
    Return the fix's id and state, where a new one is to be charged.
    """
    await phase_results.insert_repository_once(
        connection, lost.repository, customer_id=lost.customer_id, created_at=now
    )
    report = PhaseReport(
        phase=MITIGATE,
        repository=lost.repository,
        issue_number=lost.issue_number,
        commit_sha=lost.commit_sha,
        billable=True,
        data_json=lost.evidence_json,
    )
    phase_result_id, repository_id = await phase_results.find_or_insert_phase_result(
        connection, report, customer_id=lost.customer_id, api_key_id=lost.api_key_id, stored_at=now
    )
    completed = PhaseCompleted(
        customer_id=lost.customer_id,
        api_key_id=lost.api_key_id,
        repository_id=repository_id,
        repository=lost.repository,
        phase_result_id=phase_result_id,
        phase=MITIGATE,
        issue_number=lost.issue_number,
        billable=True,
        occurred_at=now,
    )
    fix_id = await fixes.insert_fix_once(connection, completed)
    if fix_id is not None:
        return fix_id, "new"
    live = await fixes.lock_live_fix(
        connection, customer_id=lost.customer_id, repository_id=repository_id, issue_number=lost.issue_number
    )
    assert live is not None, "it was in the way"
    return live.id, live.state
