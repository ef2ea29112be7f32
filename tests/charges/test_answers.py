"""
What each answer of Stripe's to a confirmation means, and what comes next.
"""

from datetime import timedelta

import pytest

from charges.stage import NOW, SECOND, Stage
from charges.test_crashes import Died, dying
from rsolv.kernel.secret import Secret
from rsolv.stripe_gateway.client import GatewayOptions, open_gateway
from stripe_twin.core.faults import Fault, FaultKind
from stripe_twin.embedded import TwinTransport

CONFIRM = "/v1/payment_intents/{intent}/confirm"


async def died_armed(stage: Stage) -> int:
    """
    Leave a charge whose worker died before it confirmed the payment.
    """
    charge_id = await stage.fix()
    with pytest.raises(Died):
        await stage.advance(charge_id, machine=stage.machine(at=dying("X9")))
    await stage.end_leases()
    return charge_id


async def attempts_of(stage: Stage, charge_id: int) -> list[tuple[int, int, str | None]]:
    """
    Return the attempts to confirm: number, tries, outcome.
    """
    explained = await stage.explained(charge_id)
    return [(each.number, each.tries, each.outcome) for each in explained.attempts if each.kind == "confirm"]


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("refused", "not_executed"),
        ("rate_limited", "not_executed"),
        ("conflict", "not_executed"),
        ("timeout_before", "unknown"),
        ("timeout_after", "unknown"),
        ("cut_body", "unknown"),
        ("error_stored", "unknown"),
        ("error_not_stored", "unknown"),
    ],
)
async def test_an_uncertain_answer_is_never_taken_for_a_decline(stage: Stage, kind: FaultKind, outcome: str) -> None:
    """
    The charge is unknown until the payment has been read, and comes back within seconds to do that.
    """
    charge_id = await stage.fix()
    stage.twin.faults.plan([Fault(kind, method="POST", template=CONFIRM)])

    charge = await stage.advance(charge_id)

    assert (charge.state, charge.declines, charge.parked_reason) == ("unknown", 0, None)
    assert charge.wake_at is not None
    assert NOW < charge.wake_at <= NOW + 5 * SECOND
    assert await attempts_of(stage, charge_id) == [(1, 1, outcome)]
    await stage.finish(charge_id)
    await stage.require_paid_once(charge_id)


@pytest.mark.parametrize(
    ("kind", "attempts"),
    [
        ("rate_limited", [(1, 2, "succeeded")]),
        ("timeout_before", [(1, 2, "succeeded")]),
        ("timeout_after", [(1, 1, "succeeded")]),
        ("error_not_stored", [(1, 2, "succeeded")]),
        ("error_stored", [(1, 3, "unknown"), (2, 1, "succeeded")]),
    ],
)
async def test_the_same_attempt_is_repeated_until_it_is_certain(
    stage: Stage, kind: FaultKind, attempts: list[tuple[int, int, str]]
) -> None:
    """
    A new key comes only after Stripe repeated its own error three times, and the payment was read and is confirmable.
    """
    charge_id = await stage.fix()
    stage.twin.faults.plan([Fault(kind, method="POST", template=CONFIRM)])

    await stage.finish(charge_id)

    assert await attempts_of(stage, charge_id) == attempts


async def test_a_payment_that_had_succeeded_is_read_and_believed(stage: Stage) -> None:
    """
    Confirmed behind our back, it is in a state that the confirmation did not expect: 400, with the payment inside.
    """
    charge_id = await died_armed(stage)
    charge = await stage.charge(charge_id)
    card = stage.twin.store.all("payment_method")[0]["id"]
    await stage.gateway.confirm_payment(str(charge.stripe_payment_id), payment_method_id=card, key="another")

    await stage.finish(charge_id)

    await stage.require_paid_once(charge_id)


async def test_a_restored_copy_meets_the_payment_that_was_made_since(stage: Stage) -> None:
    """
    Here nothing is known of a confirmation: it is tried again, refused, read and believed.
    """
    charge_id = await stage.fix()
    with pytest.raises(Died):
        await stage.advance(charge_id, machine=stage.machine(at=dying("X7")))
    charge = await stage.charge(charge_id)
    card = stage.twin.store.all("payment_method")[0]["id"]
    await stage.gateway.confirm_payment(str(charge.stripe_payment_id), payment_method_id=card, key="before")

    await stage.finish(charge_id)

    await stage.require_paid_once(charge_id)


async def test_a_key_that_was_used_for_something_else_parks_the_charge(stage: Stage) -> None:
    """
    A mistake of ours: never a new key, an operator looks.
    """
    charge_id = await died_armed(stage)
    key = (await stage.explained(charge_id)).attempts[-1].key
    await stage.gateway.create_customer(email="other@example.com", name="Other", metadata={}, key=key)

    charge = await stage.finish(charge_id)

    assert (charge.state, charge.parked_reason) == ("unknown", "key_reused")
    await stage.require_nothing_moved()


@pytest.mark.damages_books("the guard of attempts is switched off")
@pytest.mark.parametrize("point", ["X4", "X9"], ids=["creating", "confirming"])
async def test_what_would_not_be_sent_again_as_it_was_parks_the_charge(stage: Stage, point: str) -> None:
    """
    A release in between asks Stripe otherwise under the same key: noticed here, before Stripe would refuse it.
    """
    charge_id = await stage.fix()
    with pytest.raises(Died):
        await stage.advance(charge_id, machine=stage.machine(at=dying(point)))
    await stage.owner.execute("ALTER TABLE charge_attempts DISABLE TRIGGER USER")
    await stage.owner.execute("UPDATE charge_attempts SET parameter_hash = repeat('0', 64)")

    charge = await stage.finish(charge_id)

    assert charge.parked_reason == "parameters_changed"
    await stage.require_nothing_moved()


async def test_a_payment_that_was_made_otherwise_is_not_taken(stage: Stage) -> None:
    """
    Somebody made one in the charge's name, of another amount: found in place of the lost one, it parks the charge.
    """
    charge_id = await stage.fix()
    stage.twin.faults.plan([Fault("timeout_after", method="POST")])
    await stage.advance(charge_id)
    with stage.twin.store.unit():
        stage.twin.store.edit("payment_intent", stage.theirs()[0]["id"])["amount"] = 50

    charge = await stage.finish(charge_id, at=NOW + timedelta(days=2))

    assert (charge.state, charge.parked_reason) == ("preparing", "amount_differs")
    await stage.require_nothing_moved()


async def test_a_payment_that_cannot_be_created_for_a_day_is_told(stage: Stage) -> None:
    """
    It goes on being tried, beside that.
    """
    charge_id = await stage.fix()
    stage.twin.faults.plan([Fault("refused", times=None)])
    await stage.advance(charge_id)

    charge = await stage.advance(charge_id, at=NOW + timedelta(hours=22))
    assert (charge.parked_reason, charge.wake_at is None) == (None, False)
    charge = await stage.advance(charge_id, at=NOW + timedelta(days=2))
    assert (charge.parked_reason, charge.wake_at is None) == ("unresolved", False)
    stage.twin.faults.clear()
    await stage.finish(charge_id)
    await stage.require_paid_once(charge_id)


async def test_a_dead_card_parks_the_charge_until_a_new_one_comes(stage: Stage) -> None:
    """
    Detached at Stripe and not here: 400, nothing happened. The new card is charged at once.
    """
    charge_id = await stage.fix()
    card = stage.twin.store.all("payment_method")[0]["id"]
    await stage.gateway.detach_payment_method(card, key="detach")

    charge = await stage.finish(charge_id)
    assert (charge.state, charge.parked_reason) == ("unknown", "refused_by_stripe")
    await stage.require_nothing_moved()
    await stage.add_card("pm_card_mastercard", at=NOW + SECOND)
    await stage.finish(charge_id)

    await stage.require_paid_once(charge_id)


async def test_a_key_without_rights_is_no_fault_of_the_charge(stage: Stage) -> None:
    """
    The installation's secret is wrong: charges wait until it is put right.
    """
    charge_id = await stage.fix()
    options = GatewayOptions(api_key=Secret("wrong"))
    async with open_gateway(options, TwinTransport(stage.twin)) as wrong:
        for minutes in range(3):
            charge = await stage.advance(
                charge_id, at=NOW + timedelta(minutes=minutes), machine=stage.machine(gateway=wrong)
            )
            assert (charge.parked_reason, charge.wake_at is None) == (None, False)

    await stage.finish(charge_id)

    await stage.require_paid_once(charge_id)


async def test_a_payment_in_progress_is_waited_for(stage: Stage) -> None:
    """
    Not final: it is read again and again, less and less often, and after a day somebody is told.
    """
    charge_id = await died_armed(stage)
    intent_id = str((await stage.charge(charge_id)).stripe_payment_id)
    with stage.twin.store.unit():
        stage.twin.store.edit("payment_intent", intent_id)["status"] = "processing"

    first = await stage.advance(charge_id, at=NOW + timedelta(minutes=1))
    much_later = await stage.advance(charge_id, at=NOW + timedelta(days=2))
    with stage.twin.store.unit():
        stage.twin.store.edit("payment_intent", intent_id)["status"] = "requires_confirmation"
    await stage.finish(charge_id)

    assert (first.state, first.parked_reason) == ("unknown", None)
    assert (much_later.state, much_later.parked_reason) == ("unknown", "unresolved")
    assert much_later.wake_at is not None
    await stage.require_paid_once(charge_id)


async def test_planted_bug_a_charge_without_its_lost_answer_would_be_noticed(stage: Stage) -> None:
    """
    Taken for declined, an uncertain confirmation that had happened leaves a payment that no posting explains.
    """
    charge_id = await stage.fix()
    stage.twin.faults.plan([Fault("timeout_after", method="POST", template=CONFIRM)])
    await stage.advance(charge_id)
    await stage.owner.execute(
        "UPDATE charge_intents SET state = 'declined', wake_at = NULL, parked_reason = 'card_refused'"
    )

    charge = await stage.finish(charge_id)

    assert charge.state == "declined"
    assert len(stage.paid()) == 1
    with pytest.raises(AssertionError):
        await stage.require_paid_once(charge_id)
