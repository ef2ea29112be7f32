"""
What there is in the twin, for a person: tables, each thing as JSON, and the clock.
"""

from typing import TYPE_CHECKING

from stripe_twin.core.exchange import Request, Response
from stripe_twin.core.tasks import MAIN_CLOCK
from stripe_twin.pages.rendering import message_page, rendered, see_other

if TYPE_CHECKING:
    from stripe_twin.twin import Twin

NEWEST = 50
_SHOWN = ("customer", "payment_intent", "subscription", "event", "_delivery")
_UNIT_SECONDS = {"minutes": 60, "hours": 3600, "days": 24 * 3600}
_AMOUNT_MAX = 3660


def overview(twin: "Twin") -> Response:
    """
    Show the newest customers, payments, subscriptions, events and deliveries.
    """
    tables = {kind: twin.store.all(kind)[:NEWEST] for kind in _SHOWN}
    return rendered(
        "overview.html",
        now=twin.account.now_on(MAIN_CLOCK),
        tables=tables,
        counts={kind: twin.store.count(kind) for kind in _SHOWN},
        newest=NEWEST,
        units=list(_UNIT_SECONDS),
        mistakes=[repr(mistake) for mistake in twin.mistakes],
    )


def thing(twin: "Twin", object_id: str) -> Response:
    """
    Show one object as the API does, with its events; a delivery as the control does.
    """
    found = twin.store.lookup(object_id) or twin.store.find("_delivery", object_id)
    if found is None:
        return message_page(404, "Not here", f"There is nothing with the id {object_id}.")
    events = [event for event in twin.store.all("event") if event["data"]["object"].get("id") == object_id]
    return rendered("thing.html", thing=found, kind=found.get("object", "delivery"), events=events[:NEWEST])


def move_clock(twin: "Twin", _request: Request, typed: dict[str, str]) -> Response:
    """
    Move the clock forward by what was typed, doing what becomes due.
    """
    amount, unit = typed.get("amount", ""), typed.get("unit", "")
    if unit not in _UNIT_SECONDS or not amount.isdecimal() or not 1 <= int(amount) <= _AMOUNT_MAX:
        wanted = f"Enter a whole number from 1 to {_AMOUNT_MAX}, and its unit."
        return message_page(400, "The clock was not moved", wanted)
    account = twin.account
    account.advance(account.now_on(MAIN_CLOCK) + int(amount) * _UNIT_SECONDS[unit])
    return see_other("/")
