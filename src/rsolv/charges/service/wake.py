"""
Set charges going again: for a new card or consent, by an operator, or because nobody else did.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from rsolv.audit import Actor, record
from rsolv.charges.errors import ChargeCannotEnd, PaymentOwed, UnknownCharge
from rsolv.charges.queries import debts, intents, reads
from rsolv.charges.rules import CURED_BY_A_NEW_CARD, FINAL, NO_CONSENT, Charge, advance_job
from rsolv.charges.service.read import get_charge
from rsolv.db import Connection
from rsolv.jobs import enqueue
from rsolv.payment_methods import ConsentGiven, PaymentMethodAdded, PaymentMethodRemoving

OVERDUE_AFTER = timedelta(minutes=1)
AT_A_TIME = 1_000

log = structlog.get_logger()


async def retry_with_new_card(connection: Connection, added: PaymentMethodAdded) -> None:
    """
    Try everything at once that waits for a card or was declined by the last one; a dunning schedule begins anew.

    Subscribes to `PaymentMethodAdded`, so it runs in the transaction that adds the card.
    """
    await _wake(connection, added.customer_id, CURED_BY_A_NEW_CARD, now=added.occurred_at)


async def retry_with_new_consent(connection: Connection, given: ConsentGiven) -> None:
    """
    Try everything at once that waits for a consent.

    Subscribes to `ConsentGiven`, so it runs in the transaction that writes the consent down.
    """
    await _wake(connection, given.customer_id, (NO_CONSENT,), now=given.occurred_at)


async def refuse_removal_while_owing(connection: Connection, removing: PaymentMethodRemoving) -> None:
    """
    Keep the last payment method while something is to be paid by it.

    Subscribes to `PaymentMethodRemoving`.

    Raises:
        PaymentOwed: it is the last one, and a debt is open.
    """
    debts = await reads.count_open_debts(connection, customer_id=removing.customer_id) if removing.is_last else 0
    if debts:
        raise PaymentOwed(debts=debts)


async def retry_charge(
    connection: Connection, *, customer_id: int, charge_id: int, actor: Actor, now: datetime
) -> Charge:
    """
    Have a charge go on now, whatever it rests for. One that runs already just runs on.

    Raises:
        UnknownCharge: the customer has no such charge.
        ChargeCannotEnd: it has ended.
    """
    intent = await intents.lock_intent(connection, customer_id=customer_id, charge_id=charge_id)
    if intent is None:
        raise UnknownCharge(charge_id=charge_id)
    if intent.state in FINAL:
        raise ChargeCannotEnd(charge_id=charge_id, state=intent.state, ending="retried")
    await debts.wake_intent(connection, intent, now=now)
    await enqueue(
        connection, advance_job(customer_id=customer_id, charge_id=charge_id, wake_at=now, now=now, why="retry")
    )
    await record(
        connection,
        actor=actor,
        action="charge:retried",
        subject=f"charge {charge_id}",
        customer_id=customer_id,
        facts={"state": intent.state, "parked_reason": intent.parked_reason},
    )
    return await get_charge(connection, customer_id=customer_id, charge_id=charge_id)


async def wake_overdue(connection: Connection, *, now: datetime) -> int:
    """
    Promise anew to go on with charges whose time has come and that nobody holds: their job was lost, or is late.

    Returns how many there are, a thousand at most. Harmless beside a job that is merely late: a charge is claimed once.
    """
    overdue = await reads.list_overdue_by_wake_time(connection, due_before=now - OVERDUE_AFTER, limit=AT_A_TIME)
    if overdue:
        jobs = [
            advance_job(
                customer_id=row["customer_id"], charge_id=row["id"], wake_at=row["wake_at"], now=now, why="overdue"
            )
            for row in overdue
        ]
        await enqueue(connection, *jobs)  # in one statement: a thousand took 0.1 s on a busy machine, one by one 0.9 s
        log.warning("charges_overdue", count=len(overdue))
    return len(overdue)


async def _wake(connection: Connection, customer_id: int, reasons: Sequence[str], *, now: datetime) -> None:
    woken = await debts.wake_curable(
        connection,
        customer_id=customer_id,
        reasons=list(reasons),
        with_declined=len(reasons) > 1,
        now=now,
        limit=AT_A_TIME,
    )
    for charge_id in woken:
        await enqueue(
            connection, advance_job(customer_id=customer_id, charge_id=charge_id, wake_at=now, now=now, why="woken")
        )
