"""
Events about payments: what Stripe says of ours is true here as well, once; those of others change nothing.
"""

from contextlib import suppress

import pytest

from billing_events.postroom import Postroom
from charges.stage import NOW
from charges.test_crashes import Died, dying
from rsolv.charges import CHARGE_KEY
from rsolv.stripe_gateway import Payment
from stripe_twin.core.faults import KINDS, Fault, FaultKind

PAID = "payment_intent.succeeded"


async def paid_unseen(postroom: Postroom) -> int:
    """
    Have a worker die just after it confirmed a payment; return the charge's id.
    """
    charge_id = await postroom.stage.fix()
    with suppress(Died):
        await postroom.stage.advance(charge_id, machine=postroom.stage.machine(at=dying("X10")))
    assert (await postroom.stage.charge(charge_id)).state == "confirming"
    return charge_id


async def paid_by_others(postroom: Postroom, **metadata: str) -> Payment:
    """
    Have acme pay something that no charge of ours is for.
    """
    gateway = postroom.stage.gateway
    [customer] = postroom.stage.twin.store.all("customer")
    [method] = postroom.stage.twin.store.all("payment_method")
    made = await gateway.create_payment(
        stripe_customer_id=customer["id"],
        amount_cents=700,
        currency="usd",
        payment_method_id=None,
        description="something else",
        metadata=metadata,
        key="something else",
    )
    return await gateway.confirm_payment(made.id, payment_method_id=method["id"], key="something else, confirmed")


async def test_a_payment_that_succeeded_is_settled_by_its_event(postroom: Postroom) -> None:
    """
    The worker that made it was never heard of again.
    """
    charge_id = await paid_unseen(postroom)

    [event_id] = await postroom.take_in(PAID)
    event = await postroom.handle(event_id)

    await postroom.stage.require_paid_once(charge_id)
    assert (event.outcome, event.reason, event.customer_id) == ("processed", None, postroom.stage.customer_id)
    assert (event.amount_cents, event.currency, event.attempts) == (2_900, "usd", 1)
    assert event.duration_ms is not None
    assert await postroom.breaches() == []


async def test_an_event_before_and_after_the_worker_changes_nothing_more(postroom: Postroom) -> None:
    """
    Whoever comes first settles; the event is processed either way.
    """
    first, second = await paid_unseen(postroom), await postroom.stage.fix()
    await postroom.deliver(PAID)
    await postroom.stage.finish(first)
    await postroom.stage.finish(second)

    outcomes = await postroom.deliver(PAID)

    assert outcomes == {PAID: ("processed", None)}
    assert len(postroom.stage.paid()) == 2
    assert await postroom.breaches() == []


async def test_a_decline_is_heard_by_its_event(postroom: Postroom) -> None:
    """
    The charge waits for its dunning, as if its worker had lived.
    """
    await postroom.stage.add_card("pm_card_chargeCustomerFail")
    charge_id = await paid_unseen(postroom)
    await postroom.stage.end_leases()

    outcomes = await postroom.deliver("payment_intent.payment_failed")

    assert outcomes == {"payment_intent.payment_failed": ("processed", None)}
    assert (await postroom.stage.finish(charge_id, runs_max=30)).state == "declined"
    await postroom.stage.require_nothing_moved()


async def test_a_payment_of_others_is_ignored_without_asking_stripe(postroom: Postroom) -> None:
    """
    A subscription's, or one made by hand: it has neither an id nor a mark of ours.
    """
    await paid_by_others(postroom)
    postroom.stage.twin.faults.plan([Fault("refused", times=None)])

    outcomes = await postroom.deliver(PAID)

    assert outcomes == {PAID: ("ignored", "not_ours")}
    assert await postroom.stage.money() == {}


async def test_money_with_our_mark_that_we_know_nothing_of_is_parked(postroom: Postroom) -> None:
    """
    As after a restore from an old backup: somebody is told, and nothing is posted by guess.
    """
    await paid_by_others(postroom, **{CHARGE_KEY: "4711"})

    outcomes = await postroom.deliver(PAID, "payment_intent.created")

    assert outcomes == {PAID: ("parked", "unknown_charge"), "payment_intent.created": ("ignored", "no_handler")}
    assert [subject for _, subject in await postroom.audited("billing_event:parked")] != []


async def test_an_event_about_what_stripe_does_not_have_is_parked(postroom: Postroom) -> None:
    """
    Asking again would not help.
    """
    await paid_unseen(postroom)
    [told] = postroom.told(PAID)
    told = told | {"data": {"object": {**told["data"]["object"], "id": "pi_none"}}}

    event = await postroom.handle(await postroom.receive(told))

    assert (event.outcome, event.reason) == ("parked", "missing_at_stripe")


async def test_the_amount_in_an_event_is_not_believed(postroom: Postroom) -> None:
    """
    What is posted was read from Stripe by the payment's id.
    """
    charge_id = await paid_unseen(postroom)
    [told] = postroom.told(PAID)
    changed = {**told["data"]["object"], "amount": 1, "amount_received": 1, "status": "canceled"}

    await postroom.handle(await postroom.receive(told, data={"object": changed}))

    await postroom.stage.require_paid_once(charge_id)


@pytest.mark.parametrize("kind", KINDS)
async def test_any_single_fault_while_asking_ends_in_the_truth(postroom: Postroom, kind: FaultKind) -> None:
    """
    The event comes back by itself.
    """
    charge_id = await paid_unseen(postroom)
    [event_id] = await postroom.take_in(PAID)
    postroom.stage.twin.faults.plan([Fault(kind)])

    event = await postroom.finish(event_id, at=NOW)

    assert event.outcome == "processed"
    await postroom.stage.require_paid_once(charge_id)
