"""
Questions about refunds.
"""

from typing import Any

import stripe

from stripe_twin.conformance.questions import Facts, Questions, refusal
from stripe_twin.scenarios import Stage, props

questions = Questions()

_REFUNDS = "docs.stripe.com/api/refunds/create"
_FAILED = "docs.stripe.com/refunds#failed-refunds"
_TESTING = "docs.stripe.com/testing#refunds"
_LATER_SECONDS = 120


async def _refund(stage: Stage, intent: stripe.PaymentIntent, **params: Any) -> stripe.Refund:
    wanted: Any = {"payment_intent": intent.id, **params}
    return await stage.sdk.v1.refunds.create_async(wanted)


async def _charge(stage: Stage, intent: stripe.PaymentIntent) -> stripe.Charge:
    return await stage.sdk.v1.charges.retrieve_async(props.id_of(intent.latest_charge))


async def _in_state(stage: Stage, refund: stripe.Refund, status: str) -> stripe.Refund | None:
    stage.wait(_LATER_SECONDS)

    async def look() -> stripe.Refund | None:
        found = await stage.sdk.v1.refunds.retrieve_async(refund.id)
        return found if found.status == status else None

    return await stage.awaited(look)


@questions.on(_REFUNDS, amounts=[1000, 2900], refunded=[False, True], intent="succeeded")
async def refunds_add_up_on_the_charge(stage: Stage) -> Facts:
    """
    A charge is refunded when all of it is; its intent stays succeeded.
    """
    intent = await props.payment(stage)
    seen = []
    for params in ({"amount": 1000}, {}):
        await _refund(stage, intent, **params)
        seen.append(await _charge(stage, intent))
    return {
        "amounts": [charge.amount_refunded for charge in seen],
        "refunded": [charge.refunded for charge in seen],
        "intent": (await stage.sdk.v1.payment_intents.retrieve_async(intent.id)).status,
    }


@questions.refused(_REFUNDS, param="amount")
async def more_than_was_paid_cannot_be_refunded(stage: Stage) -> None:
    """
    Not more than is left [K: no code].
    """
    await _refund(stage, await props.payment(stage), amount=2901)


@questions.refused(_REFUNDS, code="charge_already_refunded")
async def a_refunded_payment_cannot_be_refunded_again(stage: Stage) -> None:
    """
    Nothing is left.
    """
    intent = await props.payment(stage)
    await _refund(stage, intent)
    await _refund(stage, intent)


@questions.on("[K]", status=400)
async def an_unpaid_intent_cannot_be_refunded(stage: Stage) -> Facts:
    """
    There is no charge to refund.
    """
    return {"status": (await refusal(_refund(stage, await props.intent(stage))))["status"]}


@questions.refused("docs.stripe.com/error-codes", code="charge_disputed")
async def a_disputed_payment_cannot_be_refunded(stage: Stage) -> None:
    """
    The money is away already.
    """
    intent = await props.payment(stage, "pm_card_createDispute")

    async def disputed() -> bool | None:
        return (await _charge(stage, intent)).disputed or None

    await stage.awaited(disputed)
    await _refund(stage, intent)


@questions.on(_TESTING, first="succeeded", then="failed", has_reason=True, refunded=0, charge_refunded=False)
async def a_refund_can_fail_later(stage: Stage) -> Facts:
    """
    The card 5126: the money comes back, and the charge counts as not refunded again [K: the charge].
    """
    intent = await props.payment(stage, "pm_card_refundFail")
    refund = await _refund(stage, intent)
    failed = await _in_state(stage, refund, "failed")
    charge = await _charge(stage, intent)
    return {
        "first": refund.status,
        "then": failed.status if failed else "not failed",
        "has_reason": bool(failed and failed.failure_reason),
        "refunded": charge.amount_refunded,
        "charge_refunded": charge.refunded,
    }


@questions.on(_FAILED, events=["charge.refunded", "refund.created", "refund.failed", "refund.updated"])
async def a_failed_refund_is_told(stage: Stage) -> Facts:
    """
    By refund.failed, and refund.updated with it [K: both].
    """
    intent = await props.payment(stage, "pm_card_refundFail")
    before = await stage.latest_event_id()
    refund = await _refund(stage, intent)
    await _in_state(stage, refund, "failed")
    await stage.awaited(lambda: stage.event_since(before, "refund.failed", refund.id))
    told = {event.type for event in await stage.events_since(before) if "refund" in event.type}
    return {"events": sorted(told - {"charge.refund.updated"})}


@questions.on(_TESTING, first="pending", then="succeeded")
async def a_refund_can_be_pending_first(stage: Stage) -> Facts:
    """
    The card 7726.
    """
    refund = await _refund(stage, await props.payment(stage, "pm_card_pendingRefund"))
    done = await _in_state(stage, refund, "succeeded")
    return {"first": refund.status, "then": done.status if done else "not succeeded"}
