"""
Give back what the action stored.
"""

from rsolv.db import Connection
from rsolv.fixes.errors import NothingStored
from rsolv.fixes.queries import phase_results
from rsolv.fixes.rules import MITIGATE, SCAN, VALIDATE, Repository, StoredPhases

RESULTS_AT_MOST = 2_001


async def retrieve_phases(
    connection: Connection,
    *,
    customer_id: int,
    repository: Repository,
    commit_sha: str,
    issue_number: int | None,
) -> StoredPhases:
    """
    Return what is stored at a commit: the scan, and validation and mitigation of one issue (None: of every issue).

    Raises:
        NothingStored: there is nothing.
    """
    found = await phase_results.list_phase_results(
        connection,
        customer_id=customer_id,
        repository=repository,
        commit_sha=commit_sha,
        issue_number=issue_number,
        limit=RESULTS_AT_MOST,
    )
    if not found:
        raise NothingStored
    return StoredPhases(
        scan=next((data for phase, _, data in found if phase == SCAN), None),
        validate={issue: data for phase, issue, data in found if phase == VALIDATE and issue is not None},
        mitigate={issue: data for phase, issue, data in found if phase == MITIGATE and issue is not None},
    )
