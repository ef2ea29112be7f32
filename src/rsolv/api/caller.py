"""
Who is calling, in the words in which rooms want to know it, and what calls about payments have in common.
"""

import hashlib
from typing import Annotated

import msgspec

from rsolv import idempotency
from rsolv.api.errors import payments_not_configured
from rsolv.api.operation import Call
from rsolv.audit import Actor
from rsolv.payment_methods import Declaration
from rsolv.stripe_gateway import StripeGateway

USER_AGENT_MAX = 500

BillingConsent = Annotated[
    bool,
    msgspec.Meta(
        description="Must be true: the customer agrees to the text of `consent_offer` in the list of methods."
    ),
]


def actor_of(call: Call) -> Actor:
    """
    Name the caller as an actor: the customer, by the key that was used.
    """
    return Actor("customer", f"api key {call.key.api_key_id}")


def declaration_of(call: Call) -> Declaration:
    """
    Say who declares something about consent: the actor, from which address, by which program.
    """
    agent = call.headers.get(b"user-agent", b"").decode("latin-1")[:USER_AGENT_MAX]
    shown = "".join(character if character.isprintable() else "?" for character in agent)
    return Declaration(actor=actor_of(call), ip=call.ip, user_agent=shown or None, at=call.now)


def gateway_of(call: Call) -> StripeGateway:
    """
    Return the gateway to Stripe.

    Raises:
        WireRefusal: 503, this installation has none.
    """
    if call.parts.gateway is None:
        raise payments_not_configured()
    return call.parts.gateway


def caller_key_hash_of(call: Call) -> bytes | None:
    """
    Return a digest of the caller's `Idempotency-Key`, for acts whose repeat leads to the same thing; None without one.

    Raises:
        KeyInvalid: the header holds no such key.
    """
    header = call.headers.get(b"idempotency-key")
    if header is None:
        return None
    return hashlib.sha256(idempotency.checked_key(header.decode("latin-1")).reveal().encode("ascii")).digest()
