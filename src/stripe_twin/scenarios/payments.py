"""
Scenarios of payments and their charges.
"""

import contextlib

import stripe

from stripe_twin.scenarios import props
from stripe_twin.scenarios.registry import Scenarios
from stripe_twin.scenarios.stage import Stage

scenarios = Scenarios()


@scenarios.ends_in("payment_intent.created")
async def created(stage: Stage) -> str:
    """
    Create a payment intent and leave it.
    """
    return (await props.intent(stage)).id


@scenarios.ends_in("payment_intent.succeeded")
async def succeeded(stage: Stage) -> str:
    """
    Pay with a good card.
    """
    return (await props.payment(stage)).id


@scenarios.ends_in("charge.succeeded")
async def charged(stage: Stage) -> str:
    """
    Pay with a good card: the charge.
    """
    return props.id_of((await props.payment(stage)).latest_charge)


@scenarios.ends_in("payment_intent.payment_failed")
async def declined(stage: Stage) -> str:
    """
    Pay with a card that is declined.
    """
    intent = await props.intent(stage)
    with contextlib.suppress(stripe.CardError):
        await stage.sdk.v1.payment_intents.confirm_async(intent.id, {"payment_method": "pm_card_visa_chargeDeclined"})
    return intent.id


@scenarios.ends_in("charge.failed")
async def charge_declined(stage: Stage) -> str:
    """
    Pay with a card that is declined: the charge.
    """
    intent = await stage.sdk.v1.payment_intents.retrieve_async(await declined(stage))
    return props.id_of(intent.latest_charge)


@scenarios.ends_in("payment_intent.requires_action")
async def asked(stage: Stage) -> str:
    """
    Pay with a card whose bank wants the customer's word.
    """
    return (await props.payment(stage, "pm_card_authenticationRequired")).id


@scenarios.ends_in("payment_intent.succeeded:after_authentication", needs="a customer finishes 3-D Secure")
async def authenticated(stage: Stage) -> str:
    """
    Pay with such a card, and give the word.
    """
    intent_id = await asked(stage)
    stage.by_nature().authenticate(intent_id, succeeded=True)
    return intent_id


@scenarios.ends_in("payment_intent.canceled")
async def canceled(stage: Stage) -> str:
    """
    Cancel a payment intent.
    """
    return (await stage.sdk.v1.payment_intents.cancel_async(await created(stage))).id
