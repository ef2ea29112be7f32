"""
The spending caps room's verbs.
"""

from datetime import datetime

import structlog

from rsolv import catalog, charges, customers
from rsolv.audit import Actor, record
from rsolv.charges import Held, Intent
from rsolv.db import Connection
from rsolv.jobs import enqueue
from rsolv.reversals import ChargeReversed
from rsolv.spending_caps import queries
from rsolv.spending_caps.rules import (
    DAY,
    HOUR,
    SPENDING_CAP,
    Cap,
    CapStatus,
    SafetyCaps,
    Waiting,
    month_start,
    next_month_start,
    over_safety_cap,
    over_spending_cap,
    require_valid,
    retry_job,
)

log = structlog.get_logger()


def cap_charges(safety: SafetyCaps) -> charges.Cap:
    """
    Return what charges ask before they are made: the customer's own cap, then ours.

    Runs in the arming transaction, under a lock of the customer's that is held until its commit. So of two charges
    armed at once the second counts the first, and no cap is exceeded by any number of workers.
    """

    async def cap(connection: Connection, intent: Intent, now: datetime) -> Held | None:
        own = await _lock_cap(connection, customer_id=intent.customer_id)
        spent = await _spent_beside(connection, intent, since=month_start(now))
        held = over_spending_cap(own, amount_cents=intent.amount_cents, currency=intent.currency, spent=spent, now=now)
        return held or await _hold_for_safety(connection, intent, safety=safety, now=now)

    return cap


async def get_status(connection: Connection, *, customer_id: int, now: datetime) -> CapStatus:
    """
    Return a customer's cap, what the running calendar month (UTC) has taken of it, and what waits. Reads only.

    Raises:
        UnknownCustomer: there is none with this id.
    """
    currency, fix_price_cents = await _price(connection, customer_id=customer_id)
    cap = await queries.find_cap(connection, customer_id=customer_id) or Cap(None, None)
    spent = await charges.spent_since(
        connection, customer_id=customer_id, currency=cap.currency or currency, since=month_start(now)
    )
    return CapStatus(
        monthly_cap_cents=cap.monthly_cap_cents,
        cap_currency=cap.currency,
        currency=currency,
        fix_price_cents=fix_price_cents,
        spent_cents=spent.settled_cents,
        under_way_cents=spent.under_way_cents,
        charges_waiting=await charges.count_held(connection, customer_id=customer_id, reason=SPENDING_CAP),
        resets_at=next_month_start(now),
    )


async def set_cap(
    connection: Connection, *, customer_id: int, monthly_cap_cents: int | None, actor: Actor, now: datetime
) -> CapStatus:
    """
    Set the most that may be charged in a calendar month, in cents of the customer's currency; None: no cap.

    Holds from the commit on, for every charge not yet armed; whatever waits is promised to be tried again at once. The
    change is recorded; a repeat changes nothing.

    Raises:
        UnknownCustomer: there is none with this id.
        SpendingCapInvalid: it is not 0, and less than one fix costs the customer, or more than anybody may set.
    """
    currency, fix_price_cents = await _price(connection, customer_id=customer_id)
    require_valid(monthly_cap_cents, fix_price_cents=fix_price_cents)
    # Waits for charges being armed by the old cap: when this commits, they have been, or rest for the retry to find.
    old = await _lock_cap(connection, customer_id=customer_id)
    new = Cap(monthly_cap_cents, currency if monthly_cap_cents is not None else None)
    if new != old:
        await queries.update_cap(
            connection,
            customer_id=customer_id,
            monthly_cap_cents=new.monthly_cap_cents,
            currency=new.currency,
            now=now,
        )
        await record(
            connection,
            actor=actor,
            action="spending_cap:set",
            subject=f"customer {customer_id}",
            customer_id=customer_id,
            facts={"old_cents": old.monthly_cap_cents, "new_cents": new.monthly_cap_cents, "currency": currency},
        )
        await retry_waiting(connection, customer_id=customer_id)
    return await get_status(connection, customer_id=customer_id, now=now)


async def find_waiting(connection: Connection, *, customer_id: int) -> Waiting | None:
    """
    Return how many charges wait for a customer's cap, and what they come to; None: none does.
    """
    return await queries.find_waiting(connection, customer_id=customer_id, reason=SPENDING_CAP)


async def retry_waiting(connection: Connection, *, customer_id: int) -> None:
    """
    Promise to try again what waits for a customer's cap, once this transaction has made room under it.

    Not in this transaction: charges lock themselves and then the cap, so who has the cap must not wait for charges.
    """
    await enqueue(connection, retry_job(customer_id))


async def retry_after_reversal(connection: Connection, reversed_: ChargeReversed) -> None:
    """
    Try again what waits for a customer's cap, once a refund has made room under it.

    Subscribes to `ChargeReversed`.
    """
    if reversed_.kind == "refund" and not reversed_.is_restored:
        await retry_waiting(connection, customer_id=reversed_.customer_id)


async def wake_waiting(connection: Connection, *, customer_id: int, now: datetime) -> None:
    """
    Have what waits for a customer's cap go on now; if that is very much, the rest is promised.

    Done again it wakes what still waits, which then waits on: harmless.
    """
    woken = await charges.retry_held(connection, customer_id=customer_id, reason=SPENDING_CAP, now=now)
    if woken == charges.HELD_AT_A_TIME:
        await retry_waiting(connection, customer_id=customer_id)


async def _hold_for_safety(connection: Connection, intent: Intent, *, safety: SafetyCaps, now: datetime) -> Held | None:
    for window, max_cents in ((HOUR, safety.per_hour_max_cents), (DAY, safety.per_day_max_cents)):
        spent = await _spent_beside(connection, intent, since=now - window)
        held = over_safety_cap(amount_cents=intent.amount_cents, spent=spent, max_cents=max_cents, now=now)
        if held is not None:
            log.error(
                "safety_cap_reached",
                customer_id=intent.customer_id,
                charge_id=intent.id,
                window_seconds=int(window.total_seconds()),
                spent_cents=spent.total_cents,
                max_cents=max_cents,
            )
            return held
    return None


async def _spent_beside(connection: Connection, intent: Intent, *, since: datetime) -> charges.Spent:
    return await charges.spent_since(
        connection,
        customer_id=intent.customer_id,
        currency=intent.currency,
        since=since,
        except_charge_id=intent.id,
    )


async def _lock_cap(connection: Connection, *, customer_id: int) -> Cap:
    """
    Lock a customer's cap, also where there is none.

    Not the customer's own row: who adds a card has that, and then wakes charges, the other way round than we come.
    """
    cap = await queries.lock_cap(connection, customer_id=customer_id)
    if cap is None:
        await queries.insert_cap_once(connection, customer_id=customer_id)
        cap = await queries.lock_cap(connection, customer_id=customer_id)
    assert cap is not None, "just written, by us or by somebody at the same moment"
    return cap


async def _price(connection: Connection, *, customer_id: int) -> tuple[str, int]:
    """
    Return in which currency, and how much, a fix costs a customer now.
    """
    customer = await customers.get_customer(connection, customer_id=customer_id)
    version = await catalog.get_pinned(connection, customer_id=customer_id)
    return version.catalog.currency, version.catalog.fix_price_cents(customer.subscription_type)
