"""
Scenarios: each ends in the event it is named after, about the object it made.
"""

from dataclasses import replace

import pytest
import stripe

from stripe_twin.contract import installed_contract
from stripe_twin.core import StripeError
from stripe_twin.scenarios import EVENTS, SCENARIOS, EventMissing, NoScenario, Scenario, play, run, trigger, twin_stage
from stripe_twin.twin import Twin

HANDLED = [
    "invoice.paid",
    "invoice.payment_succeeded",
    "invoice.payment_failed",
    "invoice.finalization_failed",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.requires_action",
    "payment_intent.canceled",
    "setup_intent.succeeded",
    "checkout.session.completed",
    "payment_method.attached",
    "payment_method.detached",
    "payment_method.automatically_updated",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "customer.deleted",
]
"""
What billing acts upon.
"""


@pytest.mark.parametrize("name", EVENTS)
async def test_a_scenario_ends_in_its_event(twin: Twin, name: str) -> None:
    """
    The event is of the type, of a clean shape, and about the very object that the script made.
    """
    scenario, made = SCENARIOS.find(name), []

    async def watched(stage) -> str:
        made.append(await scenario.script(stage))
        return made[-1]

    event = await play(replace(scenario, script=watched), twin_stage(twin))

    kept = twin.account.get("event", event.id)
    assert (kept["type"], [kept["data"]["object"]["id"]]) == (scenario.event_type, made)
    assert installed_contract().event_problems(kept) == []


def test_every_event_that_billing_handles_has_a_scenario() -> None:
    """
    So that a handler can be tried out by name.
    """
    assert set(HANDLED) - {scenario.event_type for scenario in SCENARIOS} == set()


async def test_a_scenario_can_be_played_twice(twin: Twin) -> None:
    """
    Each time with objects of its own.
    """
    first, second = [await trigger(twin, "customer.subscription.deleted") for _ in range(2)]

    assert first["data"]["object"]["id"] != second["data"]["object"]["id"]


async def test_an_event_that_never_comes_fails_with_those_that_did(twin: Twin) -> None:
    """
    A planted bug: the script makes a customer and is said to end in a paid invoice.
    """
    wrong = Scenario("invoice.paid", SCENARIOS.find("customer.updated").script)

    with pytest.raises(EventMissing, match=r"invoice\.paid did not come .*: customer\.created, customer\.updated\."):
        await play(wrong, twin_stage(twin))


async def test_an_event_of_an_earlier_play_does_not_count(twin: Twin) -> None:
    """
    A planted bug: the script returns an object whose event is there already.
    """
    earlier = await trigger(twin, "customer.created")

    async def idle(_stage) -> str:
        return earlier["data"]["object"]["id"]

    with pytest.raises(EventMissing, match="these events did: none"):
        await play(Scenario("customer.created", idle), twin_stage(twin))


async def test_an_unknown_name_is_refused_with_those_there_are(twin: Twin) -> None:
    """
    By the verbs and, as an error for a person, by the trigger.
    """
    with pytest.raises(NoScenario, match=r"invoice\.paid"):
        await run("invoice.lost", twin_stage(twin))
    with pytest.raises(StripeError, match=r"invoice\.paid"):
        await trigger(twin, "invoice.lost")


async def test_a_test_clock_of_a_stage_is_taken_away_with_its_customers(twin: Twin, sdk: stripe.StripeClient) -> None:
    """
    At a real account nothing of that kind should be left lying about.
    """
    stage = twin_stage(twin)
    await run("invoice.paid:renewal", stage)

    await stage.strike()

    assert (await sdk.v1.test_helpers.test_clocks.list_async()).data == []
    assert (await sdk.v1.customers.list_async()).data == []
