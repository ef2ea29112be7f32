"""
Scenarios of subscriptions.
"""

from typing import Any

import stripe

from stripe_twin.scenarios import props
from stripe_twin.scenarios.registry import Scenarios
from stripe_twin.scenarios.stage import Stage

scenarios = Scenarios()


async def _subscribed(stage: Stage) -> stripe.Subscription:
    return await props.subscription(stage, (await props.paying_customer(stage)).id)


@scenarios.ends_in("customer.subscription.created")
async def created(stage: Stage) -> str:
    """
    Open a subscription.
    """
    return (await _subscribed(stage)).id


@scenarios.ends_in("customer.subscription.updated")
async def updated(stage: Stage) -> str:
    """
    Have a subscription end with its period.
    """
    made = await _subscribed(stage)
    return (await stage.sdk.v1.subscriptions.update_async(made.id, {"cancel_at_period_end": True})).id


@scenarios.ends_in("customer.subscription.deleted")
async def deleted(stage: Stage) -> str:
    """
    End a subscription now.
    """
    return (await stage.sdk.v1.subscriptions.cancel_async((await _subscribed(stage)).id)).id


@scenarios.ends_in("customer.subscription.paused")
async def paused(stage: Stage) -> str:
    """
    Pause a subscription.
    """
    return (await stage.sdk.v1.subscriptions.pause_async((await _subscribed(stage)).id)).id


@scenarios.ends_in("customer.subscription.resumed")
async def resumed(stage: Stage) -> str:
    """
    Resume a paused subscription, which bills a new period at once.
    """
    how: Any = {"payment_behavior": "resume_on_payment_success"}
    return (await stage.sdk.v1.subscriptions.resume_async(await paused(stage), how)).id
