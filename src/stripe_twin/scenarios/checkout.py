"""
Scenarios of Checkout Sessions.
"""

from typing import Any

from stripe_twin.scenarios import props
from stripe_twin.scenarios.registry import Scenarios
from stripe_twin.scenarios.stage import Stage

scenarios = Scenarios()

_GOOD_NUMBER = "4242424242424242"
_FILLED_IN = "a customer fills in the hosted page"


async def _opened(stage: Stage, **params: Any) -> str:
    customer = await props.customer(stage)
    wanted: Any = {"customer": customer.id, "success_url": "https://example.com/done", **params}
    return (await stage.sdk.v1.checkout.sessions.create_async(wanted)).id


@scenarios.ends_in("checkout.session.completed", needs=_FILLED_IN)
async def card_saved(stage: Stage) -> str:
    """
    Save a card on the hosted page.
    """
    session_id = await _opened(stage, mode="setup", currency="usd")
    stage.by_nature().complete_checkout(session_id, number=_GOOD_NUMBER)
    return session_id


@scenarios.ends_in("checkout.session.completed:subscription", needs=_FILLED_IN)
async def subscribed(stage: Stage) -> str:
    """
    Open a subscription on the hosted page.
    """
    items = [{"price": await props.monthly_price(stage), "quantity": 1}]
    session_id = await _opened(stage, mode="subscription", line_items=items)
    stage.by_nature().complete_checkout(session_id, number=_GOOD_NUMBER)
    return session_id


@scenarios.ends_in("checkout.session.expired")
async def expired(stage: Stage) -> str:
    """
    Close a session that nobody completed.
    """
    session_id = await _opened(stage, mode="setup", currency="usd")
    return (await stage.sdk.v1.checkout.sessions.expire_async(session_id)).id
