"""
Owe for a fix.
"""

from datetime import datetime

from rsolv.charges.errors import DebtDiffers
from rsolv.charges.queries import debts, reads
from rsolv.charges.rules import Charge, advance_job
from rsolv.db import Connection
from rsolv.jobs import enqueue


async def open_debt(
    connection: Connection,
    *,
    customer_id: int,
    fix_id: int,
    amount_cents: int,
    currency: str,
    plan: str,
    catalog_version_id: int,
    api_key_id: int,
    description: str,
    now: datetime,
) -> Charge:
    """
    Write down that a fix is to be paid for by card, and promise to collect it: debt, charge and job, all or nothing.

    Runs in the caller's transaction and calls nobody. Idempotent by fix: a repeat returns the newest charge for it as
    it stands. The description appears on the customer's receipt.

    Raises:
        DebtDiffers: the fix is owed for already, with another amount or currency; nothing is written.
    """
    new_id = await debts.insert_debt_once(
        connection,
        customer_id=customer_id,
        fix_id=fix_id,
        amount_cents=amount_cents,
        currency=currency,
        plan=plan,
        catalog_version_id=catalog_version_id,
        api_key_id=api_key_id,
        description=description,
        now=now,
    )
    charge_id = new_id or await debts.find_intent_id(connection, customer_id=customer_id, fix_id=fix_id)
    assert charge_id is not None, "a debt has a charge from its first moment"
    charge = await reads.find_charge(connection, customer_id=customer_id, charge_id=charge_id)
    assert charge is not None, "just found"
    if (charge.amount_cents, charge.currency) != (amount_cents, currency):
        raise DebtDiffers(fix_id=fix_id)
    if new_id is not None:
        await enqueue(connection, advance_job(customer_id=customer_id, charge_id=charge_id, wake_at=now, now=now))
    return charge
