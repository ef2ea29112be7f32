"""
The promises about refunds that the worker keeps.
"""

import pytest

from charges.stage import NOW
from refunds.giving import Giving
from rsolv import charges
from rsolv.jobs import JobCall
from rsolv.refunds.jobs import advance_refund, refund_schedule
from rsolv.refunds.service.fail import take_failure
from rsolv.stripe_gateway import OutcomeUnknown
from stripe_twin.core.faults import Fault


async def jobs(giving: Giving) -> int:
    """
    Count the promised jobs.
    """
    return int(
        await giving.stage.owner.fetchval(
            "SELECT count(*) FROM pgqueuer WHERE entrypoint = 'refund.advance' AND status = 'queued'"
        )
    )


async def test_a_job_that_comes_early_is_promised_again(giving: Giving) -> None:
    """
    Nothing is done before its time, and nothing is forgotten.
    """
    asked = await giving.ask()
    before = await jobs(giving)
    handle = advance_refund(giving.stage.database, giving.stage.gateway, giving.stage.bus)

    await handle(JobCall(1, {"customer_id": giving.stage.customer_id, "refund_id": asked.id}, 0))

    assert await jobs(giving) == before + 1
    assert giving.theirs() == []


async def test_a_refund_that_is_due_is_made_by_its_job(giving: Giving) -> None:
    """
    By the clock of the worker.
    """
    asked = await giving.ask()
    await giving.stage.owner.execute("UPDATE refunds SET wake_at = now() - interval '5 minutes'")
    handle = advance_refund(giving.stage.database, giving.stage.gateway, giving.stage.bus)

    await handle(JobCall(1, {"customer_id": giving.stage.customer_id, "refund_id": asked.id}, 0))

    await giving.require_refunded_once(asked.id)


async def test_the_schedule_goes_after_lost_jobs(giving: Giving) -> None:
    """
    Those that are due; others are left alone.
    """
    await giving.ask(1)
    await giving.ask(2)
    await giving.stage.owner.execute("DELETE FROM pgqueuer")
    await giving.stage.owner.execute("UPDATE refunds SET wake_at = now() - interval '5 minutes' WHERE amount_cents = 1")

    await refund_schedule(giving.stage.database).run()

    assert await jobs(giving) == 1


async def test_a_failure_that_comes_after_the_truth_changes_nothing(giving: Giving) -> None:
    """
    A webhook had settled it while the call was still waiting for its answer.
    """
    done = await giving.finish((await giving.ask()).id)

    async with giving.stage.database.transaction() as connection:
        await take_failure(connection, done, OutcomeUnknown("refund_payment", status=500), now=NOW)

    assert await giving.refund(done.id) == done


async def test_a_refusal_because_it_is_there_already_is_no_failure(giving: Giving) -> None:
    """
    The whole was given back by a call that nobody remembers: Stripe refuses another one, and the look finds ours.
    """
    giving.stage.twin.api.keys.is_on = False
    asked = await giving.ask()
    giving.stage.twin.faults.plan([Fault("timeout_after")])
    await giving.advance(asked.id)
    await giving.stage.owner.execute("UPDATE refunds SET tries = 0")

    await giving.finish(asked.id)

    await giving.require_refunded_once(asked.id)


async def test_a_dispute_of_an_unknown_charge_is_not_noted(giving: Giving) -> None:
    """
    There is nothing to note it on.
    """
    async with giving.stage.database.transaction() as connection:
        with pytest.raises(charges.UnknownCharge):
            await charges.note_dispute(
                connection, customer_id=giving.stage.customer_id, charge_id=404, dispute_state="disputed"
            )
