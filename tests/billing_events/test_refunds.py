"""
Events about refunds: what went back at Stripe is taken back here, once, and restored when it fails after all.
"""

import itertools

import pytest

from billing_events.postroom import Postroom
from billing_events.test_payments import paid_by_others, paid_unseen
from refunds.giving import Giving
from reversals.taking import PRICE

CREATED, UPDATED, FAILED, SUMMED = "refund.created", "refund.updated", "refund.failed", "charge.refunded"


@pytest.mark.parametrize("told", [(CREATED,), (SUMMED,), (CREATED, SUMMED), (SUMMED, CREATED)], ids="+".join)
async def test_a_refund_made_at_stripe_is_taken_in_once(postroom: Postroom, told: tuple[str, ...]) -> None:
    """
    One event is enough, whichever; the other one changes nothing more.
    """
    giving = await Giving.of_a_new_charge(postroom.stage)
    await giving.make_at_stripe(1_000, key="part")

    outcomes = [await postroom.deliver(each) for each in told]

    [refund] = await giving.all()
    assert outcomes == [{each: ("processed", None)} for each in told]
    await giving.require_refunded_once(refund.id, cents=1_000)
    assert await postroom.breaches() == []


async def test_several_refunds_behind_one_sum_are_all_taken_in(postroom: Postroom) -> None:
    """
    The event has the sum only: the refunds are listed, and settled in their order.
    """
    giving = await Giving.of_a_new_charge(postroom.stage)
    for number, cents in enumerate([100, 200, 300]):
        await giving.make_at_stripe(cents, key=f"part {number}")

    outcomes = await postroom.deliver(SUMMED)

    assert outcomes == {SUMMED: ("processed", None)}
    assert [refund.amount_cents for refund in await giving.all()] == [100, 200, 300]
    assert (await giving.taking.charge()).amount_refunded_cents == 600
    assert await postroom.breaches() == []


async def test_a_refund_heard_of_before_its_payment_settles_both(postroom: Postroom) -> None:
    """
    The worker that made the payment died, and of the two events the later one came first.
    """
    charge_id = await paid_unseen(postroom)
    giving = Giving(postroom.stage, charge_id, str((await postroom.stage.charge(charge_id)).stripe_payment_id))
    await giving.make_at_stripe()

    outcomes = await postroom.deliver(CREATED)

    [refund] = await giving.all()
    assert outcomes == {CREATED: ("processed", None)}
    await giving.require_refunded_once(refund.id)


@pytest.mark.parametrize("order", list(itertools.permutations([CREATED, UPDATED, FAILED])), ids="+".join)
async def test_a_refund_that_failed_ends_restored_in_any_order(postroom: Postroom, order: tuple[str, ...]) -> None:
    """
    Each event only says where to look; what is found there is the end of it.
    """
    giving = await Giving.of_a_new_charge(postroom.stage, card="pm_card_refundFail")
    await giving.make_at_stripe()
    await giving.pass_time()

    outcomes = [await postroom.deliver(each) for each in order]

    assert outcomes == [{each: ("processed", None)} for each in order]
    assert [refund.state for refund in await giving.all()] == ["failed"]
    await giving.require_nothing_moved()
    assert await postroom.breaches() == []


async def test_a_refund_that_fails_later_is_restored_by_that_event(postroom: Postroom) -> None:
    """
    It was taken back in good faith before.
    """
    giving = await Giving.of_a_new_charge(postroom.stage, card="pm_card_refundFail")
    await giving.make_at_stripe()
    await postroom.deliver(CREATED)
    taken = (await giving.taking.charge()).amount_refunded_cents
    await giving.pass_time()

    await postroom.deliver(FAILED)

    assert taken == PRICE
    await giving.require_nothing_moved()


async def test_a_refund_of_a_payment_of_others_is_ignored(postroom: Postroom) -> None:
    """
    Whichever event tells of it.
    """
    payment = await paid_by_others(postroom)
    await Giving(postroom.stage, 0, payment.id).make_at_stripe(700)

    outcomes = await postroom.deliver(CREATED, SUMMED)

    assert outcomes == {CREATED: ("ignored", "not_ours"), SUMMED: ("ignored", "not_ours")}
    assert await postroom.stage.money() == {}
