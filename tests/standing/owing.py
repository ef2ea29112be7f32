"""
A customer who owes, and what is done and seen then.
"""

from datetime import datetime, timedelta

from charges.stage import NOW, SECOND, Stage
from fixes.reports import report
from rsolv import fixes, standing
from rsolv.fixes import PhaseReport, StoredPhase
from rsolv.standing.rules import GRACE

DECLINING = "pm_card_chargeCustomerFail"
DAY = timedelta(days=1)
OVER = NOW + GRACE
"""
When the grace of who was declined at NOW is over.
"""


async def owe(stage: Stage) -> int:
    """
    Have a fix declined at NOW, and return its charge's id.
    """
    await stage.add_card(DECLINING, at=NOW + SECOND)
    charge_id = await stage.fix()
    assert (await stage.advance(charge_id)).state == "declined"
    return charge_id


async def stands(stage: Stage, *, at: datetime) -> standing.Standing:
    """
    Return acme's standing.
    """
    async with stage.database.reading() as connection:
        return await standing.get_standing(connection, customer_id=stage.customer_id, now=at)


def scan(commit_sha: str = "c0ffee") -> PhaseReport:
    """
    Write the report of a scan.
    """
    return report("scan", issue_number=None, commit_sha=commit_sha, billable=False, data_json="{}")


async def store(stage: Stage, reported: PhaseReport, *, at: datetime) -> StoredPhase:
    """
    Store a report of acme's in a transaction of its own.
    """
    async with stage.database.transaction() as connection:
        return await fixes.store_phase(
            connection,
            reported,
            customer_id=stage.customer_id,
            api_key_id=stage.acme.key.api_key.id,
            bus=stage.bus,
            ownership_required=False,
            now=at,
        )


async def stored_phases(stage: Stage) -> int:
    """
    Count what is stored.
    """
    return int(await stage.owner.fetchval("SELECT count(*) FROM phase_results"))
