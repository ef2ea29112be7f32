"""
Give a charge its one payment at Stripe, unconfirmed: no money moves here, whatever happens.
"""

from datetime import datetime, timedelta

from rsolv.charges.errors import FenceLost
from rsolv.charges.queries import attempts, intents
from rsolv.charges.rules import PARAMETERS_CHANGED, Attempt, Held, Intent, create_hash, difference, may_repeat
from rsolv.charges.service.rest import hold, rest
from rsolv.charges.service.sweep import promise_sweep
from rsolv.db import Connection
from rsolv.stripe_gateway import Payment


async def find_creation(connection: Connection, intent: Intent) -> Attempt:
    """
    Return the attempt to create a charge's payment.
    """
    attempt = await attempts.find_attempt(
        connection, customer_id=intent.customer_id, charge_id=intent.id, kind="create"
    )
    assert attempt is not None, "written down by the first claim"
    return attempt


async def attempt_creation(
    connection: Connection, claimed: Intent, *, nothing_there: bool, now: datetime
) -> Attempt | None:
    """
    Write down that the payment is about to be created; None when the charge was parked instead.

    Under the key of the attempt that is open, as long as it can be trusted, or (when *nothing_there* was found at
    Stripe) under a new one: a second unconfirmed payment would cost nobody anything.

    Raises:
        FenceLost: the charge has been claimed by another since.
    """
    intent = await hold(connection, claimed)
    attempt = await find_creation(connection, intent)
    if attempt.parameter_hash != create_hash(intent):
        await rest(connection, intent, Held(PARAMETERS_CHANGED), now=now)
        return None
    await promise_sweep(connection, customer_id=intent.customer_id, charge_id=intent.id)
    if may_repeat(attempt, now=now):
        await attempts.repeat_attempt(connection, attempt, customer_id=intent.customer_id)
        return attempt
    assert nothing_there, "a key that is too old is not used again before Stripe was asked what there is"
    return await attempts.insert_attempt(
        connection,
        intent,
        kind="create",
        number=attempt.number + 1,
        parameter_hash=create_hash(intent),
        sent_at=now,
    )


async def store_payment(
    connection: Connection,
    claimed: Intent,
    payment: Payment,
    *,
    stripe_customer_id: str,
    lease: timedelta,
    now: datetime,
) -> Intent | None:
    """
    Give the charge its payment, for life; None when the payment is not what was asked for, and the charge parked.

    Raises:
        FenceLost: the charge has been claimed by another since; what was created stays unconfirmed.
    """
    intent = await hold(connection, claimed)
    attempt = await find_creation(connection, intent)
    await attempts.answer_attempt(
        connection,
        attempt,
        customer_id=intent.customer_id,
        outcome="made",
        stripe_request_id=payment.request_id,
        is_server_error=False,
        now=now,
    )
    what = difference(intent, payment, stripe_customer_id=stripe_customer_id, livemode=payment.livemode)
    if what is not None:
        await rest(connection, intent, Held(f"{what}_differs"), now=now)
        return None
    stored = await intents.store_payment(
        connection,
        intent,
        stripe_payment_id=payment.id,
        stripe_customer_id=stripe_customer_id,
        livemode=payment.livemode,
        lease=lease,
        now=now,
    )
    if stored is None:
        raise FenceLost
    return stored
