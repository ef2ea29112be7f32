"""
A charge is paid after we gave it up: the money is posted, and given back by itself, and somebody is told.
"""

import asyncio

import pytest

from charges.stage import NOW, Stage
from charges.test_crashes import Died, dying
from refunds.giving import Giving
from reversals.taking import PRICE
from rsolv import charges
from rsolv.stripe_gateway import Payment


async def late_payment(stage: Stage) -> tuple[int, Payment]:
    """
    Give a charge up here and pay it there.
    """
    charge_id = await stage.fix()
    try:
        await stage.advance(charge_id, machine=stage.machine(at=dying("X7")))
    except Died:
        payment_id = str((await stage.charge(charge_id)).stripe_payment_id)
    card = stage.twin.store.all("payment_method")[0]["id"]
    await stage.owner.execute(
        "UPDATE charge_intents SET state = 'canceled', wake_at = NULL, lease_until = NULL WHERE id = $1", charge_id
    )
    return charge_id, await stage.gateway.confirm_payment(payment_id, payment_method_id=card, key="late")


async def believed(stage: Stage, payment: Payment) -> str:
    """
    Settle as a webhook does.
    """
    async with stage.database.transaction() as connection:
        return (await charges.settle(connection, stage.bus, payment, now=NOW)).believed


async def test_a_late_payment_is_given_back_by_itself(stage: Stage) -> None:
    """
    Its money comes and goes; it buys nothing, and nothing is owed for it.
    """
    charge_id, payment = await late_payment(stage)
    giving = Giving(stage, charge_id, payment.id)

    assert await believed(stage, payment) == "parked"
    assert await giving.dollars() == {"processor": PRICE, "refunded": -PRICE}
    (asked,) = await giving.all()
    done = await giving.finish(asked.id)

    assert (asked.asked_by, asked.amount_cents, done.state) == ("system", PRICE, "succeeded")
    assert await giving.dollars() == {}
    assert giving.theirs() == [("succeeded", PRICE)]
    assert (await stage.charge(charge_id)).refund_state == "refunded"
    assert await giving.breaches() == []


async def test_a_late_payment_heard_by_many_at_once_is_given_back_once(stage: Stage) -> None:
    """
    Any number of times, by any number at once.
    """
    charge_id, payment = await late_payment(stage)
    giving = Giving(stage, charge_id, payment.id)

    heard = await asyncio.gather(*(believed(stage, payment) for _ in range(8)))
    refunds = await giving.all()
    await asyncio.gather(*(giving.advance(refund.id) for refund in refunds * 4))

    assert sorted(heard) == ["already"] * 7 + ["parked"]
    assert len(refunds) == 1
    assert giving.theirs() == [("succeeded", PRICE)]
    assert await giving.dollars() == {}
    assert await giving.breaches() == []


@pytest.mark.damages_books("nobody gives back what came late")
async def test_planted_bug_a_late_payment_nobody_gives_back_would_be_noticed(stage: Stage) -> None:
    """
    Without its subscriber the money is posted and kept; the promise C-13 says so.
    """
    charge_id, payment = await late_payment(stage)
    giving = Giving(stage, charge_id, payment.id)
    deaf = type(stage.bus)()

    async with stage.database.transaction() as connection:
        await charges.settle(connection, deaf, payment, now=NOW)

    assert await giving.breaches() == ["C-13"]


async def test_the_late_money_is_shown_with_its_charge(stage: Stage) -> None:
    """
    With the posting that says where it came from.
    """
    charge_id, payment = await late_payment(stage)
    await believed(stage, payment)

    explained = await stage.explained(charge_id)

    assert [posting.leg for posting in explained.postings] == ["late"]
    assert (explained.charge.state, explained.charge.parked_reason) == ("canceled", "paid_after_end")
