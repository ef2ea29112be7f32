"""
Events about subscriptions: what Stripe says of ours is true here as well, in any order; those of others change nothing.
"""

import itertools

import asyncpg
import pytest

from billing_events.subscribed import CREATED, DELETED, NOT_OURS, PAUSED, PROCESSED, RESUMED, UPDATED, PlanPostroom
from rsolv.subscriptions import MARK
from stripe_twin.core import Record
from stripe_twin.core.faults import KINDS, Fault, FaultKind
from stripe_twin.embedded import sdk_client
from subscriptions.stage import DAY, HOUR

DETACHED = "payment_method.detached"


def changed(event: Record, **parts: object) -> Record:
    """
    Return an event about something else of the same kind.
    """
    return {**event, "id": "evt_other", "data": {"object": {**event["data"]["object"], **parts}}}


async def end_elsewhere(plans: PlanPostroom) -> None:
    """
    Schedule the end of acme's subscription at Stripe, then end it at once, as somebody does in its dashboard.
    """
    (theirs,) = plans.stage.theirs()
    await plans.stage.gateway.schedule_cancellation(theirs["id"], at_period_end=True, key="elsewhere")
    await plans.stage.gateway.cancel_subscription(theirs["id"])


async def test_a_subscription_whose_answer_was_lost_is_found_by_its_event(plans: PlanPostroom) -> None:
    """
    Its marks say whose it is; the customer is on the plan, and the events that follow bring the credits.
    """
    await plans.stage.ask_in_vain()

    outcomes = await plans.deliver(CREATED)
    found = await plans.stage.newest()
    await plans.deliver()

    assert outcomes == {CREATED: PROCESSED}
    assert (found.state, await plans.stage.customer()) == ("active", ("pro", "active"))
    await plans.stage.require_one_period()
    assert await plans.breaches() == []


async def test_what_is_changed_elsewhere_is_followed(plans: PlanPostroom) -> None:
    """
    An end that is scheduled in Stripe's dashboard is known here.
    """
    opened = await plans.stage.subscribe()
    await plans.stage.gateway.schedule_cancellation(
        opened.stripe_subscription_id or "", at_period_end=True, key="elsewhere"
    )

    outcomes = await plans.deliver(UPDATED)

    assert outcomes == {UPDATED: PROCESSED}
    assert (await plans.stage.newest()).cancel_at == opened.period_ends_at


async def test_a_pause_and_its_end_are_followed(plans: PlanPostroom) -> None:
    """
    Somebody paused it at Stripe: nobody is on a plan that is not paid for.
    """
    opened = await plans.stage.subscribe()
    stripe = sdk_client(plans.stage.twin).v1.subscriptions

    await stripe.pause_async(opened.stripe_subscription_id or "")
    paused, meanwhile = await plans.deliver(PAUSED), await plans.stage.customer()
    await stripe.resume_async(opened.stripe_subscription_id or "")
    resumed, afterwards = await plans.deliver(RESUMED), await plans.stage.customer()

    assert (paused, resumed) == ({PAUSED: PROCESSED}, {RESUMED: PROCESSED})
    assert (meanwhile, afterwards) == (("pay_as_you_go", "paused"), ("pro", "active"))
    assert await plans.breaches() == []


@pytest.mark.parametrize("order", list(itertools.permutations((CREATED, UPDATED, DELETED))), ids=" ".join)
async def test_an_end_wins_whatever_is_heard_after_it(plans: PlanPostroom, order: tuple[str, ...]) -> None:
    """
    Each event only says where to look; twice is as good as once, and a customer is lost once.

    It was ended at once, so that stands beside the plan, whatever had been scheduled.
    """
    opened = await plans.stage.subscribe()
    await end_elsewhere(plans)

    outcomes = [await plans.deliver(each) for each in order]
    for event in plans.told(*order):
        await plans.handle(await plans.receive(event, id=f"{event['id']}_again"))

    assert outcomes == [{each: PROCESSED} for each in order]
    assert (await plans.stage.newest()).state == "canceled"
    assert (await plans.stage.customer(), len(plans.stage.churned)) == (("pay_as_you_go", "canceled"), 1)
    assert await plans.stage.credits() == opened.period_credits
    assert await plans.breaches() == []


@pytest.mark.damages_books("Stripe tells of no end that is none")
async def test_the_state_in_an_event_is_not_believed(plans: PlanPostroom) -> None:
    """
    It may be old, and whoever sends it may be wrong.
    """
    await plans.stage.subscribe()
    [told] = plans.told(CREATED)

    event = await plans.handle(await plans.receive(changed(told, status="canceled"), type=DELETED))

    assert (event.outcome, (await plans.stage.newest()).state) == ("processed", "active")


@pytest.mark.damages_books("an event is marked by hand")
async def test_an_end_that_is_marked_and_not_believed_is_noticed(
    plans: PlanPostroom, owner: asyncpg.Connection
) -> None:
    """
    The planted bug: somebody marks first and would do the rest later, and dies.
    """
    await plans.stage.subscribe()
    await end_elsewhere(plans)
    [event_id] = await plans.take_in(DELETED)

    await owner.execute(
        "UPDATE billing_events SET outcome = 'processed', wake_at = NULL, handled_at = now() WHERE id = $1", event_id
    )

    assert [finding.id for finding in await plans.breaches()] == ["W-3"]


async def test_a_subscription_of_others_is_ignored_without_asking_stripe(plans: PlanPostroom) -> None:
    """
    It has neither an id nor a mark of ours.
    """
    await plans.stage.subscribe()
    [told] = plans.told(CREATED)
    plans.stage.twin.faults.plan([Fault("refused", times=None)])

    event = await plans.handle(await plans.receive(changed(told, id="sub_other", metadata={})))

    assert (event.outcome, event.reason) == NOT_OURS


async def test_a_thin_event_of_others_is_ignored_once_it_was_read(plans: PlanPostroom) -> None:
    """
    It says nothing of marks.
    """
    await plans.stage.subscribe()
    (theirs,) = plans.stage.theirs()
    stripe = sdk_client(plans.stage.twin).v1.subscriptions
    other = await stripe.create_async(
        {"customer": theirs["customer"], "items": [{"price": theirs["items"]["data"][0]["price"]["id"]}]}
    )
    thin = {
        "id": "evt_thin",
        "object": "v2.core.event",
        "type": f"v1.{CREATED}",
        "created": plans.now.isoformat(),
        "livemode": False,
        "related_object": {"id": other.id, "type": "subscription", "url": "/v1/any"},
    }

    event = await plans.handle(await plans.receive(thin))

    assert (event.outcome, event.reason) == NOT_OURS
    assert (await plans.stage.newest()).stripe_subscription_id == theirs["id"]


@pytest.mark.parametrize(
    ("part", "reason"), [("metadata", "unknown_subscription"), ("customer", "subscription_mixed_up")]
)
async def test_what_carries_our_mark_and_is_not_what_we_asked_for_is_parked(
    plans: PlanPostroom, part: str, reason: str
) -> None:
    """
    As after a restore from an old backup: somebody is told, and nothing is believed by guess.
    """
    await plans.stage.ask_in_vain()
    (theirs,) = plans.stage.theirs()
    other = {"metadata": {**theirs["metadata"], MARK: "4711"}, "customer": "cus_other"}
    with plans.stage.twin.store.unit():
        plans.stage.twin.account.edit("subscription", theirs["id"])[part] = other[part]

    outcomes = await plans.deliver(CREATED)

    assert outcomes == {CREATED: ("parked", reason)}
    assert [subject for _, subject in await plans.audited("billing_event:parked")] != []
    assert (await plans.stage.newest()).state == "opening"


@pytest.mark.parametrize("kind", KINDS)
async def test_any_single_fault_while_asking_ends_in_the_truth(plans: PlanPostroom, kind: FaultKind) -> None:
    """
    The event comes back by itself.
    """
    await plans.stage.subscribe()
    await end_elsewhere(plans)
    [event_id] = await plans.take_in(DELETED)
    fault = Fault(kind)
    plans.stage.twin.faults.plan([fault])

    event = await plans.finish(event_id)

    assert (event.outcome, fault.times) == ("processed", 0)
    assert (await plans.stage.newest()).state == "canceled"
    assert await plans.breaches() == []


async def test_the_last_card_is_kept_while_it_pays_a_subscription_and_somebody_is_told(plans: PlanPostroom) -> None:
    """
    Somebody detached it at Stripe; once the subscription is over, the parked event is replayed and the card goes.
    """
    await plans.stage.subscribe()
    await plans.stage.gateway.detach_payment_method(await plans.stage.newest_card(), key="dashboard")

    [event_id] = await plans.take_in(DETACHED)
    parked = await plans.handle(event_id)
    await plans.stage.cancel(at_period_end=False)
    await plans.replay(event_id)
    replayed = await plans.handle(event_id)

    assert (parked.outcome, parked.reason, parked.customer_id) == ("parked", "subscribed", plans.stage.customer_id)
    assert replayed.outcome == "processed"


async def test_an_incomplete_subscription_that_expired_is_over_by_its_events(plans: PlanPostroom) -> None:
    """
    Nobody is lost who never began.
    """
    await plans.stage.add_card("pm_card_chargeCustomerFail")
    await plans.stage.subscribe()
    plans.stage.pass_time(DAY + HOUR)

    await plans.deliver()

    assert (await plans.stage.newest()).state == "incomplete_expired"
    assert (await plans.stage.customer(), plans.stage.churned) == (("pay_as_you_go", None), [])
    assert await plans.breaches() == []
