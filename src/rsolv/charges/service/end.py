"""
Give a charge up.
"""

from datetime import datetime

from rsolv.audit import Actor, record
from rsolv.charges.errors import ChargeCannotEnd, UnknownCharge
from rsolv.charges.queries import debts, intents
from rsolv.charges.rules import FINAL, Charge, ChargeState, Ending, Intent, advance_job
from rsolv.charges.service.read import get_charge
from rsolv.charges.service.rest import end, hold
from rsolv.charges.service.sweep import promise_sweep
from rsolv.db import Connection
from rsolv.jobs import enqueue

_MAY_END: dict[Ending, frozenset[ChargeState]] = {
    "canceled": frozenset({"created", "preparing", "prepared", "confirming", "requires_action", "declined", "unknown"}),
    "uncollectible": frozenset({"declined"}),
}


async def cancel_debt(
    connection: Connection, *, customer_id: int, charge_id: int, actor: Actor, reason: str, now: datetime
) -> Charge:
    """
    Ask that a debt be dropped: the worker ends its charge, at Stripe first, if it is not too late.

    Stripe has the last word. What has been paid there by then is paid here, and has to be refunded. A repeat changes
    nothing.

    Raises:
        UnknownCharge: the customer has no such charge.
        ChargeCannotEnd: it has succeeded, or ended otherwise.
    """
    return await _ask(
        connection,
        customer_id=customer_id,
        charge_id=charge_id,
        ending="canceled",
        actor=actor,
        reason=reason,
        now=now,
    )


async def give_up(
    connection: Connection, *, customer_id: int, charge_id: int, actor: Actor, reason: str, now: datetime
) -> Charge:
    """
    Ask that a declined charge be written off as uncollectible, like `cancel_debt`.

    Raises:
        UnknownCharge: the customer has no such charge.
        ChargeCannotEnd: it is not declined.
    """
    return await _ask(
        connection,
        customer_id=customer_id,
        charge_id=charge_id,
        ending="uncollectible",
        actor=actor,
        reason=reason,
        now=now,
    )


async def end_without_payment(connection: Connection, claimed: Intent, *, now: datetime) -> None:
    """
    End a charge for which Stripe was asked for nothing that we know of; what it may have made is swept later.

    Raises:
        FenceLost: the charge has been claimed by another since.
    """
    intent = await hold(connection, claimed)
    assert intent.ending is not None, "somebody asked for it"
    assert intent.stripe_payment_id is None, "there is nothing to be ended at Stripe"
    await promise_sweep(connection, customer_id=intent.customer_id, charge_id=intent.id)
    await end(connection, intent, state=intent.ending, reason=None, now=now)
    await debts.close_debt(connection, intent, state=intent.ending)


async def _ask(
    connection: Connection,
    *,
    customer_id: int,
    charge_id: int,
    ending: Ending,
    actor: Actor,
    reason: str,
    now: datetime,
) -> Charge:
    intent = await intents.lock_intent(connection, customer_id=customer_id, charge_id=charge_id)
    if intent is None:
        raise UnknownCharge(charge_id=charge_id)
    if intent.state == ending == "canceled" and intent.debt_state == "open":
        await _drop_what_ended_at_stripe(connection, intent, actor=actor, reason=reason)
    is_asked = intent.state == ending or (intent.ending == ending and intent.state not in FINAL)
    if not is_asked and (intent.state not in _MAY_END[ending] or intent.ending is not None):
        raise ChargeCannotEnd(charge_id=charge_id, state=intent.state, ending=ending)
    if not is_asked:
        assert intent.state not in FINAL, "no end of an end"
        await debts.ask_to_end(connection, intent, ending=ending, now=now)
        await enqueue(
            connection, advance_job(customer_id=customer_id, charge_id=charge_id, wake_at=now, now=now, why="end")
        )
        await record(
            connection,
            actor=actor,
            action="charge:end_asked",
            subject=f"charge {charge_id}",
            customer_id=customer_id,
            facts={"ending": ending, "reason": reason},
        )
    return await get_charge(connection, customer_id=customer_id, charge_id=charge_id)


async def _drop_what_ended_at_stripe(connection: Connection, intent: Intent, *, actor: Actor, reason: str) -> None:
    """
    Close the debt of a charge whose payment somebody canceled at Stripe, unless another charge is collecting it.
    """
    newest_id = await debts.find_intent_id(connection, customer_id=intent.customer_id, fix_id=intent.fix_id)
    if newest_id != intent.id:
        raise ChargeCannotEnd(charge_id=intent.id, state=intent.state, ending="dropped, being collected again")
    await debts.close_debt(connection, intent, state="canceled")
    await record(
        connection,
        actor=actor,
        action="charge:debt_dropped",
        subject=f"charge {intent.id}",
        customer_id=intent.customer_id,
        facts={"reason": reason},
    )
