"""
What a limit on charges needs to know, and how it lets those go that it held.
"""

from datetime import datetime

from rsolv.charges.queries import spending
from rsolv.charges.queries.spending import Spent
from rsolv.charges.rules import advance_job
from rsolv.db import Connection
from rsolv.jobs import enqueue

HELD_AT_A_TIME = 1_000


async def spent_since(
    connection: Connection, *, customer_id: int, currency: str, since: datetime, except_charge_id: int | None = None
) -> Spent:
    """
    Return what a customer's charges have taken since a time, and what those under way may take any moment.

    Under way is what is armed and has no outcome yet, whenever it was armed. What is asked here and decided under one
    lock with arming is never exceeded. What is refunded of them no longer counts.
    """
    return await spending.sum_spent(
        connection, customer_id=customer_id, currency=currency, since=since, except_charge_id=except_charge_id
    )


async def count_held(connection: Connection, *, customer_id: int, reason: str) -> int:
    """
    Count a customer's charges that wait for a reason.
    """
    return await spending.count_held(connection, customer_id=customer_id, reason=reason)


async def retry_held(connection: Connection, *, customer_id: int, reason: str, now: datetime) -> int:
    """
    Have a customer's charges that wait for a reason go on at once, the oldest first, a thousand at most.

    Returns how many they are. Whether they may be made is decided anew when they are armed.
    """
    woken = await spending.wake_held(connection, customer_id=customer_id, reason=reason, now=now, limit=HELD_AT_A_TIME)
    for charge_id in woken:
        await enqueue(
            connection, advance_job(customer_id=customer_id, charge_id=charge_id, wake_at=now, now=now, why="room")
        )
    return len(woken)
