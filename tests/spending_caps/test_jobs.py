"""
What the worker does about caps: it charges under them, and tries again what waited, however much that is.
"""

import pytest

from charges.stage import Stage
from rsolv.charges import HELD_AT_A_TIME
from rsolv.jobs import JobCall
from rsolv.kernel import clock
from rsolv.spending_caps import SAFETY_CAP, SPENDING_CAP, SafetyCaps
from rsolv.worker import handled_jobs
from spending_caps.capped import capped, queued, retry_by_job, set_cap, status

MANY_FIXES = """
    INSERT INTO fixes (customer_id, repository_id, issue_number, phase_result_id, api_key_id, state, recorded_at)
    SELECT customer_id, repository_id, 1000000 + n, phase_result_id, api_key_id, state, recorded_at
    FROM fixes, generate_series(1, $1::int) AS n
"""
MANY_DEBTS = """
    INSERT INTO charge_debts (customer_id, fix_id, amount_cents, currency, plan, catalog_version_id, api_key_id,
                              description, created_at)
    SELECT d.customer_id, f.id, d.amount_cents, d.currency, d.plan, d.catalog_version_id, d.api_key_id, d.description,
           d.created_at
    FROM charge_debts AS d JOIN fixes AS f ON f.id <> d.fix_id
"""
MANY_CHARGES = """
    INSERT INTO charge_intents (customer_id, debt_id, wake_at, parked_reason, created_at, moved_at)
    SELECT d.customer_id, d.id, i.wake_at, i.parked_reason, i.created_at, i.moved_at
    FROM charge_intents AS i JOIN charge_debts AS d ON d.id <> i.debt_id
"""


@pytest.mark.parametrize("window", ["per_hour_max_cents", "per_day_max_cents"])
async def test_the_worker_charges_under_the_safety_caps_it_is_given(stage: Stage, window: str) -> None:
    """
    Both of them reach the arming transaction.
    """
    charge_id = await stage.fix(at=clock.now())
    safety = SafetyCaps(**{window: 0})
    handler = handled_jobs(stage.database, stage.gateway, stage.bus, safety_caps=safety)["charge.advance"]

    await handler(JobCall(job_id=1, ids={"customer_id": stage.customer_id, "charge_id": charge_id}, tries=0))

    assert (await stage.charge(charge_id)).parked_reason == SAFETY_CAP
    await stage.require_nothing_moved()


async def test_more_than_fit_into_one_transaction_are_tried_again_in_several(stage: Stage) -> None:
    """
    A full thousand promises the next; nothing that waited is left.
    """
    await set_cap(stage, 0)
    charge_id = await stage.fix()
    await stage.advance(charge_id, machine=capped(stage))
    await stage.owner.execute(MANY_FIXES, HELD_AT_A_TIME)
    await stage.owner.execute(MANY_DEBTS)
    await stage.owner.execute(MANY_CHARGES)
    assert (await status(stage)).charges_waiting == HELD_AT_A_TIME + 1

    assert await retry_by_job(stage) == 1
    assert (await status(stage)).charges_waiting == 1
    assert await retry_by_job(stage) == 1

    assert (await status(stage)).charges_waiting == 0
    assert await queued(stage.owner, "spending_cap.retry") == []
    assert (await stage.charge(charge_id)).parked_reason != SPENDING_CAP
