"""
The whole of a twin: its state, its clock, its settings, a new beginning.
"""

from datetime import UTC, datetime

import msgspec

from stripe_twin import billing, events
from stripe_twin.control.door import Ask, Controls, Refused
from stripe_twin.core import Record
from stripe_twin.core.tasks import MAIN_CLOCK

KINDS = (
    "customer",
    "payment_method",
    "setup_intent",
    "payment_intent",
    "charge",
    "refund",
    "dispute",
    "product",
    "price",
    "subscription",
    "invoice",
    "checkout.session",
    "webhook_endpoint",
    "event",
    "test_helpers.test_clock",
)
YEAR_10000 = 253_402_300_800

CONTROLS = Controls()


class Move(msgspec.Struct, forbid_unknown_fields=True):
    """
    Where to move the clock: by so many seconds, or to a time.
    """

    advance_seconds: int | None = None
    to: int | None = None


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """
    What can be set for the account; what is left out stays.
    """

    webhook_retry_seconds: list[int] | None = None
    retry_after_days: list[int] | None = None
    after_last_retry: str | None = None
    upcoming_days: int | None = None


class Reset(msgspec.Struct, forbid_unknown_fields=True):
    """
    How to begin anew: with another seed, or with the same.
    """

    seed: str | None = None


@CONTROLS.on("GET", "/_twin/state")
def state(ask: Ask) -> Record:
    """
    Tell what there is, what is set, and what the twin itself did wrong.
    """
    twin = ask.twin
    deliveries = [one["state"] for one in twin.store.all("_delivery")]
    return {
        "clock": clock(ask),
        "next_task_at": twin.account.agenda.next_at(MAIN_CLOCK),
        "seed": twin.seed,
        "counts": {kind: twin.store.count(kind) for kind in KINDS},
        "deliveries": {one: deliveries.count(one) for one in sorted(set(deliveries))},
        "faults": len(twin.faults.planned),
        "webhook_faults": len(twin.sender.faults.planned),
        "latency_seconds": twin.faults.latency_seconds,
        "idempotency_on": twin.api.keys.is_on,
        "settings": settings(ask),
        "mistakes": [repr(mistake) for mistake in twin.mistakes],
    }


@CONTROLS.on("GET", "/_twin/clock")
def clock(ask: Ask) -> Record:
    """
    Tell the main clock's time.
    """
    now = ask.twin.account.now_on(MAIN_CLOCK)
    return {"now": now, "utc": datetime.fromtimestamp(now, UTC).isoformat()}


@CONTROLS.on("POST", "/_twin/clock")
def move_clock(ask: Ask) -> Record:
    """
    Move the main clock forward, doing what becomes due on the way, each at its own second.
    """
    move = ask.body(Move)
    now = ask.twin.account.now_on(MAIN_CLOCK)
    if (move.advance_seconds is None) == (move.to is None):
        raise Refused("Say either advance_seconds or to.")
    until = move.to if move.to is not None else now + (move.advance_seconds or 0)
    if not now <= until < YEAR_10000:
        raise Refused(f"The clock shows {now}; it only goes forward, and not beyond the year 9999.")
    ask.twin.account.advance(until)
    return clock(ask)


@CONTROLS.on("GET", "/_twin/settings")
def settings(ask: Ask) -> Record:
    """
    Tell the account's settings.
    """
    account = ask.twin.account
    dunning = {name: value for name, value in billing.settings(account).items() if name != "id"}
    return {"webhook_retry_seconds": events.retry_seconds(account), **dunning}


@CONTROLS.on("POST", "/_twin/settings")
def change_settings(ask: Ask) -> Record:
    """
    Change some of the account's settings.
    """
    wanted = ask.body(Settings)
    dunning = {
        name: value
        for name in ("retry_after_days", "after_last_retry", "upcoming_days")
        if (value := getattr(wanted, name)) is not None
    }
    try:
        with ask.twin.store.unit():
            if wanted.webhook_retry_seconds is not None:
                events.set_retry_seconds(ask.twin.account, wanted.webhook_retry_seconds)
            if dunning:
                billing.change_settings(ask.twin.account, dunning)
    except ValueError as error:
        raise Refused(f"{error}.") from error
    return settings(ask)


@CONTROLS.on("POST", "/_twin/reset")
def reset(ask: Ask) -> Record:
    """
    Forget everything and begin anew.
    """
    ask.twin.reset(ask.body(Reset).seed)
    return state(ask)
