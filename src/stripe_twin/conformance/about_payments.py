"""
Questions about payment intents.
"""

import contextlib
from typing import Any

import stripe

from stripe_twin.conformance.questions import Facts, Questions, plain, refusal, told_by
from stripe_twin.scenarios import Stage, props

questions = Questions()

_INTENTS = "docs.stripe.com/payments/paymentintents/lifecycle"
_CONFIRM = "docs.stripe.com/api/payment_intents/confirm"
_OFF_SESSION = "docs.stripe.com/payments/save-and-reuse"
_AMOUNTS = "docs.stripe.com/currencies#minimum-and-maximum-charge-amounts"
_3DS = "docs.stripe.com/payments/3d-secure/authentication-flow"
_ALWAYS_ASKS = "pm_card_authenticationRequired"


@questions.on(
    _INTENTS, status="requires_payment_method", payment_method=None, error="card_declined", charge="failed", paid=False
)
async def a_decline_leaves_the_intent_open(stage: Stage) -> Facts:
    """
    It wants another payment method, and shows the failed charge and why.
    """
    intent = await props.intent(stage)
    with contextlib.suppress(stripe.CardError):
        await stage.sdk.v1.payment_intents.confirm_async(intent.id, {"payment_method": "pm_card_visa_chargeDeclined"})
    left = plain(await stage.sdk.v1.payment_intents.retrieve_async(intent.id, {"expand": ["latest_charge"]}))
    return {
        "status": left["status"],
        "payment_method": left["payment_method"],
        "error": left["last_payment_error"]["code"],
        "charge": left["latest_charge"]["status"],
        "paid": left["latest_charge"]["paid"],
    }


@questions.on(_INTENTS, status="succeeded", received=2900, error=None)
async def a_declined_intent_can_be_paid_with_another_card(stage: Stage) -> Facts:
    """
    The same intent goes on; the old error is gone.
    """
    intent = await props.intent(stage)
    with contextlib.suppress(stripe.CardError):
        await stage.sdk.v1.payment_intents.confirm_async(intent.id, {"payment_method": "pm_card_visa_chargeDeclined"})
    paid = plain(await stage.sdk.v1.payment_intents.confirm_async(intent.id, {"payment_method": "pm_card_visa"}))
    return {"status": paid["status"], "received": paid["amount_received"], "error": paid["last_payment_error"]}


@questions.on("[K]", status=400, code="payment_intent_unexpected_state", shown="succeeded", charges=1)
async def a_repeated_confirm_meets_the_intent_as_it_is(stage: Stage) -> Facts:
    """
    Whatever the age of the key: a succeeded intent is not charged again, and the error shows it.
    """
    intent = await props.payment(stage)
    told = await refusal(stage.sdk.v1.payment_intents.confirm_async(intent.id), "payment_intent")
    charges = await stage.sdk.v1.charges.list_async({"payment_intent": intent.id})
    return {
        "status": told["status"],
        "code": told["code"],
        "shown": (told["payment_intent"] or {}).get("status"),
        "charges": len(charges.data),
    }


@questions.refused(_INTENTS, code="payment_intent_unexpected_state")
async def a_canceled_intent_cannot_be_confirmed(stage: Stage) -> None:
    """
    Canceled is for good.
    """
    intent = await stage.sdk.v1.payment_intents.cancel_async((await props.intent(stage)).id)
    await stage.sdk.v1.payment_intents.confirm_async(intent.id, {"payment_method": "pm_card_visa"})


@questions.refused("docs.stripe.com/api/payment_intents/cancel", code="payment_intent_unexpected_state")
async def a_succeeded_intent_cannot_be_canceled(stage: Stage) -> None:
    """
    It can only be refunded.
    """
    await stage.sdk.v1.payment_intents.cancel_async((await props.payment(stage)).id)


@questions.on(
    "docs.stripe.com/api/payment_intents/cancel", status="canceled", reason="abandoned", has_time=True, again=400
)
async def canceling_tells_when_and_why(stage: Stage) -> Facts:
    """
    And cannot be repeated.
    """
    intents = stage.sdk.v1.payment_intents
    intent = await intents.cancel_async((await props.intent(stage)).id, {"cancellation_reason": "abandoned"})
    return {
        "status": intent.status,
        "reason": intent.cancellation_reason,
        "has_time": intent.canceled_at is not None,
        "again": (await refusal(intents.cancel_async(intent.id)))["status"],
    }


@questions.refused("[K]", code="payment_intent_unexpected_state")
async def an_intent_without_a_card_cannot_be_confirmed(stage: Stage) -> None:
    """
    Not even when its customer has a default: that is for invoices.
    """
    customer = await props.paying_customer(stage)
    intent = await props.intent(stage, customer=customer.id)
    await stage.sdk.v1.payment_intents.confirm_async(intent.id)


@questions.refused("[K]", code="payment_intent_unexpected_state", param="amount")
async def the_amount_of_a_succeeded_intent_is_fixed(stage: Stage) -> None:
    """
    What was paid cannot be changed.
    """
    await stage.sdk.v1.payment_intents.update_async((await props.payment(stage)).id, {"amount": 3000})


@questions.refused(_CONFIRM)
async def confirming_with_redirects_needs_a_return_url(stage: Stage) -> None:
    """
    Automatic payment methods may send the customer away, unless told not to [K: the code].
    """
    await props.payment(stage, automatic_payment_methods={"enabled": True})


@questions.refused("[K]")
async def confirming_off_session_with_redirects_needs_it_too(stage: Stage) -> None:
    """
    Not settled: even for a customer who has only a saved card and is away.
    """
    customer = await props.customer(stage)
    method = await props.attached(stage, customer.id)
    await props.payment(
        stage, method.id, customer=customer.id, off_session=True, automatic_payment_methods={"enabled": True}
    )


@questions.on("docs.stripe.com/api/payment_intents/create", status="succeeded", types=["card"])
async def cards_alone_need_no_return_url(stage: Stage) -> Facts:
    """
    With `allowed_payment_method_types` of card nobody is sent away.
    """
    wanted: Any = {
        "amount": 2900,
        "currency": "usd",
        "payment_method": "pm_card_visa",
        "confirm": True,
        "allowed_payment_method_types": ["card"],
    }
    intent = await stage.sdk.v1.payment_intents.create_async(wanted)
    return {"status": intent.status, "types": list(intent.payment_method_types)}


@questions.on("docs.stripe.com/changelog/dahlia/2026-07-29/allowed-payment-method-types-parameter", status=400)
async def allowed_and_automatic_methods_exclude_each_other(stage: Stage) -> Facts:
    """
    An intent takes either.
    """
    return {"status": (await refusal(props.intent(stage, allowed_payment_method_types=["card"])))["status"]}


@questions.on(
    _OFF_SESSION,
    status=402,
    code="authentication_required",
    decline_code="authentication_required",
    shown="requires_payment_method",
    kept="requires_payment_method",
    has_method=True,
    has_secret=True,
)
async def a_customer_who_is_away_cannot_authenticate(stage: Stage) -> Facts:
    """
    Off-session the card is declined; the error has intent and card, with which the customer can be brought back.
    """
    customer = await props.customer(stage)
    method = await props.attached(stage, customer.id, _ALWAYS_ASKS)
    intent = await props.intent(stage, customer=customer.id)
    try:
        await stage.sdk.v1.payment_intents.confirm_async(intent.id, {"payment_method": method.id, "off_session": True})
    except stripe.CardError as error:
        told = told_by(error, "decline_code", "payment_intent", "payment_method")
        kept = await stage.sdk.v1.payment_intents.retrieve_async(intent.id)
        return {
            **{name: told[name] for name in ("status", "code", "decline_code")},
            "shown": told["payment_intent"]["status"],
            "kept": kept.status,
            "has_method": told["payment_method"]["id"] == method.id,
            "has_secret": bool(told["payment_intent"]["client_secret"]),
        }
    return {"status": 200}


@questions.on(_3DS, status="requires_action", action="redirect_to_url", back=props.RETURN_URL)
async def a_customer_who_is_there_is_asked(stage: Stage) -> Facts:
    """
    On-session the intent waits, with a page to send the customer to.
    """
    intent = plain(await props.payment(stage, _ALWAYS_ASKS, return_url=props.RETURN_URL))
    action = intent["next_action"]
    return {"status": intent["status"], "action": action["type"], "back": action["redirect_to_url"]["return_url"]}


@questions.on(_3DS, status="requires_action", action="use_stripe_sdk")
async def without_a_return_url_the_browser_asks(stage: Stage) -> Facts:
    """
    Then Stripe's script shows the bank's question.
    """
    intent = plain(await props.payment(stage, _ALWAYS_ASKS))
    return {"status": intent["status"], "action": intent["next_action"]["type"]}


@questions.on(_CONFIRM, status=402, code="authentication_required", decline_code="authentication_not_handled")
async def an_action_can_be_made_an_error(stage: Stage) -> Facts:
    """
    With `error_on_requires_action` [K: the codes].
    """
    told = await refusal(props.payment(stage, _ALWAYS_ASKS, error_on_requires_action=True), "decline_code")
    return {name: told[name] for name in ("status", "code", "decline_code")}


@questions.on(_3DS, needs="a customer finishes 3-D Secure", status="succeeded", action=None)
async def a_payment_succeeds_after_authentication(stage: Stage) -> Facts:
    """
    Nothing more is to be done by us.
    """
    intent = await props.payment(stage, _ALWAYS_ASKS)
    stage.by_nature().authenticate(intent.id, succeeded=True)
    paid = plain(await stage.sdk.v1.payment_intents.retrieve_async(intent.id))
    return {"status": paid["status"], "action": paid["next_action"]}


@questions.on(
    _3DS,
    needs="a customer fails 3-D Secure",
    status="requires_payment_method",
    code="payment_intent_authentication_failure",
)
async def a_failed_authentication_leaves_the_intent_open(stage: Stage) -> Facts:
    """
    With an error of its own.
    """
    intent = await props.payment(stage, _ALWAYS_ASKS)
    stage.by_nature().authenticate(intent.id, succeeded=False)
    left = plain(await stage.sdk.v1.payment_intents.retrieve_async(intent.id))
    return {"status": left["status"], "code": left["last_payment_error"]["code"]}


@questions.refused("docs.stripe.com/api/payment_intents/create", param="off_session")
async def off_session_needs_confirm(stage: Stage) -> None:
    """
    It speaks of the confirmation [K: the param].
    """
    await props.intent(stage, off_session=True)


@questions.refused(_AMOUNTS, code="amount_too_small", param="amount")
async def less_than_half_a_dollar_is_refused(stage: Stage) -> None:
    """
    Fifty cents are the least.
    """
    await props.intent(stage, amount=49)


@questions.refused(_AMOUNTS, code="amount_too_large", param="amount")
async def more_than_eight_digits_are_refused(stage: Stage) -> None:
    """
    999,999.99 dollars are the most.
    """
    await props.intent(stage, amount=100_000_000)


@questions.refused("[K]", code="parameter_invalid_integer", param="amount")
async def nothing_cannot_be_paid(stage: Stage) -> None:
    """
    Zero is no amount.
    """
    await props.intent(stage, amount=0)


@questions.refused("[K]", param="currency")
async def a_currency_that_is_none_is_refused(stage: Stage) -> None:
    """
    Only those that Stripe has.
    """
    await props.intent(stage, currency="zzz")


@questions.on("docs.stripe.com/api/charges/object", events=["charge.succeeded", "payment_intent.succeeded"], same=True)
async def a_payment_is_told_twice(stage: Stage) -> Facts:
    """
    Once of the charge, once of the intent; order is not promised.
    """
    before, intent = await stage.latest_event_id(), await props.payment(stage)
    await stage.awaited(lambda: stage.event_since(before, "payment_intent.succeeded", intent.id))
    told = [event for event in await stage.events_since(before) if event.type.endswith(".succeeded")]
    charge = next((event.data.object["id"] for event in told if event.type == "charge.succeeded"), None)
    return {"events": sorted(event.type for event in told), "same": charge == props.id_of(intent.latest_charge)}
