"""
Collect a debt by another charge, where the last one was ended by somebody at Stripe.
"""

from datetime import datetime

from rsolv.audit import Actor, record
from rsolv.charges.errors import ChargeCannotEnd, UnknownCharge
from rsolv.charges.queries import debts, intents
from rsolv.charges.rules import ENDED_AT_STRIPE, Charge, advance_job
from rsolv.charges.service.read import get_charge
from rsolv.db import Connection
from rsolv.jobs import enqueue


async def collect_again(
    connection: Connection, *, customer_id: int, charge_id: int, actor: Actor, reason: str, now: datetime
) -> Charge:
    """
    Begin another charge for the debt of one whose payment was canceled at Stripe, and return the new one.

    Only where that happened without us: a debt that we dropped or wrote off stays so. The debt has one live charge,
    kept by the database; a repeat, also at the same moment, returns the charge that is alive and changes nothing.

    Raises:
        UnknownCharge: the customer has no such charge.
        ChargeCannotEnd: it has not ended like that.
    """
    intent = await intents.lock_intent(connection, customer_id=customer_id, charge_id=charge_id)
    if intent is None:
        raise UnknownCharge(charge_id=charge_id)
    if (intent.state, intent.parked_reason, intent.ending) != ("canceled", ENDED_AT_STRIPE, None):
        raise ChargeCannotEnd(charge_id=charge_id, state=intent.state, ending="collected again")
    newest_id = await debts.find_intent_id(connection, customer_id=customer_id, fix_id=intent.fix_id)
    assert newest_id is not None, "there is this one at least"
    newest = await get_charge(connection, customer_id=customer_id, charge_id=newest_id)
    if newest.state not in ("canceled", "uncollectible"):
        return newest
    if intent.debt_state != "open":
        raise ChargeCannotEnd(charge_id=charge_id, state=intent.state, ending="collected again")
    new_id = await debts.insert_intent(connection, customer_id=customer_id, debt_id=intent.debt_id, now=now)
    await enqueue(connection, advance_job(customer_id=customer_id, charge_id=new_id, wake_at=now, now=now))
    await record(
        connection,
        actor=actor,
        action="charge:collected_again",
        subject=f"charge {new_id}",
        customer_id=customer_id,
        facts={"after_charge_id": charge_id, "reason": reason},
    )
    return await get_charge(connection, customer_id=customer_id, charge_id=new_id)
