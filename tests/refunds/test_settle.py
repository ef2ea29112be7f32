"""
Believing Stripe: refunds that take their time, that fail after all, and that nobody here asked for, in any order.
"""

import asyncio
import dataclasses
from datetime import timedelta

import pytest

from charges.stage import NOW, Stage
from charges.test_crashes import dying
from refunds.giving import Giving
from reversals.taking import PRICE
from rsolv import charges, refunds

SLOW, FAILING = "pm_card_pendingRefund", "pm_card_refundFail"


async def test_a_pending_refund_is_taken_back_at_once_and_looked_at_until_it_is_done(stage: Stage) -> None:
    """
    Its money is on its way; the bank takes its time.
    """
    giving = await Giving.of_a_new_charge(stage, card=SLOW)
    asked = await giving.ask()
    pending = await giving.advance(asked.id)
    assert (await giving.dollars(), await giving.breaches()) == ({"revenue": -PRICE, "receivable": PRICE}, [])

    done = await giving.finish(asked.id)

    assert pending.state == "pending"
    assert pending.wake_at is not None
    assert done.state == "succeeded"
    await giving.require_refunded_once(asked.id)


async def test_a_refund_that_fails_after_all_is_restored(stage: Stage) -> None:
    """
    The money is ours again, and so are the books as before; the customer is told.
    """
    giving = await Giving.of_a_new_charge(stage, card=FAILING)
    asked = await giving.ask()
    await giving.finish(asked.id)
    await giving.pass_time()

    theirs = await giving.stage.gateway.list_refunds(giving.payment_id)
    heard = [await giving.believe(each) for each in [*theirs, *theirs]]

    failed = await giving.refund(asked.id)
    assert heard == ["moved", "already"]
    assert (failed.state, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    await giving.require_nothing_moved()


async def test_after_a_failed_refund_another_one_is_made(stage: Stage) -> None:
    """
    What failed leaves room for it.
    """
    giving = await Giving.of_a_new_charge(stage, card=FAILING)
    asked = await giving.ask()
    await giving.finish(asked.id)
    await giving.pass_time()
    for theirs in await giving.stage.gateway.list_refunds(giving.payment_id):
        await giving.believe(theirs)

    again = await giving.finish((await giving.ask()).id)

    assert again.state == "succeeded"
    assert await giving.dollars() == {"revenue": -PRICE, "receivable": PRICE}
    assert await giving.breaches() == []


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (1, 1, 0), (0, 1, 0, 1, 0)])
async def test_states_heard_in_any_order_end_in_the_last_one(stage: Stage, order: tuple[int, ...]) -> None:
    """
    What was read before it failed and is heard afterwards is never taken back again.
    """
    giving = await Giving.of_a_new_charge(stage, card=FAILING)
    made = await giving.make_at_stripe()
    await giving.pass_time()
    readings = (made, await stage.gateway.read_refund(made.id))

    for reading in order:
        await giving.believe(readings[reading])

    assert [refund.state for refund in await giving.all()] == ["failed"]
    await giving.require_nothing_moved()


async def test_a_refund_made_at_stripe_is_taken_in(giving: Giving) -> None:
    """
    Once, however often it is heard of.
    """
    made = await giving.make_at_stripe(900)

    heard = [await giving.believe(made) for _ in range(3)]

    (taken_in,) = await giving.all()
    assert heard == ["moved", "already", "already"]
    assert (taken_in.asked_by, taken_in.amount_cents, taken_in.state) == ("stripe", 900, "succeeded")
    assert await giving.dollars() == {"processor": 2_000, "revenue": -PRICE, "refunded": 900}
    assert await giving.breaches() == []


async def test_a_webhook_knows_our_refund_before_the_worker_does(giving: Giving) -> None:
    """
    By its metadata: the worker died before it stored the id.
    """
    asked = await giving.ask()
    await giving.finish_once_dying(asked.id, dying("R3"))

    heard = [await giving.believe(each) for each in await giving.stage.gateway.list_refunds(giving.payment_id)]

    assert heard == ["moved"]
    await giving.require_refunded_once(asked.id)


async def test_webhook_and_workers_at_once_settle_once(giving: Giving) -> None:
    """
    All with the same truth at the same moment.
    """
    asked = await giving.ask()
    await giving.finish_once_dying(asked.id, dying("R3"))
    await giving.end_leases()
    (theirs,) = await giving.stage.gateway.list_refunds(giving.payment_id)

    await asyncio.gather(
        *(giving.believe(theirs) for _ in range(6)),
        *(giving.advance(asked.id, at=NOW + timedelta(minutes=5)) for _ in range(3)),
    )

    await giving.require_refunded_once(asked.id)


async def test_a_refund_of_somebody_elses_payment_is_foreign(giving: Giving) -> None:
    """
    Another product may share the account.
    """
    made = await giving.make_at_stripe()

    assert await giving.believe(dataclasses.replace(made, payment_id="pi_foreign")) == "foreign"
    assert await giving.believe(dataclasses.replace(made, payment_id=None)) == "foreign"
    assert await giving.all() == []


@pytest.mark.damages_books("a guard is switched off")
async def test_a_refund_of_what_we_have_not_heard_to_be_paid_waits(stage: Stage) -> None:
    """
    Its payment's own event comes later; then it is settled.
    """
    giving = await Giving.of_a_new_charge(stage)
    made = await giving.make_at_stripe()
    await stage.owner.execute("ALTER TABLE charge_intents DISABLE TRIGGER USER")
    await stage.owner.execute(
        """
        UPDATE charge_intents SET state = 'unknown', wake_at = now(), settled_at = NULL, money_posting_id = NULL,
                                  credits_posting_id = NULL, consumed_posting_id = NULL
        """
    )

    with pytest.raises(charges.ChargeNotPaid):
        await giving.believe(made)


@pytest.mark.parametrize("what", [("amount", {"amount_cents": 901}), ("currency", {"currency": "eur"})])
async def test_a_refund_that_differs_is_parked(giving: Giving, what: tuple[str, dict[str, object]]) -> None:
    """
    It says to be ours and is not what we asked for: nothing moves, somebody looks.
    """
    asked = await giving.ask(900)
    await giving.finish_once_dying(asked.id, dying("R3"))
    (theirs,) = await giving.stage.gateway.list_refunds(giving.payment_id)

    heard = await giving.believe(dataclasses.replace(theirs, **what[1]))

    assert heard == "parked"
    assert (await giving.refund(asked.id)).parked_reason == f"{what[0]}_differs"
    await giving.require_nothing_moved()


async def test_a_refund_refused_for_good_has_failed(giving: Giving) -> None:
    """
    Somebody gave the money back at Stripe meanwhile: ours has failed, theirs is taken in.
    """
    asked = await giving.ask()
    await giving.make_at_stripe()

    failed = await giving.finish(asked.id)

    states = [(refund.state, refund.failure_reason) for refund in await giving.all()]
    assert failed.stripe_refund_id is None
    assert states == [("failed", "charge_already_refunded"), ("succeeded", None)]
    assert await giving.dollars() == {"revenue": -PRICE, "receivable": PRICE}
    assert await giving.breaches() == []


async def test_a_second_refund_heard_before_the_first_one_failed_waits_for_it(stage: Stage) -> None:
    """
    Both together would be more than was paid; the next look reads all of them, and those that failed first.
    """
    giving = await Giving.of_a_new_charge(stage, card=FAILING)
    first = await giving.make_at_stripe(key="first")
    await giving.believe(first)
    await giving.pass_time()
    await stage.add_card()
    second = await giving.make_at_stripe(key="second")

    heard = await giving.believe(second)
    parked = (await giving.all())[1]
    done = await giving.finish(parked.id)

    assert (heard, parked.parked_reason) == ("parked", "exceeds_payment")
    assert done.state == "succeeded"
    assert [refund.state for refund in await giving.all()] == ["failed", "succeeded"]
    assert await giving.breaches() == []


async def test_dying_while_settling_leaves_nothing(giving: Giving) -> None:
    """
    Row, money and credits move together.
    """
    asked = await giving.ask()
    before = await giving.stage.books()

    await giving.finish_once_dying(asked.id, dying("R4"))

    assert await giving.stage.books() == before
    assert (await giving.refund(asked.id)).state == "asked"


async def test_every_refund_that_waits_is_woken_when_its_job_is_lost(giving: Giving) -> None:
    """
    The schedule promises it anew.
    """
    await giving.ask()
    await giving.stage.owner.execute("DELETE FROM pgqueuer")

    async with giving.stage.database.transaction() as connection:
        woken = await refunds.wake_overdue(connection, now=NOW + timedelta(minutes=2))

    assert woken == 1
    assert await giving.stage.owner.fetchval("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'refund.advance'") == 1
