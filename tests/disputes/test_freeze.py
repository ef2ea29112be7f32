"""
A customer who took a charge back is not charged until that is settled; what waits is shown, told and goes on.
"""

import asyncpg
import pytest

from charges.stage import NOW, SECOND
from charges.test_crashes import Died, dying
from charges.test_declines import notices
from disputes.disputing import LATER, Court, moved, reading
from rsolv import charges
from rsolv.audit import SYSTEM
from rsolv.disputes import DISPUTED


async def test_a_new_charge_waits_and_is_told_while_a_dispute_stands(court: Court) -> None:
    """
    The debt is open, the fix is recorded, nothing moves, and it has no time at which it would go on by itself.
    """
    await court.disputed()
    before = await court.money()

    held = await court.held()

    assert (held.state, held.parked_reason, held.wake_at) == ("prepared", DISPUTED, None)
    assert (await notices(court.stage))[-1] == DISPUTED
    assert await court.stage.owner.fetchval("SELECT count(*) FROM charge_debts WHERE state = 'open'") == 1
    assert await court.stage.owner.fetchval("SELECT state FROM fixes WHERE id = $1", held.fix_id) == "charging"
    assert await court.money() == before
    assert await court.breaches() == []


async def test_what_waited_goes_on_when_the_dispute_is_won(court: Court) -> None:
    """
    Each exactly once.
    """
    charge, dispute_id = await court.disputed()
    waiting = [await court.held() for _ in range(2)]
    await court.decide(dispute_id, won=True)
    await court.look(dispute_id, at=LATER)

    assert await court.retry(at=LATER) == 1
    ended = [await court.stage.finish(each.id, at=LATER, machine=court.machine) for each in waiting]

    assert [each.state for each in ended] == ["succeeded"] * 2
    cents = sum(each.amount_cents for each in [charge, *waiting])
    assert await court.money() == {"processor": cents, "revenue": -cents}
    assert await court.breaches() == []


async def test_what_waited_goes_on_when_an_operator_releases_it(court: Court) -> None:
    """
    Also after a loss; what was taken stays taken.
    """
    charge, dispute_id = await court.disputed()
    await court.decide(dispute_id, won=False)
    await court.look(dispute_id, at=LATER)
    held = await court.held()

    assert await court.release() == 1
    assert await court.retry() == 1

    known = await court.dispute(dispute_id)
    assert (known.freezes_charges, known.released_by, known.release_reason) == (
        False,
        "operator:ada",
        "paid by transfer",
    )
    assert (await court.stage.finish(held.id, machine=court.machine)).state == "succeeded"
    assert (await court.money())["receivable"] == charge.amount_cents
    assert await court.breaches() == []


async def test_releasing_again_changes_nothing(court: Court) -> None:
    """
    Nor does releasing somebody who is not frozen.
    """
    assert await court.release() == 0
    await court.disputed()
    await court.release()
    acts = await court.acts()

    assert await court.release(at=LATER) == 0

    assert await court.acts() == acts
    assert await court.retry() == 1


async def test_a_release_holds_for_what_there_is(court: Court) -> None:
    """
    Reading the same again freezes nobody; the next withdrawal does.
    """
    first, second = await court.pay(), await court.pay()
    await court.settle(reading(first, "du_1"))
    await court.release()

    await court.settle(moved(first, "lost", 1, "du_1"), at=LATER)
    assert not await court.is_frozen()
    await court.settle(reading(second, "du_2"))

    assert await court.is_frozen()
    assert await court.breaches() == []


async def test_one_of_two_disputes_won_lifts_nothing(court: Court) -> None:
    """
    The freeze is lifted with the last of them.
    """
    first, second = await court.pay(), await court.pay()
    await court.settle(reading(first, "du_1"))
    await court.settle(reading(second, "du_2"))

    await court.settle(moved(first, "won", 2, "du_1"))
    assert (await court.is_frozen(), await court.retry()) == (True, 0)
    await court.settle(moved(second, "won", 2, "du_2"))

    assert (await court.is_frozen(), await court.retry()) == (False, 1)


async def test_another_customer_is_charged_as_always(court: Court) -> None:
    """
    A freeze is one customer's.
    """
    await court.disputed()

    others = await court.stage.owner.fetchval("SELECT count(*) FROM charge_freezes WHERE is_frozen")

    assert others == 1
    assert await court.stage.owner.fetchval("SELECT customer_id FROM charge_freezes") == court.stage.customer_id


@pytest.mark.parametrize("point", ["X7", "X9"])
async def test_an_attempt_is_not_repeated_after_a_freeze(court: Court, point: str) -> None:
    """
    Also one that was armed is not sent when the worker that armed it died before.
    """
    paid = await court.pay()
    charge_id = await court.stage.fix()
    machine = court.stage.machine(cap=court.machine.cap, at=dying(point))
    with pytest.raises(Died):
        await court.stage.advance(charge_id, machine=machine)
    await court.settle(reading(paid))

    held = await court.stage.finish(charge_id, machine=court.machine)

    assert (held.state, held.parked_reason) == ("prepared", DISPUTED)
    assert len(court.stage.paid()) == 1


async def test_a_charge_that_was_paid_before_the_freeze_is_settled(court: Court) -> None:
    """
    The answer was lost: reading the truth is no new charge.
    """
    paid = await court.pay()
    charge_id = await court.stage.fix()
    with pytest.raises(Died):
        await court.stage.advance(charge_id, machine=court.stage.machine(cap=court.machine.cap, at=dying("X10")))
    await court.settle(reading(paid))

    assert (await court.stage.finish(charge_id, machine=court.machine)).state == "succeeded"
    assert await court.breaches() == []


async def test_a_new_card_sets_nothing_going_that_is_frozen(court: Court) -> None:
    """
    Nor does an operator who only retries: the last look holds it again.
    """
    await court.disputed()
    held = await court.held()

    await court.stage.add_card("pm_card_mastercard", at=LATER)
    assert (await court.stage.charge(held.id)).parked_reason == DISPUTED
    async with court.stage.database.transaction() as connection:
        await charges.retry_charge(
            connection, customer_id=court.stage.customer_id, charge_id=held.id, actor=SYSTEM, now=LATER
        )
    again = await court.stage.finish(held.id, at=LATER, machine=court.machine)

    assert (again.parked_reason, again.wake_at) == (DISPUTED, None)


async def test_a_charge_that_is_given_up_ends_also_while_frozen(court: Court) -> None:
    """
    Ending takes no money.
    """
    await court.disputed()
    held = await court.held()
    async with court.stage.database.transaction() as connection:
        await charges.cancel_debt(
            connection,
            customer_id=court.stage.customer_id,
            charge_id=held.id,
            actor=SYSTEM,
            reason="test",
            now=NOW + SECOND,
        )

    assert (await court.stage.finish(held.id, at=NOW + SECOND, machine=court.machine)).state == "canceled"


async def test_the_database_refuses_a_charge_that_nobody_held(court: Court) -> None:
    """
    A worker that forgets to ask is stopped before it calls Stripe.
    """
    await court.disputed()
    charge_id = await court.stage.fix()
    paid = len(court.stage.paid())

    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="are frozen"):
        await court.stage.advance(charge_id, machine=court.stage.machine())

    assert len(court.stage.paid()) == paid


async def test_planted_bug_a_worker_that_forgets_to_ask_charges(court: Court) -> None:
    """
    Without the trigger above the charge is made: what was tested is what stops it.
    """
    await court.disputed()
    charge_id = await court.stage.fix()
    await court.stage.owner.execute("DROP TRIGGER charge_intents_not_while_frozen ON charge_intents")

    assert (await court.stage.advance(charge_id, machine=court.stage.machine())).state == "succeeded"


@pytest.mark.damages_books("each case breaks one promise")
@pytest.mark.parametrize(
    ("statement", "invariant"),
    [
        ("UPDATE charge_freezes SET is_frozen = false", "D-2"),
        ("UPDATE disputes SET money = 'restored', parked_reason = 'test'", "D-1 D-3"),
        ("UPDATE reversals SET kind = 'refund'", "D-1"),
    ],
)
async def test_planted_bug_what_the_code_cannot_do_is_noticed(court: Court, statement: str, invariant: str) -> None:
    """
    Books, disputes and freezes that do not agree are named.
    """
    await court.disputed()
    for table in ("disputes", "reversals"):
        await court.stage.owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    await court.stage.owner.execute(statement)

    breached = {finding.id for finding in await court.breaches()}

    assert set(invariant.split()) <= breached


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE disputes SET movements = 0",
        "UPDATE disputes SET money = 'untouched', taken_at_movement = NULL, parked_reason = 'test'",
        "UPDATE disputes SET money = 'restored'",
        "UPDATE disputes SET is_withdrawn = false, parked_reason = 'test'",
        "UPDATE disputes SET stripe_dispute_id = 'du_2'",
        "UPDATE disputes SET wake_at = NULL, closed_at = NULL",
        "UPDATE disputes SET released_at = now()",
        "DELETE FROM disputes",
        "DELETE FROM stripe_disputes",
        "UPDATE stripe_disputes SET dispute_id = 7",
        "INSERT INTO stripe_disputes SELECT 'du_3', customer_id, dispute_id FROM stripe_disputes",
    ],
)
async def test_the_database_refuses_what_the_code_would_not_do(court: Court, statement: str) -> None:
    """
    Also its owner.
    """
    await court.disputed()

    with pytest.raises(asyncpg.PostgresError):
        await court.stage.owner.execute(statement)
