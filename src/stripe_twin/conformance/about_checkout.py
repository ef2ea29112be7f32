"""
Questions about Checkout Sessions.
"""

from typing import Any

import stripe

from stripe_twin.conformance.questions import Facts, Questions, plain, refusal
from stripe_twin.scenarios import Stage, props

questions = Questions()

_CREATE = "docs.stripe.com/api/checkout/sessions/create"
_EXPIRE = "docs.stripe.com/api/checkout/sessions/expire"
_SAVE = "docs.stripe.com/payments/checkout/save-and-reuse"
_FILLED_IN = "a customer fills in the hosted page"
_GOOD_NUMBER = "4242424242424242"


async def _opened(stage: Stage, **params: Any) -> stripe.checkout.Session:
    wanted: Any = {"success_url": "https://example.com/done", **params}
    return await stage.sdk.v1.checkout.sessions.create_async(wanted)


async def _read(stage: Stage, session_id: str) -> dict[str, Any]:
    return plain(await stage.sdk.v1.checkout.sessions.retrieve_async(session_id))


@questions.on(
    _CREATE, status="open", payment="no_payment_required", has_url=True, has_intent=True, lasts_seconds=86_400
)
async def a_setup_session_is_open_for_a_day(stage: Stage) -> Facts:
    """
    With a page to send the customer to, and a setup intent.
    """
    customer = await props.customer(stage)
    session = plain(await _opened(stage, mode="setup", currency="usd", customer=customer.id))
    return {
        "status": session["status"],
        "payment": session["payment_status"],
        "has_url": bool(session["url"]),
        "has_intent": bool(session["setup_intent"]),
        "lasts_seconds": session["expires_at"] - session["created"],
    }


@questions.on(_CREATE, status=400, param="currency")
async def a_setup_session_needs_a_currency(stage: Stage) -> Facts:
    """
    Unless the types of payment methods are given [S].
    """
    told = await refusal(_opened(stage, mode="setup"))
    return {"status": told["status"], "param": told["param"]}


@questions.on(_EXPIRE, status="expired", url=None, again=400)
async def an_expired_session_has_no_page(stage: Stage) -> Facts:
    """
    And expires once.
    """
    session = await _opened(stage, mode="setup", currency="usd")
    expired = await stage.sdk.v1.checkout.sessions.expire_async(session.id)
    again = await refusal(stage.sdk.v1.checkout.sessions.expire_async(session.id))
    return {"status": expired.status, "url": expired.url, "again": again["status"]}


@questions.on(_SAVE, needs=_FILLED_IN, status="complete", url=None, attached=1, default=None)
async def a_card_saved_on_the_page_is_nobodys_default(stage: Stage) -> Facts:
    """
    It is attached; making it the default is ours to do.
    """
    customer = await props.customer(stage)
    session = await _opened(stage, mode="setup", currency="usd", customer=customer.id)
    stage.by_nature().complete_checkout(session.id, number=_GOOD_NUMBER)
    found = await _read(stage, session.id)
    kept = plain(await stage.sdk.v1.customers.retrieve_async(customer.id))
    methods = await stage.sdk.v1.customers.payment_methods.list_async(customer.id)
    return {
        "status": found["status"],
        "url": found["url"],
        "attached": len(methods.data),
        "default": kept["invoice_settings"]["default_payment_method"],
    }


@questions.on(
    _CREATE, needs=_FILLED_IN, status="complete", payment="paid", subscription="active", metadata={"plan": "pro"}
)
async def a_subscription_bought_on_the_page_is_active(stage: Stage) -> Facts:
    """
    With the metadata that the session was given for it.
    """
    customer, price = await props.customer(stage), await props.monthly_price(stage)
    session = await _opened(
        stage,
        mode="subscription",
        customer=customer.id,
        line_items=[{"price": price, "quantity": 1}],
        subscription_data={"metadata": {"plan": "pro"}},
    )
    stage.by_nature().complete_checkout(session.id, number=_GOOD_NUMBER)
    found = await _read(stage, session.id)
    made = await stage.sdk.v1.subscriptions.retrieve_async(found["subscription"])
    return {
        "status": found["status"],
        "payment": found["payment_status"],
        "subscription": made.status,
        "metadata": plain(made)["metadata"],
    }
