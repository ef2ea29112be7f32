"""
Giving a debt up: Stripe has the last word.
"""

import asyncio

import pytest

from charges.stage import NOW, SECOND, Stage
from charges.test_crashes import Died, Sleepy, dying
from rsolv import charges
from rsolv.audit import Actor
from stripe_twin.core.faults import KINDS, Fault, FaultKind

ADA = Actor("operator", "ada")


async def cancel(stage: Stage, charge_id: int) -> charges.Charge:
    """
    Have the operator drop a debt.
    """
    async with stage.database.transaction() as connection:
        return await charges.cancel_debt(
            connection, customer_id=stage.customer_id, charge_id=charge_id, actor=ADA, reason="a mistake", now=NOW
        )


async def give_up(stage: Stage, charge_id: int) -> charges.Charge:
    """
    Have the operator write a debt off.
    """
    async with stage.database.transaction() as connection:
        return await charges.give_up(
            connection, customer_id=stage.customer_id, charge_id=charge_id, actor=ADA, reason="bankrupt", now=NOW
        )


async def require_canceled(stage: Stage, charge_id: int) -> None:
    """
    Insist that the debt is dropped, here and at Stripe.
    """
    assert (await stage.charge(charge_id)).state == "canceled"
    assert await stage.owner.fetchval("SELECT state FROM charge_debts") == "canceled"
    assert [intent["status"] for intent in stage.theirs() if intent["status"] == "succeeded"] == []
    await stage.require_nothing_moved()


async def test_a_debt_is_dropped_before_anybody_was_asked(stage: Stage) -> None:
    """
    Nothing is made at Stripe.
    """
    charge_id = await stage.fix()
    await cancel(stage, charge_id)

    await stage.finish(charge_id)

    await require_canceled(stage, charge_id)
    assert stage.theirs() == []


@pytest.mark.parametrize("point", ["X3", "X4", "X5", "X6", "X7", "X8", "X9"])
async def test_a_debt_is_dropped_wherever_its_worker_died_before_the_payment(stage: Stage, point: str) -> None:
    """
    A payment that we know of is canceled at Stripe first; one that we do not know of stays unconfirmed.
    """
    charge_id = await stage.fix()
    with pytest.raises(Died):
        await stage.advance(charge_id, machine=stage.machine(at=dying(point)))
    await cancel(stage, charge_id)

    await stage.finish(charge_id)

    await require_canceled(stage, charge_id)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "slow"])
async def test_a_fault_while_it_is_dropped_changes_nothing(stage: Stage, kind: FaultKind) -> None:
    """
    Tried again, the payment is canceled.
    """
    charge_id = await stage.fix()
    with pytest.raises(Died):
        await stage.advance(charge_id, machine=stage.machine(at=dying("X7")))
    await cancel(stage, charge_id)
    stage.twin.faults.plan([Fault(kind)])

    await stage.finish(charge_id)

    await require_canceled(stage, charge_id)


async def test_what_is_paid_by_then_is_paid(stage: Stage) -> None:
    """
    The worker had confirmed before it died: the debt cannot be dropped any more, only refunded.
    """
    charge_id = await stage.fix()
    with pytest.raises(Died):
        await stage.advance(charge_id, machine=stage.machine(at=dying("X10")))
    await cancel(stage, charge_id)

    await stage.finish(charge_id)

    await stage.require_paid_once(charge_id)
    with pytest.raises(charges.ChargeCannotEnd):
        await cancel(stage, charge_id)


async def test_dropping_and_charging_at_once_end_in_one_of_both(stage: Stage) -> None:
    """
    Paid and posted, or canceled and neither.
    """
    stage.twin.faults.latency_seconds = 0.002
    charge_ids = [await stage.fix() for _ in range(6)]

    await asyncio.gather(
        *(stage.advance(charge_id) for charge_id in charge_ids), *(cancel(stage, each) for each in charge_ids)
    )
    ended = [await stage.finish(charge_id, at=NOW + SECOND) for charge_id in charge_ids]

    assert {charge.state for charge in ended} <= {"succeeded", "canceled"}
    assert len(stage.paid()) == sum(charge.state == "succeeded" for charge in ended)
    assert await stage.breaches() == []


@pytest.mark.parametrize("card", ["pm_card_chargeCustomerFail", "pm_card_authenticationRequired"])
async def test_a_debt_dropped_while_its_worker_hears_a_no_ends_at_once(stage: Stage, card: str) -> None:
    """
    Not on the next day of the dunning schedule, nor when the customer has been waited for.
    """
    await stage.add_card(card, at=NOW + SECOND)
    charge_id = await stage.fix()
    asleep, awake = asyncio.Event(), asyncio.Event()
    sleepy = stage.machine(gateway=Sleepy(stage.gateway, asleep, awake))
    worker = asyncio.create_task(stage.advance(charge_id, machine=sleepy))
    await asleep.wait()
    await cancel(stage, charge_id)
    awake.set()

    assert (await worker).wake_at == NOW
    await stage.advance(charge_id)
    await require_canceled(stage, charge_id)


async def test_asking_twice_is_asking_once(stage: Stage) -> None:
    """
    Before it has ended, and after.
    """
    charge_id = await stage.fix()
    await cancel(stage, charge_id)
    await cancel(stage, charge_id)
    await stage.finish(charge_id)

    assert (await cancel(stage, charge_id)).state == "canceled"


async def test_a_declined_charge_is_written_off(stage: Stage) -> None:
    """
    Its payment is canceled, so that nobody can pay it any more.
    """
    await stage.add_card("pm_card_chargeCustomerFail", at=NOW + SECOND)
    charge_id = await stage.fix()
    await stage.advance(charge_id)
    await give_up(stage, charge_id)

    charge = await stage.finish(charge_id)

    assert charge.state == "uncollectible"
    assert await stage.owner.fetchval("SELECT state FROM charge_debts") == "uncollectible"
    assert [intent["status"] for intent in stage.theirs()] == ["canceled"]
    await stage.require_nothing_moved()


async def test_only_a_declined_charge_can_be_written_off(stage: Stage) -> None:
    """
    Not one that may yet be paid.
    """
    charge_id = await stage.fix()

    with pytest.raises(charges.ChargeCannotEnd):
        await give_up(stage, charge_id)


async def test_a_charge_of_nobody_cannot_be_ended(stage: Stage) -> None:
    """
    Nor another customer's.
    """
    with pytest.raises(charges.UnknownCharge):
        await cancel(stage, 404)
