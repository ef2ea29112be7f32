"""
Believing Stripe: whoever reads a payment there, once or often, before or after the worker, the charge ends the same.
"""

import asyncio
import dataclasses
from datetime import timedelta

import asyncpg
import pytest

from charges.stage import NOW, Stage
from charges.test_crashes import Died, dying
from rsolv import charges, fixes
from rsolv.stripe_gateway import Payment


async def died_at(stage: Stage, point: str) -> tuple[int, str]:
    """
    Leave a charge whose worker died; return its id and its payment's.
    """
    charge_id = await stage.fix()
    with pytest.raises(Died):
        await stage.advance(charge_id, machine=stage.machine(at=dying(point)))
    return charge_id, str((await stage.charge(charge_id)).stripe_payment_id)


async def believed(stage: Stage, payment: Payment) -> str:
    """
    Settle as a webhook does: with what was just read, and no fence.
    """
    async with stage.database.transaction() as connection:
        return (await charges.settle(connection, stage.bus, payment, now=NOW)).believed


@pytest.mark.parametrize("times", [1, 2, 5])
async def test_a_webhook_settles_what_the_worker_could_not(stage: Stage, times: int) -> None:
    """
    Any number of times, also while the dead worker's lease still runs.
    """
    charge_id, payment_id = await died_at(stage, "X10")
    payment = await stage.gateway.read_payment(payment_id)

    answers = [await believed(stage, payment) for _ in range(times)]

    assert answers == ["settled", "already", "already", "already", "already"][:times]
    await stage.require_paid_once(charge_id)


async def test_webhook_worker_and_poll_at_once_settle_once(stage: Stage) -> None:
    """
    All with the same truth at the same moment.
    """
    charge_id, payment_id = await died_at(stage, "X10")
    await stage.end_leases()
    payment = await stage.gateway.read_payment(payment_id)

    await asyncio.gather(
        *(believed(stage, payment) for _ in range(6)),
        *(stage.advance(charge_id, at=NOW + timedelta(minutes=5)) for _ in range(3)),
    )

    await stage.require_paid_once(charge_id)


@pytest.mark.damages_books("the guard is switched off")
async def test_planted_bug_settling_without_looking_would_be_refused(stage: Stage) -> None:
    """
    With the charge set back to unknown behind its postings, a second settlement meets the cause that posted before.
    """
    _, payment_id = await died_at(stage, "X10")
    payment = await stage.gateway.read_payment(payment_id)
    await believed(stage, payment)
    await stage.owner.execute("ALTER TABLE charge_intents DISABLE TRIGGER USER")
    await stage.owner.execute(
        """
        UPDATE charge_intents SET state = 'unknown', wake_at = now(), settled_at = NULL, money_posting_id = NULL,
                                  credits_posting_id = NULL, consumed_posting_id = NULL
        """
    )
    books = await stage.books()

    assert [finding.id for finding in await stage.breaches()] == ["C-7", "C-2"]
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await believed(stage, payment)
    assert await stage.books() == books


@pytest.mark.parametrize("point", ["X7", "X9"])
async def test_a_payment_somebody_else_confirmed_settles_from_any_state(stage: Stage, point: str) -> None:
    """
    We believed it prepared, or about to be confirmed; Stripe says it is paid, and Stripe knows.
    """
    charge_id, payment_id = await died_at(stage, point)
    card = stage.twin.store.all("payment_method")[0]["id"]
    payment = await stage.gateway.confirm_payment(payment_id, payment_method_id=card, key="elsewhere")

    assert await believed(stage, payment) == "settled"
    await stage.require_paid_once(charge_id)


@pytest.mark.parametrize("point", ["X7", "X9"])
async def test_a_webhook_that_brings_no_news_changes_nothing(stage: Stage, point: str) -> None:
    """
    Made, not confirmed: the worker that holds the charge goes on as it was.
    """
    charge_id, payment_id = await died_at(stage, point)
    before = await stage.owner.fetch("SELECT * FROM charge_intents")

    assert await believed(stage, await stage.gateway.read_payment(payment_id)) == "moved"
    assert await stage.owner.fetch("SELECT * FROM charge_intents") == before
    await stage.finish(charge_id)
    await stage.require_paid_once(charge_id)


async def test_a_payment_that_is_no_charge_of_ours_moves_nothing(stage: Stage) -> None:
    """
    An invoice's payment, say.
    """
    charge_id, payment_id = await died_at(stage, "X7")
    payment = await stage.gateway.read_payment(payment_id)

    assert await believed(stage, dataclasses.replace(payment, id="pi_another", state="succeeded")) == "foreign"
    assert (await stage.charge(charge_id)).state == "prepared"


@pytest.mark.parametrize(
    ("what", "other"),
    [
        ("amount", {"amount_cents": 1}),
        ("received", {"amount_received_cents": 1}),
        ("currency", {"currency": "eur"}),
        ("customer", {"stripe_customer_id": "cus_another"}),
        ("livemode", {"livemode": True}),
        ("metadata", {"metadata": {}}),
    ],
)
async def test_a_payment_that_differs_parks_the_charge(stage: Stage, what: str, other: dict[str, object]) -> None:
    """
    Nothing is posted, somebody is told, and no card cures it.
    """
    charge_id, payment_id = await died_at(stage, "X10")
    payment = dataclasses.replace(await stage.gateway.read_payment(payment_id), **other)

    assert await believed(stage, payment) == "parked"
    charge = await stage.charge(charge_id)
    assert (charge.state, charge.parked_reason, charge.wake_at) == ("confirming", f"{what}_differs", None)
    assert await stage.money() == {}
    assert await stage.breaches() == []


async def test_a_subscriber_that_fails_undoes_the_settlement(stage: Stage) -> None:
    """
    Money, credits, fix and charge move together or not at all.
    """
    charge_id, payment_id = await died_at(stage, "X10")
    payment = await stage.gateway.read_payment(payment_id)
    before = await stage.books()

    async def fail(_connection: object, _event: object) -> None:
        raise Died

    stage.bus.subscribe(charges.ChargeSettled, fail)
    with pytest.raises(Died):
        await believed(stage, payment)

    assert await stage.books() == before
    assert (await stage.charge(charge_id)).state == "confirming"
    assert await stage.owner.fetchval("SELECT state FROM fixes") == "charging"


@pytest.mark.damages_books("nobody hears that a charge is settled")
async def test_planted_bug_a_fix_that_is_not_told_would_be_noticed(stage: Stage) -> None:
    """
    Without its subscriber the fix stays in charging while its credit is consumed.
    """
    charge_id, payment_id = await died_at(stage, "X10")
    deaf = dataclasses.replace(stage, bus=type(stage.bus)())

    await believed(deaf, await stage.gateway.read_payment(payment_id))

    assert [finding.id for finding in await stage.breaches()] == [fixes.INVARIANTS[0].id]
    with pytest.raises(AssertionError):
        await stage.require_paid_once(charge_id)


async def test_a_payment_canceled_at_stripe_ends_the_charge_and_shows_the_debt(stage: Stage) -> None:
    """
    By somebody with access to Stripe's pages: nobody asked us, so the debt stays open and somebody is told.
    """
    charge_id, payment_id = await died_at(stage, "X7")
    await stage.gateway.cancel_payment(payment_id, key="by hand")

    charge = await stage.finish(charge_id)

    assert (charge.state, charge.parked_reason) == ("canceled", "ended_at_stripe")
    assert await stage.owner.fetchval("SELECT state FROM charge_debts") == "open"
    await stage.require_nothing_moved()


@pytest.mark.damages_books("nobody here gives back what came late; tests/refunds does")
async def test_a_late_success_of_a_charge_given_up_is_posted_parked_and_told(stage: Stage) -> None:
    """
    It cannot come from a payment that was ended at Stripe; should it come all the same, nobody overlooks it.
    """
    charge_id, payment_id = await died_at(stage, "X7")
    card = stage.twin.store.all("payment_method")[0]["id"]
    await stage.owner.execute(
        "UPDATE charge_intents SET state = 'canceled', wake_at = NULL, lease_until = NULL WHERE id = $1", charge_id
    )
    payment = await stage.gateway.confirm_payment(payment_id, payment_method_id=card, key="late")

    assert [await believed(stage, payment), await believed(stage, payment)] == ["parked", "already"]
    charge = await stage.charge(charge_id)
    assert (charge.state, charge.parked_reason) == ("canceled", "paid_after_end")
    assert (await stage.money())["usd"] == {"processor": charge.amount_cents, "refunded": -charge.amount_cents}
