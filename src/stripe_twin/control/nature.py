"""
What customers, banks and card networks do.
"""

from collections.abc import Callable

import msgspec

from stripe_twin import checkout, payments
from stripe_twin.acts import Result, act
from stripe_twin.control.door import Ask, Controls
from stripe_twin.core import Record

CONTROLS = Controls()


class TypedCard(msgspec.Struct, forbid_unknown_fields=True):
    """
    A card as a customer types it.
    """

    number: str
    exp_month: int
    exp_year: int
    cvc: str
    name: str = ""
    email: str = ""


class Authentication(msgspec.Struct, forbid_unknown_fields=True):
    """
    How 3-D Secure ends.
    """

    succeeded: bool


class Decision(msgspec.Struct, forbid_unknown_fields=True):
    """
    Who wins a dispute: we, or the cardholder.
    """

    won: bool


class Trigger(msgspec.Struct, forbid_unknown_fields=True):
    """
    The event that a scenario ends in.
    """

    event: str


@CONTROLS.on("POST", "/_twin/checkout_sessions/{id}/complete")
def complete(ask: Ask) -> Record:
    """
    Fill in the hosted page; a card that must be authenticated leaves the session open and names its intent.
    """
    card = checkout.Card(**msgspec.structs.asdict(ask.body(TypedCard)))
    intent_id = _act(ask, lambda: checkout.complete(ask.twin.account, ask.ids["id"], card))
    return {"session": ask.twin.store.find("checkout.session", ask.ids["id"]), "authenticate": intent_id}


@CONTROLS.on("POST", "/_twin/intents/{id}/authenticate")
def authenticate(ask: Ask) -> Record:
    """
    End 3-D Secure as the customer does.
    """
    succeeded = ask.body(Authentication).succeeded
    return _act(ask, lambda: payments.finish_authentication(ask.twin.account, ask.ids["id"], succeeded=succeeded))


@CONTROLS.on("POST", "/_twin/payment_methods/{id}/renew")
def renew(ask: Ask) -> Record:
    """
    Have the card's network renew a saved card.
    """
    return _act(ask, lambda: payments.renew_card(ask.twin.account, ask.ids["id"]))


@CONTROLS.on("POST", "/_twin/disputes/{id}/decide")
def decide(ask: Ask) -> Record:
    """
    Have the bank decide a dispute.
    """
    won = ask.body(Decision).won
    return _act(ask, lambda: payments.decide_dispute(ask.twin.account, ask.ids["id"], won=won))


@CONTROLS.on("POST", "/_twin/refunds/{id}/fail")
def fail(ask: Ask) -> Record:
    """
    Have the bank send a refund back.
    """
    return _act(ask, lambda: payments.fail_refund(ask.twin.account, ask.ids["id"]))


@CONTROLS.on("POST", "/_twin/trigger")
async def trigger(ask: Ask) -> Record:
    """
    Play the scenario that ends in an event.
    """
    from stripe_twin.scenarios import trigger as play  # noqa: PLC0415 -- they play on a twin, which has this control

    return await play(ask.twin, ask.body(Trigger).event)


def _act(ask: Ask, work: Callable[[], Result]) -> Result:
    return act(ask.twin.account, work, base_url=ask.request.base_url)
