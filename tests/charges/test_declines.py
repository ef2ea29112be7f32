"""
A bank that says no, and one that wants to hear it from the customer.
"""

from datetime import timedelta

import pytest

from charges.stage import NOW, SECOND, Stage
from charges.test_crashes import Died, dying
from stripe_twin.core.faults import Fault, FaultKind
from stripe_twin.payments import finish_authentication

CONFIRM = "/v1/payment_intents/{intent}/confirm"
DECLINING = "pm_card_chargeCustomerFail"
DAY = timedelta(days=1)


async def notices(stage: Stage) -> list[str]:
    """
    Return what the customer is to be told, in order.
    """
    rows = await stage.owner.fetch(
        """
        SELECT convert_from(payload, 'utf8')::jsonb ->> 'notice' AS notice FROM pgqueuer
        WHERE entrypoint = 'mail.send_charge_notice' ORDER BY id
        """
    )
    return [row["notice"] for row in rows]


async def test_a_declined_charge_is_tried_again_by_the_schedule(stage: Stage) -> None:
    """
    Now, and 1, 3, 5 and 7 days later; the customer is told each time; then it rests, declined, for an operator.
    """
    await stage.add_card(DECLINING, at=NOW + SECOND)
    charge_id = await stage.fix()
    due = []
    charge = await stage.advance(charge_id)
    while charge.wake_at is not None:
        due.append(charge.wake_at - NOW)
        charge = await stage.advance(charge_id, at=charge.wake_at)

    assert due == [DAY, 3 * DAY, 5 * DAY, 7 * DAY]
    assert (charge.state, charge.declines, charge.parked_reason) == ("declined", 5, "dunning_exhausted")
    assert await notices(stage) == ["declined"] * 5 + ["dunning_exhausted"]
    assert len({attempt.key for attempt in (await stage.explained(charge_id)).attempts}) == 6
    assert len(stage.theirs()) == 1, "one payment for life"
    await stage.require_nothing_moved()


async def test_what_was_declined_is_shown(stage: Stage) -> None:
    """
    With Stripe's words for the reason, and the request of each attempt.
    """
    await stage.add_card(DECLINING, at=NOW + SECOND)
    charge_id = await stage.fix()

    charge = await stage.advance(charge_id)

    attempt = (await stage.explained(charge_id)).attempts[-1]
    assert (charge.state, charge.failure_code, charge.decline_code) == ("declined", "card_declined", "generic_decline")
    assert attempt.outcome == "declined"
    assert str(attempt.stripe_request_id).startswith("req_")


async def test_a_card_that_may_not_be_tried_again_is_not(stage: Stage) -> None:
    """
    A lost card: the first attempt is the last, until another card comes.
    """
    with stage.twin.store.unit():
        for card in stage.twin.store.all("_card"):
            stage.twin.store.edit("_card", card["id"])["number"] = "4000000000009987"
    charge_id = await stage.fix()

    charge = await stage.advance(charge_id)

    assert (charge.state, charge.parked_reason, charge.wake_at) == ("declined", "card_refused", None)
    await stage.require_nothing_moved()


@pytest.mark.parametrize("days", [0, 2, 30])
async def test_a_new_card_is_charged_at_once(stage: Stage, days: int) -> None:
    """
    Whether the schedule still runs or is exhausted: the same payment is confirmed with the new card.
    """
    await stage.add_card(DECLINING, at=NOW + SECOND)
    charge_id, at = await stage.fix(), NOW + timedelta(days=days)
    charge = await stage.advance(charge_id)
    while charge.wake_at is not None and charge.wake_at <= at:
        charge = await stage.advance(charge_id, at=charge.wake_at)
    await stage.add_card("pm_card_visa", at=at)

    await stage.advance(charge_id, at=at)

    await stage.require_paid_once(charge_id)
    assert len(stage.theirs()) == 1


async def test_a_card_that_comes_while_the_old_one_is_declined_is_not_forgotten(stage: Stage) -> None:
    """
    The worker was confirming with the old one; the charge is due again at once, not after a day.
    """
    await stage.add_card(DECLINING, at=NOW + SECOND)
    charge_id = await stage.fix()
    stage.twin.faults.plan([Fault("timeout_after", method="POST", template=CONFIRM)])
    await stage.advance(charge_id)
    await stage.add_card("pm_card_visa", at=NOW + 2 * SECOND)

    charge = await stage.advance(charge_id, at=NOW + 10 * SECOND)

    assert (charge.state, charge.wake_at) == ("declined", NOW + 10 * SECOND)
    await stage.finish(charge_id)
    await stage.require_paid_once(charge_id)


@pytest.mark.parametrize("kind", ["timeout_after", "cut_body"])
async def test_a_decline_that_is_read_later_is_treated_as_one_that_is_heard(stage: Stage, kind: FaultKind) -> None:
    """
    The answer was lost, the payment tells: dunning is scheduled, the customer told.
    """
    await stage.add_card(DECLINING, at=NOW + SECOND)
    charge_id = await stage.fix()
    stage.twin.faults.plan([Fault(kind, method="POST", template=CONFIRM)])
    unknown = await stage.advance(charge_id)

    assert unknown.wake_at is not None
    charge = await stage.advance(charge_id, at=unknown.wake_at)

    assert (charge.state, charge.declines, charge.wake_at) == ("declined", 1, unknown.wake_at + DAY)
    assert await notices(stage) == ["declined"]


async def test_the_last_decline_is_not_taken_for_the_next_ones(stage: Stage) -> None:
    """
    The second attempt never arrived. The payment still shows how the first one failed, and that is not counted again.
    """
    await stage.add_card(DECLINING, at=NOW + SECOND)
    charge_id = await stage.fix()
    await stage.advance(charge_id)
    stage.twin.faults.plan([Fault("timeout_before", method="POST", template=CONFIRM)])
    unknown = await stage.advance(charge_id, at=NOW + DAY)

    assert unknown.wake_at is not None
    charge = await stage.advance(charge_id, at=unknown.wake_at)

    confirms = [each for each in (await stage.explained(charge_id)).attempts if each.kind == "confirm"]
    assert [(each.number, each.tries, each.outcome) for each in confirms] == [(1, 1, "declined"), (2, 2, "declined")]
    assert charge.declines == 2


@pytest.mark.parametrize("point", ["X9", "X10", "X11"])
async def test_dying_around_a_decline_declines_once(stage: Stage, point: str) -> None:
    """
    Counted once, told once.
    """
    await stage.add_card(DECLINING, at=NOW + SECOND)
    charge_id = await stage.fix()
    died = False
    try:
        await stage.advance(charge_id, machine=stage.machine(at=dying(point)))
    except Died:
        died = True
    await stage.end_leases()

    charge = await stage.charge(charge_id)
    while charge.state != "declined":
        assert charge.wake_at is not None
        charge = await stage.advance(charge_id, at=charge.wake_at)

    assert died == (point != "X11"), "a decline is heard, and not read"
    assert charge.declines == 1
    assert await notices(stage) == ["declined"]


async def test_a_bank_that_wants_the_customer_has_not_declined(stage: Stage) -> None:
    """
    The charge waits for them, looking from time to time; nothing is counted against the card.
    """
    await stage.add_card("pm_card_authenticationRequired", at=NOW + SECOND)
    charge_id = await stage.fix()

    charge = await stage.advance(charge_id)

    assert (charge.state, charge.declines, charge.parked_reason) == ("requires_action", 0, None)
    assert charge.wake_at is not None
    assert await notices(stage) == ["requires_action"]
    await stage.require_nothing_moved()


async def test_a_customer_who_authenticates_has_paid(stage: Stage) -> None:
    """
    On a page of Stripe's; the next look finds it.
    """
    await stage.add_card("pm_card_authenticationRequired", at=NOW + SECOND)
    charge_id = await stage.fix()
    charge = await stage.advance(charge_id)
    payment_id = str(charge.stripe_payment_id)
    card = stage.theirs()[0]["last_payment_error"]["payment_method"]["id"]
    await stage.gateway.confirm_payment(
        payment_id, payment_method_id=card, key="here", return_url="https://example.com/"
    )
    waiting = await stage.advance(charge_id, at=NOW + timedelta(minutes=1))
    with stage.twin.store.unit():
        finish_authentication(stage.twin.account, payment_id, succeeded=True)

    await stage.finish(charge_id)

    assert waiting.state == "requires_action"
    await stage.require_paid_once(charge_id)


@pytest.mark.parametrize(
    ("card", "recognised"),
    [
        ("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", True),
        ("pm_card_authenticationRequired", False),
    ],
    ids=["no-money", "not-recognised"],
)
async def test_a_customer_who_authenticates_in_vain_is_declined(stage: Stage, card: str, *, recognised: bool) -> None:
    """
    The bank heard from them, and said no.
    """
    await stage.add_card(card, at=NOW + SECOND)
    charge_id = await stage.fix()
    payment_id = str((await stage.advance(charge_id)).stripe_payment_id)
    method = stage.theirs()[0]["last_payment_error"]["payment_method"]["id"]
    await stage.gateway.confirm_payment(
        payment_id, payment_method_id=method, key="here", return_url="https://example.com/"
    )
    with stage.twin.store.unit():
        finish_authentication(stage.twin.account, payment_id, succeeded=recognised)

    charge = await stage.advance(charge_id, at=NOW + timedelta(hours=2))

    assert (charge.state, charge.declines) == ("declined", 1)
    await stage.require_nothing_moved()


async def test_a_customer_who_never_comes_is_waited_for_a_week(stage: Stage) -> None:
    """
    Then the charge rests until another card comes, which is charged by the same payment.
    """
    await stage.add_card("pm_card_authenticationRequired", at=NOW + SECOND)
    charge_id = await stage.fix()

    charge = await stage.finish(charge_id)

    assert (charge.state, charge.parked_reason) == ("requires_action", "action_expired")
    assert await notices(stage) == ["requires_action", "action_expired"]
    await stage.add_card("pm_card_visa", at=NOW + 9 * DAY)
    await stage.finish(charge_id, at=NOW + 9 * DAY)
    await stage.require_paid_once(charge_id)
    assert len(stage.theirs()) == 1
