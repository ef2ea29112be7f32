"""
What a refusal to pay means, whoever heard it: the worker that asked, or one that read it later.
"""

from datetime import datetime

from rsolv import payment_methods
from rsolv.charges.queries import attempts, intents
from rsolv.charges.rules import LOOK_FOR_CUSTOMER_EVERY, Attempt, Held, Intent, after_decline, notice_job, pause
from rsolv.charges.service.rest import note, rest
from rsolv.db import Connection
from rsolv.jobs import enqueue
from rsolv.stripe_gateway import Decline


async def decline_charge(
    connection: Connection,
    intent: Intent,
    decline: Decline,
    *,
    attempt: Attempt | None,
    stripe_request_id: str | None,
    now: datetime,
) -> Intent:
    """
    Take the bank's no: the charge is tried again by the dunning schedule, and the customer is told.

    A bank that only wants to hear it from the customer has not said no: the charge then waits for them. If another card
    has become the default meanwhile it is tried at once.

    Raises:
        FenceLost: the charge has been moved by another since it was read.
    """
    if attempt is not None:
        await attempts.answer_attempt(
            connection,
            attempt,
            customer_id=intent.customer_id,
            outcome="requires_action" if decline.needs_customer else "declined",
            stripe_request_id=stripe_request_id,
            is_server_error=False,
            now=now,
        )
    default = await payment_methods.find_default(connection, customer_id=intent.customer_id)
    goes_on_at_once = intent.ending is not None or (default is not None and default.id != intent.payment_method_id)
    if decline.needs_customer:
        await intents.note_decline(
            connection, intent, decline, declines=intent.declines, began_at=intent.dunning_began_at
        )
        return await wait_for_customer(connection, intent, attempt=attempt, goes_on_at_once=goes_on_at_once, now=now)
    # What a customer tries by themselves is no step of the schedule, and they see what came of it.
    is_step = attempt is None or not attempt.customer_present or intent.declines == 0
    declines, began_at = intent.declines + is_step, intent.dunning_began_at or now
    held = after_decline(
        declines=declines, began_at=began_at, is_hard=decline.is_hard, goes_on_at_once=goes_on_at_once, now=now
    )
    await intents.note_decline(
        connection,
        intent,
        decline,
        declines=0 if goes_on_at_once else declines,
        began_at=None if goes_on_at_once else began_at,
    )
    await note(connection, intent, "charge:declined", code=decline.code, decline_code=decline.decline_code)
    if is_step:
        await enqueue(connection, notice_job(intent, "declined"))
    return await rest(connection, intent, held, state="declined", now=now)


async def wait_for_customer(
    connection: Connection, intent: Intent, *, attempt: Attempt | None, goes_on_at_once: bool, now: datetime
) -> Intent:
    """
    Wait until the customer has authenticated with their bank, looking from time to time.

    They are told, unless the attempt that the bank wants them for is their own: then they are there.

    Raises:
        FenceLost: the charge has been moved by another since it was read.
    """
    if intent.state != "requires_action":
        await note(connection, intent, "charge:requires_action")
        if attempt is None or not attempt.customer_present:
            await enqueue(connection, notice_job(intent, "requires_action"))
        began_at = now
    else:
        began_at = intent.moved_at
    wake_at = (
        now
        if goes_on_at_once
        else now + pause(began_at=began_at, now=now, charge_id=intent.id, longest=LOOK_FOR_CUSTOMER_EVERY)
    )
    return await rest(connection, intent, Held("", wake_at), state="requires_action", now=now)
