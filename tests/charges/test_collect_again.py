"""
A debt whose payment somebody canceled at Stripe: another charge for it, once, or none.
"""

import asyncio

import asyncpg
import pytest

from charges.stage import NOW, SECOND, Stage
from charges.test_crashes import Died, dying
from charges.test_ending import ADA, cancel, give_up
from rsolv import charges
from stripe_twin.core.faults import KINDS, Fault, FaultKind
from stripe_twin.payments import cancel_intent


async def ended_at_stripe(stage: Stage) -> int:
    """
    Leave a charge whose payment was canceled in Stripe's dashboard.
    """
    charge_id = await stage.fix()
    with pytest.raises(Died):
        await stage.advance(charge_id, machine=stage.machine(at=dying("X9")))
    with stage.twin.store.unit():
        cancel_intent(stage.twin.account, stage.theirs()[-1]["id"], None)
    charge = await stage.finish(charge_id)
    assert (charge.state, charge.parked_reason) == ("canceled", "ended_at_stripe")
    return charge_id


async def collect(stage: Stage, charge_id: int) -> charges.Charge:
    """
    Have the operator collect the debt by another charge.
    """
    async with stage.database.transaction() as connection:
        return await charges.collect_again(
            connection, customer_id=stage.customer_id, charge_id=charge_id, actor=ADA, reason="by mistake", now=NOW
        )


async def written(stage: Stage) -> tuple[list[asyncpg.Record], int]:
    """
    Return all charges, and how many jobs and audit entries there are.
    """
    count = "SELECT (SELECT count(*) FROM pgqueuer) + (SELECT count(*) FROM audit_entries)"
    return await stage.owner.fetch("SELECT * FROM charge_intents ORDER BY id"), await stage.owner.fetchval(count)


async def test_a_debt_is_collected_by_another_charge(stage: Stage) -> None:
    """
    At the same price, by a payment of its own, with who wanted it on record.
    """
    ended_id = await ended_at_stripe(stage)

    another = await collect(stage, ended_id)
    await stage.finish(another.id)

    assert another.id != ended_id
    assert another.amount_cents == (await stage.charge(ended_id)).amount_cents
    assert [intent["status"] for intent in stage.theirs()] == ["canceled", "succeeded"]
    facts = await stage.owner.fetchval("SELECT facts::text FROM audit_entries WHERE action = 'charge:collected_again'")
    assert "by mistake" in facts
    await stage.require_paid_once(another.id)


async def test_collecting_again_twice_is_once(stage: Stage) -> None:
    """
    The charge that is alive is returned, also when it is paid.
    """
    ended_id = await ended_at_stripe(stage)
    another = await collect(stage, ended_id)
    before = await written(stage)

    assert await collect(stage, ended_id) == another
    assert await written(stage) == before
    await stage.finish(another.id)
    assert (await collect(stage, ended_id)).state == "succeeded"


async def test_of_many_at_once_one_begins_a_charge(stage: Stage) -> None:
    """
    On connections of their own; all are told of the same one.
    """
    ended_id = await ended_at_stripe(stage)

    found = await asyncio.gather(*(collect(stage, ended_id) for _ in range(6)))

    assert len({charge.id for charge in found}) == 1
    assert await stage.owner.fetchval("SELECT count(*) FROM charge_intents") == 2


@pytest.mark.damages_books("guards are switched off")
async def test_planted_bug_without_the_lock_the_database_refuses_a_second_charge(stage: Stage) -> None:
    """
    Who looks and writes without it meets the index; without that as well a debt would be paid twice, and it shows.
    """
    ended_id = await ended_at_stripe(stage)
    second = await collect(stage, ended_id)
    another = """
        INSERT INTO charge_intents (customer_id, debt_id, wake_at, created_at, moved_at)
        SELECT customer_id, id, now(), now(), now() FROM charge_debts RETURNING id
    """

    with pytest.raises(asyncpg.UniqueViolationError):
        await stage.owner.execute(another)
    await stage.owner.execute("DROP INDEX charge_intents_one_live_per_debt")
    await stage.owner.execute("ALTER TABLE charge_debts DISABLE TRIGGER USER")
    third_id = await stage.owner.fetchval(another)
    await stage.finish(second.id)
    await stage.owner.execute("UPDATE charge_debts SET state = 'open'")
    await stage.finish(third_id)

    assert len(stage.paid()) == 2
    assert "C-2" in [finding.id for finding in await stage.breaches()]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("call", [0, 1], ids=["creating", "confirming"])
async def test_any_single_fault_while_collecting_again_ends_with_one_payment(
    stage: Stage, kind: FaultKind, call: int
) -> None:
    """
    It is a charge like any other.
    """
    another = await collect(stage, await ended_at_stripe(stage))
    stage.twin.faults.plan([Fault(kind, skip=call)])

    await stage.finish(another.id)

    await stage.require_paid_once(another.id)


async def test_what_we_ended_or_what_lives_is_not_collected_again(stage: Stage) -> None:
    """
    Running, dropped, paid; and what is nobody's. Nothing is written.
    """
    dropped_id, running_id, paid_id = [await stage.fix() for _ in range(3)]
    await cancel(stage, dropped_id)
    await stage.finish(dropped_id)
    await stage.finish(paid_id)
    before = await written(stage)

    for charge_id in (dropped_id, running_id, paid_id):
        with pytest.raises(charges.ChargeCannotEnd):
            await collect(stage, charge_id)
    with pytest.raises(charges.UnknownCharge):
        await collect(stage, 404)

    assert await written(stage) == before


async def test_what_was_written_off_meanwhile_is_not_collected_again(stage: Stage) -> None:
    """
    The second charge was declined and given up: the debt is closed.
    """
    ended_id = await ended_at_stripe(stage)
    await stage.add_card("pm_card_chargeCustomerFail", at=NOW + SECOND)
    another = await collect(stage, ended_id)
    await stage.advance(another.id)
    await give_up(stage, another.id)
    await stage.finish(another.id)

    with pytest.raises(charges.ChargeCannotEnd):
        await collect(stage, ended_id)


async def test_what_ended_at_stripe_can_be_dropped_instead(stage: Stage) -> None:
    """
    Then nothing is owed any more, and it is not collected again; not while another charge collects it.
    """
    first_id, second_id = await ended_at_stripe(stage), await ended_at_stripe(stage)
    await collect(stage, second_id)

    assert (await cancel(stage, first_id)).state == "canceled"
    await cancel(stage, first_id)
    with pytest.raises(charges.ChargeCannotEnd):
        await cancel(stage, second_id)

    with pytest.raises(charges.ChargeCannotEnd):
        await collect(stage, first_id)
    states = await stage.owner.fetch("SELECT state FROM charge_debts ORDER BY id")
    assert [row["state"] for row in states] == ["canceled", "open"]
