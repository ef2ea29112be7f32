"""
Events about invoices: a period is paid and credited once per line, whichever event tells it, and however often.
"""

import asyncio
import itertools
from contextlib import suppress

import asyncpg
import pytest

from billing_events.subscribed import (
    ACTION_NEEDED,
    FAILED,
    NOT_FINALIZED,
    NOT_OURS,
    PAID,
    PROCESSED,
    SUCCEEDED,
    PlanPostroom,
)
from charges.test_crashes import Died, dying
from rsolv import billing_events
from stripe_twin.core.faults import KINDS, Fault, FaultKind
from subscriptions.stage import DAY, HOUR

PAYMENT = "payment_intent.succeeded"
MONTH = 30 * DAY + 2 * HOUR
TOLD = [(PAID,), (SUCCEEDED,), (PAID, SUCCEEDED), (SUCCEEDED, PAID)]


async def renewed_unseen(plans: PlanPostroom) -> None:
    """
    Subscribe, hear all of it, and let a month pass in which nobody looks.
    """
    await plans.stage.subscribe()
    await plans.deliver()
    plans.stage.pass_time(MONTH)


@pytest.mark.parametrize("told", TOLD, ids="+".join)
async def test_a_renewal_is_credited_once_whichever_event_tells_it(plans: PlanPostroom, told: tuple[str, ...]) -> None:
    """
    One is enough, and the other one changes nothing more; nor do copies.
    """
    await renewed_unseen(plans)

    outcomes = [await plans.deliver(each) for each in told]
    for event in plans.told(*told):
        await plans.handle(await plans.receive(event, id=f"{event['id']}_again"))

    assert outcomes == [{each: PROCESSED} for each in told]
    await plans.require_periods(2)


async def test_both_events_at_once_credit_once(plans: PlanPostroom) -> None:
    """
    Four workers on as many connections.
    """
    await renewed_unseen(plans)
    ids = await plans.take_in(PAID, SUCCEEDED)

    await asyncio.gather(*(plans.handle(event_id) for event_id in ids * 2))

    assert [(await plans.event(event_id)).outcome for event_id in ids] == ["processed"] * 2
    await plans.require_periods(2)


@pytest.mark.parametrize("point", billing_events.POINTS)
async def test_dying_at_any_point_ends_with_the_period_credited_once(plans: PlanPostroom, point: str) -> None:
    """
    Mark, money and credits are one.
    """
    await renewed_unseen(plans)
    [event_id] = await plans.take_in(PAID)

    with suppress(Died):
        await plans.handle(event_id, box=plans.box(at=dying(point)))
    is_marked = (await plans.event(event_id)).outcome == "processed"
    is_credited = await plans.stage.credits() == 2 * (await plans.stage.newest()).period_credits
    event = await plans.finish(event_id)

    assert is_marked is is_credited
    assert event.outcome == "processed"
    await plans.require_periods(2)


@pytest.mark.damages_books("an event is marked by hand")
async def test_an_invoice_that_is_marked_and_not_posted_is_noticed(
    plans: PlanPostroom, owner: asyncpg.Connection
) -> None:
    """
    The planted bug: somebody marks first and would do the rest later, and dies.
    """
    await renewed_unseen(plans)
    [event_id] = await plans.take_in(PAID)

    await owner.execute(
        "UPDATE billing_events SET outcome = 'processed', wake_at = NULL, handled_at = now() WHERE id = $1", event_id
    )

    assert [finding.id for finding in await plans.breaches()] == ["W-3"]


@pytest.mark.parametrize("kind", KINDS)
async def test_any_single_fault_while_asking_ends_in_the_truth(plans: PlanPostroom, kind: FaultKind) -> None:
    """
    The event comes back by itself.
    """
    await renewed_unseen(plans)
    [event_id] = await plans.take_in(SUCCEEDED)
    fault = Fault(kind)
    plans.stage.twin.faults.plan([fault])

    event = await plans.finish(event_id)

    assert (event.outcome, fault.times) == ("processed", 0)
    await plans.require_periods(2)


async def test_a_subscriptions_payment_is_no_charge_of_ours(plans: PlanPostroom) -> None:
    """
    It carries no mark of a charge: what it paid is told by its invoice, and nobody has to look.
    """
    await plans.stage.subscribe()
    [told] = plans.told(PAYMENT)
    thin = {
        "id": "evt_thin",
        "object": "v2.core.event",
        "type": f"v1.{PAYMENT}",
        "created": plans.now.isoformat(),
        "livemode": False,
        "related_object": {"id": told["data"]["object"]["id"], "type": "payment_intent", "url": "/v1/any"},
    }

    outcomes, thin_event = await plans.deliver(PAYMENT), await plans.handle(await plans.receive(thin))

    assert (outcomes, (thin_event.outcome, thin_event.reason)) == ({PAYMENT: NOT_OURS}, NOT_OURS)
    assert await plans.audited("billing_event:parked") == []
    await plans.require_periods(1)


async def test_an_invoice_of_others_is_ignored_without_asking_stripe(plans: PlanPostroom) -> None:
    """
    One made by hand has no subscription, and that of another subscription no mark of ours.
    """
    await plans.stage.subscribe()
    [told] = plans.told(PAID)
    theirs = told["data"]["object"]
    other = {"type": "subscription_details", "subscription_details": {"subscription": "sub_other", "metadata": {}}}
    plans.stage.twin.faults.plan([Fault("refused", times=None)])

    events = [
        await plans.handle(await plans.receive(told, id=f"evt_{number}", data={"object": {**theirs, "parent": parent}}))
        for number, parent in enumerate([None, other])
    ]

    assert [(event.outcome, event.reason) for event in events] == [NOT_OURS] * 2


async def test_an_invoice_of_a_subscription_that_nobody_heard_of_is_taken_in(plans: PlanPostroom) -> None:
    """
    Its answer was lost; the marks on the invoice say whose it is.
    """
    await plans.stage.ask_in_vain()

    outcomes = await plans.deliver(PAID)

    assert outcomes == {PAID: PROCESSED}
    await plans.require_periods(1)


@pytest.mark.parametrize("card", ["pm_card_chargeCustomerFail", "pm_card_authenticationRequired"])
async def test_a_renewal_that_failed_leaves_grace_and_a_page_to_pay_on(plans: PlanPostroom, card: str) -> None:
    """
    Whatever order its events come in; what is paid there restores the plan, with its credits.
    """
    await plans.stage.subscribe()
    await plans.stage.add_card(card)
    await plans.stage.do_card_jobs()
    plans.stage.pass_time(MONTH)
    failing = await plans.deliver(ACTION_NEEDED, FAILED)
    await plans.deliver()
    failed, meanwhile = await plans.stage.newest(), await plans.stage.customer()

    await plans.stage.pay_open_invoice("pm_card_visa")
    await plans.deliver()

    assert set(failing.values()) == {PROCESSED}
    assert (failed.state, meanwhile) == ("past_due", ("pro", "past_due"))
    assert failed.action_url is not None
    assert (await plans.stage.notices()).count("payment_failed") == 1
    assert (await plans.stage.customer(), (await plans.stage.newest()).action_url) == (("pro", "active"), None)
    await plans.require_periods(2)


@pytest.mark.parametrize("order", list(itertools.permutations((FAILED, PAID, SUCCEEDED))), ids=" ".join)
async def test_a_failure_that_is_heard_after_the_payment_changes_nothing(
    plans: PlanPostroom, order: tuple[str, ...]
) -> None:
    """
    The invoice is read as it is: paid, whichever of its events says where to look.
    """
    await plans.stage.subscribe()
    await plans.stage.add_card("pm_card_chargeCustomerFail")
    await plans.stage.do_card_jobs()
    plans.stage.pass_time(MONTH)
    await plans.stage.pay_open_invoice("pm_card_visa")

    outcomes = [await plans.deliver(each) for each in order]

    assert outcomes == [{each: PROCESSED} for each in order]
    assert (await plans.stage.notices()).count("payment_failed") == 0
    await plans.require_periods(2)


async def test_an_invoice_that_cannot_be_finalized_is_parked(plans: PlanPostroom) -> None:
    """
    Nobody collects it until somebody acts at Stripe; then its other events bring the period.
    """
    await plans.stage.subscribe()
    (theirs,) = plans.stage.theirs()
    with plans.stage.twin.store.unit():
        plans.stage.twin.account.edit("subscription", theirs["id"])["automatic_tax"]["enabled"] = True
    plans.stage.pass_time(MONTH)

    outcomes = await plans.deliver(NOT_FINALIZED)

    assert outcomes == {NOT_FINALIZED: ("parked", "invoice_not_finalized")}
    assert [customer_id for customer_id, _ in await plans.audited("billing_event:parked")] == [plans.stage.customer_id]
    await plans.require_periods(1)
