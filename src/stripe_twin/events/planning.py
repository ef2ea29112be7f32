"""
Deliveries: one for each endpoint that wants an event, planned in the unit that emits it.
"""

import msgspec

from stripe_twin.core import Account, Record, invalid_request
from stripe_twin.core.records import encoded
from stripe_twin.core.tasks import MAIN_CLOCK
from stripe_twin.events import endpoints

KIND = "_delivery"
DUE = "_due_delivery"
_SETTINGS = ("_settings", "webhooks")
TEST_RETRY_SECONDS = (600, 3600, 7200)
"""
In test mode Stripe tries three times more over a few hours (docs.stripe.com/webhooks, "Automatic retries").
"""
LIVE_RETRY_SECONDS = (300, 1800, 7200, 14_400, 28_800, 57_600, 57_600, 57_600)
"""
In live mode it goes on for up to three days; how far apart the tries are, Stripe does not say.
"""

_DISGUISES = {"old_version": {"api_version": "2025-03-31.basil"}, "unknown_type": {"type": "unheard_of.happened"}}


def plan_deliveries(account: Account, event: Record) -> None:
    """
    Plan to send an event to each enabled endpoint that asks for its type, at once.
    """
    wanting = [
        endpoint
        for endpoint in reversed(account.store.all(endpoints.KIND))
        if endpoint["status"] == "enabled" and {"*", event["type"]} & set(endpoint["enabled_events"])
    ]
    event["pending_webhooks"] = len(wanting)
    for endpoint in wanting:
        add(account, event, endpoint["id"])


def add(account: Account, event: Record, endpoint_id: str, *, copy_of: Record | None = None) -> Record:
    """
    Add a delivery that is due now; a copy brings the same body, and its success counts for nothing.
    """
    now = account.now_on(MAIN_CLOCK)
    delivery = account.store.add(
        KIND,
        {
            "id": account.new_id("whd"),
            "event": event["id"],
            "type": event["type"],
            "endpoint": endpoint_id,
            "created": now,
            "state": "waiting",  # then delivered, failed, dropped; or held
            "pending": copy_of["pending"] if copy_of else event["pending_webhooks"],
            "copy_of": copy_of["id"] if copy_of else None,
            "fault": None,
            "has_met_faults": copy_of is not None,
            "delivered_at": None,
            "tries": [],
        },
    )
    put_off(account, delivery, until=now)
    return delivery


def put_off(account: Account, delivery: Record, *, until: int, behind: bool = False) -> None:
    """
    Have a delivery sent when the main clock shows *until*; *behind*: or as soon as another one was sent.
    """
    call_off(account, delivery)
    account.store.add(DUE, {"id": delivery["id"], "at": until, "behind": behind})


def call_off(account: Account, delivery: Record) -> None:
    """
    Send a delivery no more.
    """
    if account.store.find(DUE, delivery["id"]) is not None:
        account.store.remove(DUE, delivery["id"])


def due(account: Account) -> list[Record]:
    """
    Return the deliveries to send now, in order of time and then of planning.
    """
    now = account.now_on(MAIN_CLOCK)
    found = [one for one in reversed(account.store.all(DUE)) if one["at"] <= now]
    return [account.get(KIND, one["id"]) for one in sorted(found, key=lambda one: int(one["at"]))]


def release_those_behind(account: Account) -> None:
    """
    Let what waits for another delivery go now.
    """
    for one in account.store.all(DUE):
        if one["behind"]:
            waiting = account.store.edit(DUE, one["id"])
            waiting["at"], waiting["behind"] = account.now_on(MAIN_CLOCK), False


def body(account: Account, delivery: Record) -> bytes:
    """
    Return what is sent: the same bytes at each try, indented as Stripe has it, so that writing it anew differs.
    """
    event = account.get("event", delivery["event"])
    shown = {**event, "pending_webhooks": delivery["pending"], **_DISGUISES.get(delivery["fault"] or "", {})}
    return msgspec.json.format(encoded(shown), indent=2)


def retry_seconds(account: Account) -> list[int]:
    """
    Return the pauses before each further try of a failed delivery.
    """
    settings = account.store.find(*_SETTINGS)
    return list(settings["retry_seconds"]) if settings else list(TEST_RETRY_SECONDS)


def set_retry_seconds(account: Account, pauses: list[int]) -> None:
    """
    Set the pauses before each further try; none at all: one try only.

    Raises:
        StripeError: a pause is shorter than a second.
    """
    if any(pause < 1 for pause in pauses):
        raise invalid_request("Each pause before a further try must be 1 second or longer.")
    if account.store.find(*_SETTINGS) is None:
        account.store.add(_SETTINGS[0], {"id": _SETTINGS[1]})
    account.store.edit(*_SETTINGS)["retry_seconds"] = list(pauses)
