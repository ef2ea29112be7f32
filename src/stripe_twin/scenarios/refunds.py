"""
Scenarios of refunds.
"""

import stripe

from stripe_twin.scenarios import props
from stripe_twin.scenarios.registry import Scenarios
from stripe_twin.scenarios.stage import Stage

scenarios = Scenarios()

_FAILS_WITHIN_SECONDS = 120


async def _refund(stage: Stage, card: str = "pm_card_visa") -> stripe.Refund:
    intent = await props.payment(stage, card)
    return await stage.sdk.v1.refunds.create_async({"payment_intent": intent.id})


@scenarios.ends_in("refund.created")
async def created(stage: Stage) -> str:
    """
    Give a payment back.
    """
    return (await _refund(stage)).id


@scenarios.ends_in("charge.refunded")
async def charge_refunded(stage: Stage) -> str:
    """
    Give a payment back: the charge.
    """
    return props.id_of((await _refund(stage)).charge)


@scenarios.ends_in("refund.updated")
async def updated(stage: Stage) -> str:
    """
    Note something on a refund.
    """
    refund = await _refund(stage)
    return (await stage.sdk.v1.refunds.update_async(refund.id, {"metadata": {"reason": "goodwill"}})).id


@scenarios.ends_in("refund.failed")
async def failed(stage: Stage) -> str:
    """
    Give back a payment whose bank returns the money later.
    """
    refund = await _refund(stage, "pm_card_refundFail")
    stage.wait(_FAILS_WITHIN_SECONDS)
    return refund.id
