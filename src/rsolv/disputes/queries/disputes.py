"""
The statements about disputes: one is locked before it is changed, by whoever has read it at Stripe.
"""

from datetime import datetime

from rsolv.db import Connection, changed_rows
from rsolv.disputes.rules import Dispute, Disputed
from rsolv.reversals import Paid, paid_by
from rsolv.stripe_gateway import Dispute as TheirDispute

_LIST = """
    SELECT customer_id, id, charge_id, invoice_id, stripe_dispute_id, stage, stripe_state, movements, is_withdrawn,
           money, taken_at_movement, freezes_charges, parked_reason, amount_cents, currency, reason, respond_by,
           wake_at, opened_at, changed_at, closed_at, released_at, released_by, release_reason
    FROM disputes
"""
_LIST_OF_CUSTOMER = _LIST + " WHERE customer_id = $1 ORDER BY id DESC LIMIT $2"
_LIST_OF_PAID = _LIST + " WHERE customer_id = $1 AND (charge_id = $2 OR invoice_id = $3) ORDER BY id LIMIT $4"
_LIST_NEWEST = _LIST + " ORDER BY opened_at DESC, id DESC LIMIT $1"
_LIST_DUE = _LIST + " WHERE wake_at <= $1 ORDER BY wake_at LIMIT $2"
_FIND = _LIST + " WHERE customer_id = $1 AND stripe_dispute_id = $2"
_LOCK = _LIST + " WHERE customer_id = $1 AND stripe_dispute_id = $2 FOR NO KEY UPDATE"


async def find_paid_by_payment(connection: Connection, stripe_payment_id: str) -> Disputed | None:
    """
    Return whose payment at Stripe it is, and for which charge or which invoice.
    """
    row = await connection.fetchrow(
        """
        SELECT i.customer_id, i.id AS charge_id, NULL::bigint AS invoice_id, d.amount_cents, d.currency, i.livemode
        FROM stripe_payments AS p
        JOIN charge_intents AS i ON i.customer_id = p.customer_id AND i.id = p.intent_id
        JOIN charge_debts AS d ON d.customer_id = i.customer_id AND d.id = i.debt_id
        WHERE p.stripe_payment_id = $1
        UNION ALL
        SELECT v.customer_id, NULL, v.id, v.amount_paid_cents, v.currency, NULL
        FROM stripe_invoice_payments AS p
        JOIN subscription_invoices AS v ON v.customer_id = p.customer_id AND v.id = p.invoice_id
        WHERE p.stripe_payment_id = $1
        """,
        stripe_payment_id,
    )
    return row and Disputed(
        customer_id=row["customer_id"],
        paid=paid_by(charge_id=row["charge_id"], invoice_id=row["invoice_id"]),
        amount_cents=row["amount_cents"],
        currency=row["currency"],
        livemode=row["livemode"],
    )


async def find_owner_by_stripe_id(connection: Connection, stripe_dispute_id: str) -> int | None:
    """
    Return whose dispute it is.
    """
    customer_id: int | None = await connection.fetchval(
        "SELECT customer_id FROM stripe_disputes WHERE stripe_dispute_id = $1", stripe_dispute_id
    )
    return customer_id


async def insert_dispute_once(
    connection: Connection, disputed: Disputed, theirs: TheirDispute, *, now: datetime
) -> bool:
    """
    Write a dispute down of which nothing is done yet, unless it is there; say whether it was not.
    """
    is_new = await connection.fetchval(
        """
        WITH new AS (
            INSERT INTO disputes (customer_id, charge_id, stripe_dispute_id, stage, stripe_state, amount_cents,
                                  currency, reason, respond_by, wake_at, opened_at, changed_at, invoice_id)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $10, $12)
            ON CONFLICT ON CONSTRAINT disputes_once DO NOTHING
            RETURNING id
        )
        INSERT INTO stripe_disputes (stripe_dispute_id, customer_id, dispute_id) SELECT $3, $1, id FROM new
        RETURNING true
        """,
        disputed.customer_id,
        disputed.paid.charge_id,
        theirs.id,
        theirs.stage,
        theirs.stripe_state,
        theirs.amount_cents,
        theirs.currency,
        theirs.reason,
        theirs.respond_by,
        now,
        theirs.created_at,
        disputed.paid.invoice_id,
    )
    return bool(is_new)


async def lock_dispute(connection: Connection, *, customer_id: int, stripe_dispute_id: str) -> Dispute | None:
    """
    Lock a dispute until the transaction ends.
    """
    row = await connection.fetchrow(_LOCK, customer_id, stripe_dispute_id)
    return row and Dispute(**row)


async def find_dispute(connection: Connection, *, customer_id: int, stripe_dispute_id: str) -> Dispute | None:
    """
    Return a dispute.
    """
    row = await connection.fetchrow(_FIND, customer_id, stripe_dispute_id)
    return row and Dispute(**row)


async def list_disputes(connection: Connection, *, customer_id: int, limit: int) -> list[Dispute]:
    """
    Return a customer's disputes, newest first.
    """
    return [Dispute(**row) for row in await connection.fetch(_LIST_OF_CUSTOMER, customer_id, limit)]


async def list_disputes_of_paid(connection: Connection, *, customer_id: int, paid: Paid, limit: int) -> list[Dispute]:
    """
    Return the disputes of one charge or invoice.
    """
    rows = await connection.fetch(_LIST_OF_PAID, customer_id, paid.charge_id, paid.invoice_id, limit)
    return [Dispute(**row) for row in rows]


async def list_disputes_for_operator(connection: Connection, *, limit: int) -> list[Dispute]:
    """
    Return everybody's disputes, newest first.
    """
    return [Dispute(**row) for row in await connection.fetch(_LIST_NEWEST, limit)]


async def list_due_by_wake_time(connection: Connection, *, now: datetime, limit: int) -> list[Dispute]:
    """
    Return disputes of anybody that are to be read again by now.
    """
    return [Dispute(**row) for row in await connection.fetch(_LIST_DUE, now, limit)]


async def update_dispute(connection: Connection, dispute: Dispute) -> None:
    """
    Write down how a dispute stands that was locked before.
    """
    await connection.execute(
        """
        UPDATE disputes
        SET stage = $3, stripe_state = $4, movements = $5, is_withdrawn = $6, money = $7, taken_at_movement = $8,
            freezes_charges = $9, parked_reason = $10, amount_cents = $11, reason = $12, respond_by = $13,
            wake_at = $14, changed_at = $15, closed_at = $16
        WHERE customer_id = $1 AND id = $2
        """,
        dispute.customer_id,
        dispute.id,
        dispute.stage,
        dispute.stripe_state,
        dispute.movements,
        dispute.is_withdrawn,
        dispute.money,
        dispute.taken_at_movement,
        dispute.freezes_charges,
        dispute.parked_reason,
        dispute.amount_cents,
        dispute.reason,
        dispute.respond_by,
        dispute.wake_at,
        dispute.changed_at,
        dispute.closed_at,
    )


async def release_disputes(
    connection: Connection, *, customer_id: int, released_by: str, reason: str, now: datetime
) -> int:
    """
    Let none of a customer's disputes freeze charges any more, and say how many did.
    """
    tag = await connection.execute(
        """
        UPDATE disputes SET freezes_charges = false, released_at = $4, released_by = $2, release_reason = $3
        WHERE customer_id = $1 AND freezes_charges
        """,
        customer_id,
        released_by,
        reason,
        now,
    )
    return changed_rows(tag)
