"""
Events, read back for thirty days (docs.stripe.com/api/events).
"""

from stripe_twin.core import Account, Call, Record, Routes, invalid_request, page, resource_missing
from stripe_twin.core.tasks import MAIN_CLOCK
from stripe_twin.events.types import matches

KEPT_SECONDS = 30 * 24 * 3600
TYPES_MAX = 20

ROUTES = Routes()


@ROUTES.get("/v1/events/{id}")
def retrieve(account: Account, call: Call) -> Record:
    """
    Return an event of the last thirty days (docs.stripe.com/api/events/retrieve).
    """
    event = account.store.find("event", call.ids["id"])
    if event is None or event["created"] <= _forgotten_at(account):
        raise resource_missing("event", call.ids["id"])
    return event


@ROUTES.get("/v1/events")
def list_events(account: Account, call: Call) -> Record:
    """
    List the events of the last thirty days, newest first (docs.stripe.com/api/events/list).
    """
    wanted = _wanted_types(call.params)
    delivered = call.params.get("delivery_success")
    forgotten_at = _forgotten_at(account)
    events = (
        event
        for event in account.store.all("event")
        if event["created"] > forgotten_at
        and (wanted is None or any(matches(event["type"], one) for one in wanted))
        and (delivered is None or (event["pending_webhooks"] == 0) == delivered)
    )
    return page(call, events, url="/v1/events")


def _wanted_types(params: Record) -> list[str] | None:
    one, several = params.get("type"), params.get("types")
    if one is not None and several is not None:
        raise invalid_request("You may pass either `type` or `types`, but not both.", param="types")
    if several is not None and len(several) > TYPES_MAX:
        raise invalid_request(f"You may pass up to {TYPES_MAX} event types.", param="types")
    return [one] if one is not None else several


def _forgotten_at(account: Account) -> int:
    """
    Return the time up to which events are forgotten, on the main clock: a test clock may stand anywhere.
    """
    return account.now_on(MAIN_CLOCK) - KEPT_SECONDS
