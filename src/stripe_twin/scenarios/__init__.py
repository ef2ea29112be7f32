"""
Scenarios: for each event that is handled, a short script through Stripe's own client that ends in it.

The Stripe CLI's `trigger` command has the like (docs.stripe.com/stripe-cli/triggers).

They work at a real Stripe account as well, except those that need what only nature does: those are marked.
"""

from typing import TYPE_CHECKING

from stripe_twin.core import Record, invalid_request
from stripe_twin.scenarios import cards, checkout, customers, disputes, invoices, payments, refunds, subscriptions
from stripe_twin.scenarios.registry import EventMissing, NoScenario, Scenario, Scenarios, play
from stripe_twin.scenarios.stage import Nature, Stage
from stripe_twin.scenarios.twin_stage import twin_stage

if TYPE_CHECKING:
    import stripe

    from stripe_twin.twin import Twin

SCENARIOS = Scenarios()
for _part in (cards, checkout, customers, disputes, invoices, payments, refunds, subscriptions):
    SCENARIOS.include(_part.scenarios)

EVENTS: tuple[str, ...] = SCENARIOS.names
"""
What can be triggered: types of events, some with a variant behind a colon.
"""

__all__ = [
    "EVENTS",
    "SCENARIOS",
    "EventMissing",
    "Nature",
    "NoScenario",
    "Scenario",
    "Scenarios",
    "Stage",
    "play",
    "run",
    "trigger",
    "twin_stage",
]


async def run(name: str, stage: Stage) -> "stripe.Event":
    """
    Play the scenario of this name and return the event it ends in.

    Raises:
        NoScenario: there is none.
        EventMissing: the event did not come.
    """
    return await play(SCENARIOS.find(name), stage)


async def trigger(twin: "Twin", name: str) -> Record:
    """
    Play a scenario in a twin of this process and return the event as it is kept.

    Raises:
        StripeError: 404, there is no such scenario.
        EventMissing: the event did not come.
    """
    if name not in EVENTS:
        raise invalid_request(f"No scenario ends in {name}; these do: {', '.join(EVENTS)}.", param="event", status=404)
    event = await run(name, twin_stage(twin))
    return twin.account.get("event", event.id)
