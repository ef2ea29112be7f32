"""
End at Stripe what lost answers left there: unpaid payments made for a charge that has another one, or has ended.
"""

from datetime import datetime, timedelta

import structlog

from rsolv import customers
from rsolv.charges.queries import attempts, intents
from rsolv.charges.rules import FINAL, ORPHAN_PAID, Held, Intent, is_of
from rsolv.charges.service.rest import end, rest
from rsolv.db import Connection, Database
from rsolv.jobs import Job, JobCall, enqueue
from rsolv.stripe_gateway import GatewayMisused, Payment, StripeGateway

SWEEP = "charge.sweep"
ORPHANED_AFTER = timedelta(hours=48)
_LISTED_BACK = timedelta(days=1)  # clocks of ours and of Stripe's may differ

log = structlog.get_logger()


async def promise_sweep(
    connection: Connection, *, customer_id: int, charge_id: int, after: timedelta = ORPHANED_AFTER, lap: int = 0
) -> None:
    """
    Promise to look for orphans of a charge, whose payment may have been created more often than we know.
    """
    ids = {"customer_id": customer_id, "charge_id": charge_id, "lap": lap}
    key = f"{SWEEP}:{customer_id}:{charge_id}:{lap}"  # the job that runs now still holds its own
    await enqueue(connection, Job(kind=SWEEP, ids=ids, run_after=after, dedupe_key=key))


async def sweep_orphans(database: Database, gateway: StripeGateway, call: JobCall, *, now: datetime) -> None:
    """
    Cancel every unpaid payment at Stripe that carries a charge's own metadata and is not its payment; done again, none.

    One that succeeded is never touched: the charge is parked for an operator, who is alerted. As long as a payment may
    still be created for the charge, or one of them has no outcome, this is promised again. Calls Stripe, so do not call
    this in a transaction.

    Raises:
        GatewayFailure: Stripe could not be asked or did not answer; calling again is safe.
    """
    customer_id, charge_id, lap = (int(call.ids[name]) for name in ("customer_id", "charge_id", "lap"))
    async with database.transaction() as connection:  # lint: allow one-transaction-place -- calls lie after it
        intent = await intents.lock_intent(connection, customer_id=customer_id, charge_id=charge_id)
        assert intent is not None, "rows of charges stay"
        wait = await _wait(connection, intent, now=now)
        if wait > timedelta(0):
            await promise_sweep(connection, customer_id=customer_id, charge_id=charge_id, after=wait, lap=lap + 1)
            return
    stripe_id = intent.stripe_customer_id or await customers.ensure_stripe_customer(
        database, gateway, customer_id=customer_id
    )
    listed = gateway.list_payments(stripe_customer_id=stripe_id, created_since=intent.created_at - _LISTED_BACK)
    made = [each async for each in listed if is_of(intent, each) and each.id != intent.stripe_payment_id]
    # Who tries again has just read the list, and so may use a key of its own.
    found = [
        await _canceled(gateway, payment, key=f"{payment.id}:orphan:{call.job_id}-{call.tries}") for payment in made
    ]
    async with database.transaction() as connection:  # lint: allow one-transaction-place -- calls lie before it
        if any(payment.state == "succeeded" for payment in found):
            await _park(connection, customer_id=customer_id, charge_id=charge_id, now=now)
        if not {payment.state for payment in found} <= {"succeeded", "canceled"}:
            await promise_sweep(connection, customer_id=customer_id, charge_id=charge_id, lap=lap + 1)


async def _wait(connection: Connection, intent: Intent, *, now: datetime) -> timedelta:
    """
    Return how long the last call that may have created a payment is still too young.
    """
    if intent.stripe_payment_id is None and intent.state not in FINAL:
        return ORPHANED_AFTER
    last = await attempts.find_attempt(connection, customer_id=intent.customer_id, charge_id=intent.id, kind="create")
    assert last is not None, "written down before the first call"
    return (last.answered_at or last.sent_at) + ORPHANED_AFTER - now


async def _canceled(gateway: StripeGateway, payment: Payment, *, key: str) -> Payment:
    if payment.state in ("succeeded", "canceled"):
        return payment
    try:
        return await gateway.cancel_payment(payment.id, key=key)
    except GatewayMisused:
        return await gateway.read_payment(payment.id)  # paid meanwhile, or being paid


async def _park(connection: Connection, *, customer_id: int, charge_id: int, now: datetime) -> None:
    intent = await intents.lock_intent(connection, customer_id=customer_id, charge_id=charge_id)
    assert intent is not None, "locked before"
    log.error("charge_orphan_paid", customer_id=customer_id, charge_id=charge_id)
    if intent.state in FINAL:
        await end(connection, intent, state=intent.state, reason=ORPHAN_PAID, now=now)
    else:
        await rest(connection, await intents.raise_fence(connection, intent), Held(ORPHAN_PAID), now=now)
