"""
What the action of a customer reports, handed to the verbs directly.
"""

from datetime import UTC, datetime

from rsolv import ledger
from rsolv.db import Connection
from rsolv.fixes import PhaseReport, Repository, StoredPhase, store_phase
from rsolv.kernel.events import EventBus
from rsolv.provisioning import Provisioned
from rsolv.wiring import wired_bus

SHOP = Repository("acme", "shop")
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def report(
    phase: str = "mitigate",
    *,
    issue_number: int | None = 7,
    commit_sha: str = "c0ffee",
    billable: bool = True,
    data_json: str = '{"fixed": true}',
    repository: Repository = SHOP,
) -> PhaseReport:
    """
    Write a report; unless told otherwise, of a fix.
    """
    return PhaseReport(phase, repository, issue_number, commit_sha, billable, data_json)


async def stored(
    connection: Connection,
    customer: Provisioned,
    reported: PhaseReport,
    *,
    bus: EventBus | None = None,
    ownership_required: bool = False,
    now: datetime = NOW,
) -> StoredPhase:
    """
    Store a report of the customer, with everybody subscribed who is in the product.
    """
    return await store_phase(
        connection,
        reported,
        customer_id=customer.customer.id,
        api_key_id=customer.key.api_key.id,
        bus=bus or wired_bus(),
        ownership_required=ownership_required,
        now=now,
    )


async def credits_of(connection: Connection, customer: Provisioned) -> int:
    """
    Return the customer's balance.
    """
    return await ledger.balance(connection, customer_id=customer.customer.id)
