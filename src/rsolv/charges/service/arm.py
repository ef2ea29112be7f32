"""
The last look before money may move.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from rsolv import payment_methods
from rsolv.charges.errors import FenceLost
from rsolv.charges.queries import attempts, intents
from rsolv.charges.rules import (
    BILLING_OFF,
    LOOK_AGAIN_WHEN_HELD,
    NO_CONSENT,
    NO_PAYMENT_METHOD,
    PARAMETERS_CHANGED,
    Attempt,
    Held,
    Intent,
    confirm_hash,
    looks,
    may_repeat,
)
from rsolv.charges.service.rest import go_on, hold, rest
from rsolv.db import Connection
from rsolv.payment_methods import Consent, PaymentMethod
from rsolv.stripe_gateway import Payment

Cap = Callable[[Connection, Intent, datetime], Awaitable[Held | None]]
"""
Asked in the arming transaction whether a charge has to wait for a limit; None: it need not.
"""


async def no_cap(_connection: Connection, _intent: Intent, _now: datetime) -> Held | None:
    """
    Let every charge go.
    """
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """
    Under which conditions charges are made now.
    """

    billing_enabled: bool
    cap: Cap
    lease: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Armed:
    """
    A charge that may be confirmed: which attempt it is, and which card.
    """

    intent: Intent
    attempt: Attempt
    stripe_payment_method_id: str


async def arm(
    connection: Connection,
    claimed: Intent,
    *,
    seen: Payment | None,
    terms: Terms,
    return_url: str | None = None,
    now: datetime,
) -> Armed | None:
    """
    Look for the last time whether the charge may be made, and write the attempt down; None when it has to wait.

    A first attempt needs nothing; any other needs the payment as it was just *seen* at Stripe, confirmable. The open
    attempt is sent again under its key if card and consent are still the same; else it is a new attempt. A customer who
    is there, to come back to *return_url*, makes a new one each time.

    Raises:
        FenceLost: the charge has been claimed or moved by another since.
    """
    intent = await hold(connection, claimed)
    if intent.ending is not None:
        await rest(connection, intent, Held("", now), now=now)
        return None
    method = await payment_methods.find_default(connection, customer_id=intent.customer_id)
    consent = await payment_methods.find_covering_consent(
        connection, customer_id=intent.customer_id, amount_cents=intent.amount_cents, currency=intent.currency
    )
    held = await _held(connection, intent, method=method, consent=consent, terms=terms, now=now)
    if held is not None:
        await rest(connection, intent, held, now=now)
        return None
    assert method is not None, "looked at above"
    assert consent is not None, "looked at above"
    attempt = await _attempt(
        connection, intent, method=method, consent=consent, seen=seen, return_url=return_url, now=now
    )
    if attempt is None:
        await rest(connection, intent, Held(PARAMETERS_CHANGED), now=now)
        return None
    if intent.state == "requires_action":
        # Another card takes the place of the one whose bank waits for the customer.
        intent = await go_on(connection, intent, state="declined", lease=terms.lease, now=now)
    armed = await intents.arm_intent(
        connection,
        intent,
        attempts=attempt.number,
        consent_id=consent.id,
        payment_method_id=method.id,
        lease=terms.lease,
        now=now,
    )
    if armed is None:
        raise FenceLost
    return Armed(intent=armed, attempt=attempt, stripe_payment_method_id=method.stripe_payment_method_id)


async def _held(
    connection: Connection,
    intent: Intent,
    *,
    method: PaymentMethod | None,
    consent: Consent | None,
    terms: Terms,
    now: datetime,
) -> Held | None:
    if not terms.billing_enabled:
        return Held(BILLING_OFF, now + LOOK_AGAIN_WHEN_HELD)
    if method is None:
        return Held(NO_PAYMENT_METHOD)
    if consent is None:
        return Held(NO_CONSENT)
    if intent.debt_state != "open":
        return Held(f"debt_{intent.debt_state}")
    return await terms.cap(connection, intent, now)


async def _attempt(
    connection: Connection,
    intent: Intent,
    *,
    method: PaymentMethod,
    consent: Consent,
    seen: Payment | None,
    return_url: str | None,
    now: datetime,
) -> Attempt | None:
    """
    Write down what is about to be sent; None when it would not be what was sent before under this key.
    """
    last = await attempts.find_attempt(connection, customer_id=intent.customer_id, charge_id=intent.id, kind="confirm")
    parameter_hash = confirm_hash(
        intent, stripe_payment_method_id=method.stripe_payment_method_id, return_url=return_url
    )
    assert last is None or seen is not None, "after the first attempt Stripe is asked before another is made"
    terms = (method.id, consent.id, False)
    same = last is not None and (last.payment_method_id, last.consent_id, last.customer_present) == terms
    if last is not None and same and return_url is None and may_repeat(last, now=now):
        if last.parameter_hash != parameter_hash:
            return None
        await attempts.repeat_attempt(connection, last, customer_id=intent.customer_id)
        return last
    return await attempts.insert_attempt(
        connection,
        intent,
        kind="confirm",
        number=last.number + 1 if last else 1,
        parameter_hash=parameter_hash,
        sent_at=now,
        consent_id=consent.id,
        payment_method_id=method.id,
        customer_present=return_url is not None,
        seen_before=looks(seen),
    )
