"""
What shall go wrong: faults of the API and of webhooks, latency, the idempotency store.
"""

import dataclasses
from types import GenericAlias
from typing import Any

import msgspec

from stripe_twin.control.door import Ask, Controls, Refused
from stripe_twin.core import Record
from stripe_twin.core.faults import Fault
from stripe_twin.events import WebhookFault

LATENCY_SECONDS_MAX = 60.0

CONTROLS = Controls()


def _asked(plan: type) -> Any:
    """
    Return a type that reads a list of *plan* from JSON and refuses fields that it has not.
    """
    fields: list[Any] = [
        (one.name, one.type) if one.default is dataclasses.MISSING else (one.name, one.type, one.default)
        for one in dataclasses.fields(plan)
    ]
    return GenericAlias(list, (msgspec.defstruct(plan.__name__, fields, forbid_unknown_fields=True),))


_ASKED: dict[type, Any] = {plan: _asked(plan) for plan in (Fault, WebhookFault)}


class Latency(msgspec.Struct, forbid_unknown_fields=True):
    """
    A pause before each call.
    """

    seconds: float


class Switch(msgspec.Struct, forbid_unknown_fields=True):
    """
    On or off.
    """

    on: bool


@CONTROLS.on("GET", "/_twin/faults")
def faults(ask: Ask) -> Record:
    """
    List the planned faults of the API with how often each still strikes.
    """
    return {"faults": [dataclasses.asdict(fault) for fault in ask.twin.faults.planned]}


@CONTROLS.on("POST", "/_twin/faults")
def plan_faults(ask: Ask) -> Record:
    """
    Plan faults of the API, behind those there are.
    """
    ask.twin.faults.plan(_plans(ask, Fault))
    return faults(ask)


@CONTROLS.on("DELETE", "/_twin/faults")
def clear_faults(ask: Ask) -> Record:
    """
    Let the API work again, at once.
    """
    ask.twin.faults.clear()
    return faults(ask)


@CONTROLS.on("GET", "/_twin/webhook_faults")
def webhook_faults(ask: Ask) -> Record:
    """
    List the planned faults of webhooks with how often each still strikes.
    """
    return {"webhook_faults": [dataclasses.asdict(fault) for fault in ask.twin.sender.faults.planned]}


@CONTROLS.on("POST", "/_twin/webhook_faults")
def plan_webhook_faults(ask: Ask) -> Record:
    """
    Plan faults of webhooks, behind those there are.
    """
    ask.twin.sender.faults.plan(_plans(ask, WebhookFault))
    return webhook_faults(ask)


@CONTROLS.on("DELETE", "/_twin/webhook_faults")
def clear_webhook_faults(ask: Ask) -> Record:
    """
    Let webhooks arrive again; what is held stays so until it is released.
    """
    ask.twin.sender.faults.clear()
    return webhook_faults(ask)


@CONTROLS.on("POST", "/_twin/webhook_faults/release")
def release(ask: Ask) -> Record:
    """
    Let go together what a burst holds.
    """
    return {"released": ask.twin.sender.release()}


@CONTROLS.on("GET", "/_twin/latency")
def latency(ask: Ask) -> Record:
    """
    Tell the pause before each call.
    """
    return {"seconds": ask.twin.faults.latency_seconds}


@CONTROLS.on("POST", "/_twin/latency")
def set_latency(ask: Ask) -> Record:
    """
    Set the pause before each call.
    """
    seconds = ask.body(Latency).seconds
    if not 0 <= seconds <= LATENCY_SECONDS_MAX:
        raise Refused(f"The latency is 0 to {LATENCY_SECONDS_MAX:g} seconds.")
    ask.twin.faults.latency_seconds = seconds
    return latency(ask)


@CONTROLS.on("GET", "/_twin/idempotency")
def idempotency(ask: Ask) -> Record:
    """
    Tell whether answers are kept by key.
    """
    return {"on": ask.twin.api.keys.is_on}


@CONTROLS.on("POST", "/_twin/idempotency")
def switch_idempotency(ask: Ask) -> Record:
    """
    Keep answers by key, or execute every repeat again.
    """
    ask.twin.api.keys.is_on = ask.body(Switch).on
    return idempotency(ask)


def _plans(ask: Ask, plan: type) -> list[Any]:
    plans = [plan(**msgspec.structs.asdict(one)) for one in ask.body(_ASKED[plan])]
    for one in plans:
        if not 0 <= one.probability <= 1:
            raise Refused("A probability is between 0 and 1.")
        if one.seconds < 0 or one.skip < 0 or (one.times or 0) < 0:
            raise Refused("seconds, skip and times are not negative.")
    return plans
