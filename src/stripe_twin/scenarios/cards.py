"""
Scenarios of saved cards and of setting them up.
"""

import contextlib

import stripe

from stripe_twin.scenarios import props
from stripe_twin.scenarios.registry import Scenarios
from stripe_twin.scenarios.stage import Stage

scenarios = Scenarios()


@scenarios.ends_in("payment_method.attached")
async def attached(stage: Stage) -> str:
    """
    Attach a card to a customer.
    """
    return (await props.attached(stage, (await props.customer(stage)).id)).id


@scenarios.ends_in("payment_method.detached")
async def detached(stage: Stage) -> str:
    """
    Detach a saved card.
    """
    return (await stage.sdk.v1.payment_methods.detach_async(await attached(stage))).id


@scenarios.ends_in("payment_method.automatically_updated", needs="a card's network renews it")
async def renewed(stage: Stage) -> str:
    """
    Save a card, which its network then renews.
    """
    method_id = await attached(stage)
    stage.by_nature().renew_card(method_id)
    return method_id


@scenarios.ends_in("setup_intent.created", "setup_intent.succeeded")
async def set_up(stage: Stage) -> str:
    """
    Set a card up for later payments.
    """
    return (await props.setup(stage, "pm_card_visa")).id


@scenarios.ends_in("setup_intent.requires_action")
async def asked(stage: Stage) -> str:
    """
    Set up a card whose bank wants the customer's word.
    """
    return (await props.setup(stage, "pm_card_authenticationRequired")).id


@scenarios.ends_in("setup_intent.setup_failed")
async def refused(stage: Stage) -> str:
    """
    Set up a card that is declined.
    """
    customer = await props.customer(stage)
    intents = stage.sdk.v1.setup_intents
    intent = await intents.create_async({"customer": customer.id, "automatic_payment_methods": props.NO_REDIRECTS})
    with contextlib.suppress(stripe.CardError):
        await intents.confirm_async(intent.id, {"payment_method": "pm_card_visa_chargeDeclined"})
    return intent.id
