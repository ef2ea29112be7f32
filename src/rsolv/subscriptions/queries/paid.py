"""
The statements about what an invoice took: by which payments, for which credits, and how much of it was taken back.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rsolv.db import Connection
from rsolv.subscriptions.rules import DisputeState


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidInvoice:
    """
    What an invoice took, by which payments at Stripe, and the grants that it brought, in the order of its lines.
    """

    id: int
    amount_cents: int
    currency: str
    stripe_payment_ids: Sequence[str]
    grant_posting_ids: Sequence[int]
    credits: int
    amount_refunded_cents: int
    amount_disputed_cents: int
    dispute_state: DisputeState


async def insert_payment_once(
    connection: Connection, *, customer_id: int, invoice_id: int, stripe_payment_id: str
) -> bool:
    """
    Write down which invoice a payment paid, unless it is known; False when it is known to be for something else.
    """
    await connection.execute(
        """
        INSERT INTO stripe_invoice_payments (stripe_payment_id, customer_id, invoice_id)
        SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT FROM stripe_payments WHERE stripe_payment_id = $1)
        ON CONFLICT ON CONSTRAINT stripe_invoice_payments_pkey DO NOTHING
        """,
        stripe_payment_id,
        customer_id,
        invoice_id,
    )
    return await find_owner_by_payment(connection, stripe_payment_id) == (customer_id, invoice_id)


async def find_owner_by_payment(connection: Connection, stripe_payment_id: str) -> tuple[int, int] | None:
    """
    Return whose invoice a payment paid: the customer's id and the invoice's.
    """
    row = await connection.fetchrow(
        "SELECT customer_id, invoice_id FROM stripe_invoice_payments WHERE stripe_payment_id = $1", stripe_payment_id
    )
    return row and (row["customer_id"], row["invoice_id"])


async def list_payments(connection: Connection, *, customer_id: int, invoice_id: int, limit: int) -> list[str]:
    """
    Return the payments by which an invoice was paid.
    """
    rows = await connection.fetch(
        """
        SELECT stripe_payment_id FROM stripe_invoice_payments
        WHERE customer_id = $1 AND invoice_id = $2 ORDER BY stripe_payment_id LIMIT $3
        """,
        customer_id,
        invoice_id,
        limit,
    )
    return [row["stripe_payment_id"] for row in rows]


async def lock_paid(connection: Connection, *, customer_id: int, invoice_id: int) -> PaidInvoice | None:
    """
    Lock an invoice until the transaction ends; what it took and what that bought, None when nothing was paid by it.
    """
    row = await connection.fetchrow(
        """
        SELECT i.id, i.amount_paid_cents AS amount_cents, i.currency, i.amount_refunded_cents,
               i.amount_disputed_cents, i.dispute_state,
               ARRAY(SELECT p.stripe_payment_id FROM stripe_invoice_payments AS p
                     WHERE p.customer_id = i.customer_id AND p.invoice_id = i.id ORDER BY 1) AS stripe_payment_ids,
               ARRAY(SELECT l.credits_posting_id FROM subscription_invoice_lines AS l
                     WHERE l.customer_id = i.customer_id AND l.invoice_id = i.id AND l.credits > 0
                     ORDER BY l.id) AS grant_posting_ids,
               (SELECT coalesce(sum(l.credits), 0)::bigint FROM subscription_invoice_lines AS l
                WHERE l.customer_id = i.customer_id AND l.invoice_id = i.id) AS credits
        FROM subscription_invoices AS i
        WHERE i.customer_id = $1 AND i.id = $2 AND i.money_posting_id IS NOT NULL
        FOR NO KEY UPDATE OF i
        """,
        customer_id,
        invoice_id,
    )
    return row and PaidInvoice(**row)


async def set_taken_back(
    connection: Connection, *, customer_id: int, invoice_id: int, refunded_cents: int, disputed_cents: int
) -> None:
    """
    Set how much of an invoice has been taken back.
    """
    await connection.execute(
        """
        UPDATE subscription_invoices SET amount_refunded_cents = $3, amount_disputed_cents = $4
        WHERE customer_id = $1 AND id = $2
        """,
        customer_id,
        invoice_id,
        refunded_cents,
        disputed_cents,
    )


async def set_dispute_state(
    connection: Connection, *, customer_id: int, invoice_id: int, dispute_state: DisputeState
) -> None:
    """
    Set how an invoice stands in dispute.
    """
    await connection.execute(
        "UPDATE subscription_invoices SET dispute_state = $3 WHERE customer_id = $1 AND id = $2",
        customer_id,
        invoice_id,
        dispute_state,
    )
