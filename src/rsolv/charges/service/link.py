"""
The link by which a customer pays one charge: who has it may do that, and nothing else.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from rsolv import payment_methods
from rsolv.charges.errors import TooManyTries, UnknownLink
from rsolv.charges.queries import attempts, intents, reads
from rsolv.charges.rules import CARD_REFUSED, Charge, Intent
from rsolv.db import Connection
from rsolv.payment_methods import PaymentMethod

TRIES_PER_DAY = 10
LINK_PATH = "/charges"
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """
    What an address says: which charge, and the token that allows to pay it.
    """

    customer_id: int
    charge_id: int
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedCharge:
    """
    What whoever has the link may see: the charge, what was fixed, and the card that would be charged now.
    """

    charge: Charge
    repository: str
    issue_number: int
    card: PaymentMethod | None

    @property
    def can_be_paid(self) -> bool:
        """
        Say whether the customer can do something about it now.
        """
        return self.card is not None and may_pay(self.charge)


def address_of(charge: Charge, *, customer_id: int, public_url: str) -> str:
    """
    Return the address at which a customer pays a charge.
    """
    return f"{public_url}{LINK_PATH}/{customer_id}/{charge.id}?token={charge.link_token}"


def action_url(charge: Charge, *, customer_id: int, public_url: str) -> str | None:
    """
    Return where a charge waits for its customer; None where it does not.
    """
    waits = charge.state == "requires_action"
    return address_of(charge, customer_id=customer_id, public_url=public_url) if waits else None


def may_pay(charge: Charge) -> bool:
    """
    Say whether a charge waits for its customer, or was declined by a card that may be tried again.
    """
    return charge.state == "requires_action" or (charge.state == "declined" and charge.parked_reason != CARD_REFUSED)


async def find_by_link(connection: Connection, link: Link) -> LinkedCharge:
    """
    Return the charge that a link is for. Reads only.

    Raises:
        UnknownLink: there is no such charge, or the token is not its own.
    """
    charge = await reads.find_charge(connection, customer_id=link.customer_id, charge_id=link.charge_id)
    if charge is None or not is_token_of(charge, link.token):
        raise UnknownLink
    fix = await reads.find_fix(connection, customer_id=link.customer_id, fix_id=charge.fix_id)
    assert fix is not None, "its debt refers to it"
    return LinkedCharge(
        charge=charge,
        repository=fix["repository"],
        issue_number=fix["issue_number"],
        card=await payment_methods.find_default(connection, customer_id=link.customer_id),
    )


def is_token_of(charge: Charge, token: str) -> bool:
    """
    Compare without telling by the time it takes how much was right.
    """
    return secrets.compare_digest(charge.link_token.encode(), token.encode())


async def claim_by_link(connection: Connection, link: Link, *, lease: timedelta, now: datetime) -> Intent | None:
    """
    Take a charge up for its customer, due or not, for as long as the lease; None when there is nothing they can do now.

    Raises:
        UnknownLink: there is no such charge, or the token is not its own.
        TooManyTries: the customer has tried ten times within a day.
    """
    intent = await intents.lock_intent(connection, customer_id=link.customer_id, charge_id=link.charge_id)
    if intent is None or not is_token_of(intent, link.token):
        raise UnknownLink
    if intent.lease_left or intent.ending is not None or not may_pay(intent):
        return None
    first_of_many = await attempts.find_present_before_last(
        connection,
        customer_id=link.customer_id,
        charge_id=link.charge_id,
        since=now - _DAY,
        skip=TRIES_PER_DAY - 1,
    )
    if first_of_many is not None:
        raise TooManyTries(tries=TRIES_PER_DAY, again_at=first_of_many + _DAY)
    return await intents.claim_intent(connection, intent, lease=lease, now=now)
