"""
The statements that read refunds, under their lock where they are moved, and move them.
"""

from datetime import datetime, timedelta

from rsolv.db import Connection, Row
from rsolv.refunds.rules import Refund, RefundState
from rsolv.reversals import Paid

_LIST_REFUNDS = """
    SELECT id, customer_id, charge_id, invoice_id, nonce, amount_cents, currency, reason, stripe_reason, asked_by, act,
           state, key_number, tries, server_errors, sent_at, wake_at, parked_reason, stripe_refund_id, failure_reason,
           asked_at, moved_at
    FROM refunds
    WHERE customer_id = $1 AND ($2::bigint IS NULL OR id = $2) AND ($3::text IS NULL OR act = $3)
      AND ($4::text IS NULL OR stripe_refund_id = $4)
    ORDER BY id DESC LIMIT $5
"""
_LOCK_REFUND = """
    SELECT id, customer_id, charge_id, invoice_id, nonce, amount_cents, currency, reason, stripe_reason, asked_by, act,
           state, key_number, tries, server_errors, sent_at, wake_at, parked_reason, stripe_refund_id, failure_reason,
           asked_at, moved_at
    FROM refunds WHERE customer_id = $1 AND id = $2
    FOR NO KEY UPDATE
"""


async def insert_refund(
    connection: Connection,
    *,
    customer_id: int,
    paid: Paid,
    amount_cents: int,
    currency: str,
    reason: str,
    stripe_reason: str | None,
    asked_by: str,
    act: str | None,
    now: datetime,
) -> int:
    """
    Write down that a refund is asked for, due at once, and return its id.
    """
    refund_id: int = await connection.fetchval(
        """
        INSERT INTO refunds (customer_id, charge_id, invoice_id, amount_cents, currency, reason, stripe_reason,
                             asked_by, act, wake_at, asked_at, moved_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $10)
        RETURNING id
        """,
        customer_id,
        paid.charge_id,
        paid.invoice_id,
        amount_cents,
        currency,
        reason,
        stripe_reason,
        asked_by,
        act,
        now,
    )
    return refund_id


async def list_refunds(connection: Connection, *, customer_id: int, limit: int) -> list[Refund]:
    """
    Return a customer's refunds, newest first.
    """
    rows = await connection.fetch(_LIST_REFUNDS, customer_id, None, None, None, limit)
    return [Refund(**row) for row in rows]


async def find_refund(connection: Connection, *, customer_id: int, refund_id: int) -> Refund | None:
    """
    Return a refund.
    """
    row = await connection.fetchrow(_LIST_REFUNDS, customer_id, refund_id, None, None, 1)
    return row and Refund(**row)


async def find_refund_of_act(connection: Connection, *, customer_id: int, act: str) -> Refund | None:
    """
    Return the refund that an act asked for.
    """
    row = await connection.fetchrow(_LIST_REFUNDS, customer_id, None, act, None, 1)
    return row and Refund(**row)


async def lock_refund(connection: Connection, *, customer_id: int, refund_id: int) -> Refund | None:
    """
    Lock a refund until the transaction ends.
    """
    row = await connection.fetchrow(_LOCK_REFUND, customer_id, refund_id)
    return row and Refund(**row)


async def find_owner_by_stripe_refund(connection: Connection, stripe_refund_id: str) -> tuple[int, int] | None:
    """
    Return whose refund at Stripe it is: the customer's id and the refund's.
    """
    row = await connection.fetchrow(
        "SELECT customer_id, refund_id FROM stripe_refunds WHERE stripe_refund_id = $1", stripe_refund_id
    )
    return row and (row["customer_id"], row["refund_id"])


async def sum_asked(connection: Connection, *, customer_id: int, paid: Paid) -> int:
    """
    Add up the refunds of a charge or an invoice that have taken nothing back yet.
    """
    return int(
        await connection.fetchval(
            """
            SELECT coalesce(sum(amount_cents), 0) FROM refunds
            WHERE customer_id = $1 AND (charge_id = $2 OR invoice_id = $3) AND state = 'asked'
            """,
            customer_id,
            paid.charge_id,
            paid.invoice_id,
        )
    )


async def claim_refund(
    connection: Connection, *, customer_id: int, refund_id: int, lease: timedelta, now: datetime
) -> bool:
    """
    Take a refund that is due and that nobody holds, until the lease ends; False when it is not to be had.
    """
    found = await connection.fetchval(
        """
        UPDATE refunds
        SET lease_until = clock_timestamp() + $3::interval, wake_at = $4::timestamptz + $3::interval
        WHERE customer_id = $1 AND id = $2 AND wake_at <= $4 AND coalesce(lease_until <= clock_timestamp(), true)
        RETURNING id
        """,
        customer_id,
        refund_id,
        lease,
        now,
    )
    return found is not None


async def note_sending(connection: Connection, refund: Refund, *, with_new_key: bool, now: datetime) -> Refund:
    """
    Note that Stripe is about to be asked, under the key of the last time or under the next one.
    """
    await connection.execute(
        """
        UPDATE refunds
        SET tries = tries + 1, key_number = key_number + $3::bigint,
            server_errors = CASE WHEN $3::bigint = 0 THEN server_errors ELSE 0 END,
            sent_at = CASE WHEN $3::bigint = 0 THEN coalesce(sent_at, $4) ELSE $4 END
        WHERE customer_id = $1 AND id = $2
        """,
        refund.customer_id,
        refund.id,
        int(with_new_key),
        now,
    )
    found = await lock_refund(connection, customer_id=refund.customer_id, refund_id=refund.id)
    assert found is not None, "refunds stay"
    return found


async def note_server_error(connection: Connection, refund: Refund) -> None:
    """
    Count an error of Stripe's own, which it may keep under the key.
    """
    await connection.execute(
        "UPDATE refunds SET server_errors = server_errors + 1 WHERE customer_id = $1 AND id = $2",
        refund.customer_id,
        refund.id,
    )


async def know_at_stripe(connection: Connection, refund: Refund, *, stripe_refund_id: str) -> None:
    """
    Give a refund its id at Stripe, for life.
    """
    await connection.execute(
        """
        WITH known AS (
            INSERT INTO stripe_refunds (stripe_refund_id, customer_id, refund_id) VALUES ($3, $1, $2)
        )
        UPDATE refunds SET stripe_refund_id = $3 WHERE customer_id = $1 AND id = $2
        """,
        refund.customer_id,
        refund.id,
        stripe_refund_id,
    )


async def move_refund(
    connection: Connection,
    refund: Refund,
    *,
    state: RefundState,
    wake_at: datetime | None,
    parked_reason: str | None,
    failure_reason: str | None,
    now: datetime,
) -> Refund:
    """
    Move a refund on, or let it rest, and let go of it.
    """
    await connection.execute(
        """
        UPDATE refunds
        SET state = $3, wake_at = $4, parked_reason = $5, failure_reason = $6, lease_until = NULL,
            moved_at = CASE WHEN state = $3 THEN moved_at ELSE $7 END
        WHERE customer_id = $1 AND id = $2
        """,
        refund.customer_id,
        refund.id,
        state,
        wake_at,
        parked_reason,
        failure_reason,
        now,
    )
    found = await lock_refund(connection, customer_id=refund.customer_id, refund_id=refund.id)
    assert found is not None, "refunds stay"
    return found


async def list_overdue_by_wake_time(connection: Connection, *, due_before: datetime, limit: int) -> list[Row]:
    """
    Return refunds of anybody that should have gone on before a time and that nobody holds.
    """
    return await connection.fetch(
        """
        SELECT customer_id, id, wake_at FROM refunds
        WHERE wake_at < $1 AND coalesce(lease_until <= clock_timestamp(), true)
        ORDER BY wake_at LIMIT $2
        """,
        due_before,
        limit,
    )
