"""
What was sent to webhook endpoints, and their secrets.
"""

import msgspec

from stripe_twin.control.door import Ask, Controls, Refused
from stripe_twin.core import Record
from stripe_twin.events import roll_secret

LIMIT_DEFAULT, LIMIT_MAX = 50, 1000

CONTROLS = Controls()


class Roll(msgspec.Struct, forbid_unknown_fields=True):
    """
    How long the previous secret signs as well.
    """

    previous_valid_seconds: int = 0


@CONTROLS.on("GET", "/_twin/deliveries")
def deliveries(ask: Ask) -> Record:
    """
    List deliveries with their tries, newest first.
    """
    limit = ask.query("limit") or str(LIMIT_DEFAULT)
    if not limit.isdecimal() or not 1 <= int(limit) <= LIMIT_MAX:
        raise Refused(f"limit is 1 to {LIMIT_MAX}.")
    wanted = {name: value for name in ("state", "event", "endpoint") if (value := ask.query(name)) is not None}
    found = [
        delivery
        for delivery in ask.twin.store.all("_delivery")
        if all(delivery[name] == value for name, value in wanted.items())
    ]
    return {"deliveries": found[: int(limit)], "count": len(found)}


@CONTROLS.on("POST", "/_twin/deliveries/{id}/redeliver")
def redeliver(ask: Ask) -> Record:
    """
    Send a delivery once more, whatever became of it.
    """
    return ask.twin.sender.redeliver(ask.ids["id"])


@CONTROLS.on("POST", "/_twin/webhook_endpoints/{id}/roll_secret")
def roll(ask: Ask) -> Record:
    """
    Give an endpoint a new secret and show it.
    """
    seconds = ask.body(Roll).previous_valid_seconds
    with ask.twin.store.unit():
        return {"secret": roll_secret(ask.twin.account, ask.ids["id"], previous_valid_seconds=seconds)}
