"""
Queries about the invoices of subscriptions.
"""

from datetime import datetime

from rsolv.db import Connection, Row
from rsolv.stripe_gateway import Invoice as StripeInvoice
from rsolv.stripe_gateway import InvoiceLine as StripeLine
from rsolv.subscriptions.rules import Invoice, InvoiceLine, Subscription


async def find_invoice_by_stripe_id(
    connection: Connection, *, customer_id: int, stripe_invoice_id: str
) -> Invoice | None:
    """
    Return the customer's invoice that has this id at Stripe.
    """
    row = await connection.fetchrow(
        "SELECT * FROM subscription_invoices WHERE customer_id = $1 AND stripe_invoice_id = $2",
        customer_id,
        stripe_invoice_id,
    )
    return row and _invoice(row)


async def find_invoice(connection: Connection, *, customer_id: int, invoice_id: int) -> Invoice | None:
    """
    Return an invoice of a customer.
    """
    row = await connection.fetchrow(
        "SELECT * FROM subscription_invoices WHERE customer_id = $1 AND id = $2", customer_id, invoice_id
    )
    return row and _invoice(row)


async def list_invoices(
    connection: Connection, *, customer_id: int, before_id: int | None, limit: int
) -> list[Invoice]:
    """
    Return a customer's invoices, the newest first, those before *before_id* if given.
    """
    rows = await connection.fetch(
        """
        SELECT * FROM subscription_invoices
        WHERE customer_id = $1 AND ($2::bigint IS NULL OR id < $2) ORDER BY id DESC LIMIT $3
        """,
        customer_id,
        before_id,
        limit,
    )
    return [_invoice(row) for row in rows]


async def list_lines(connection: Connection, *, customer_id: int, invoice_id: int, limit: int) -> list[InvoiceLine]:
    """
    Return an invoice's lines in Stripe's order.
    """
    rows = await connection.fetch(
        """
        SELECT stripe_line_id, amount_cents, currency, quantity, is_proration, period_starts_at, period_ends_at, credits
        FROM subscription_invoice_lines WHERE customer_id = $1 AND invoice_id = $2 ORDER BY id LIMIT $3
        """,
        customer_id,
        invoice_id,
        limit,
    )
    return [InvoiceLine(**row) for row in rows]


async def save_invoice(
    connection: Connection,
    subscription: Subscription,
    theirs: StripeInvoice,
    *,
    money_posting_id: int | None,
    paid_at: datetime | None,
) -> int:
    """
    Write an invoice as Stripe says it is, and return its id here.
    """
    invoice_id: int = await connection.fetchval(
        """
        INSERT INTO subscription_invoices (
            customer_id, subscription_id, stripe_invoice_id, state, billing_reason, number, currency, total_cents,
            amount_due_cents, amount_paid_cents, attempt_count, next_attempt_at, hosted_url, pdf_url, created_at,
            money_posting_id, paid_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
        ON CONFLICT ON CONSTRAINT subscription_invoices_once DO UPDATE
        SET state = $4, number = $6, total_cents = $8, amount_due_cents = $9, amount_paid_cents = $10,
            attempt_count = $11, next_attempt_at = $12, hosted_url = $13, pdf_url = $14, money_posting_id = $16,
            paid_at = $17
        RETURNING id
        """,
        subscription.customer_id,
        subscription.id,
        theirs.id,
        theirs.state,
        theirs.billing_reason,
        theirs.number,
        theirs.currency,
        theirs.total_cents,
        theirs.amount_due_cents,
        theirs.amount_paid_cents,
        theirs.attempt_count,
        theirs.next_attempt_at,
        theirs.hosted_invoice_url,
        theirs.invoice_pdf_url,
        theirs.created_at,
        money_posting_id,
        paid_at,
    )
    return invoice_id


async def insert_line_once(connection: Connection, line: StripeLine, *, customer_id: int, invoice_id: int) -> None:
    """
    Write a line of an invoice that no longer changes, unless it is there.
    """
    await connection.execute(
        """
        INSERT INTO subscription_invoice_lines (
            customer_id, invoice_id, stripe_line_id, amount_cents, currency, quantity, stripe_price_id, is_proration,
            period_starts_at, period_ends_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT ON CONSTRAINT subscription_invoice_lines_once DO NOTHING
        """,
        customer_id,
        invoice_id,
        line.id,
        line.amount_cents,
        line.currency,
        line.quantity,
        line.price_id,
        line.is_proration,
        line.period.starts_at,
        line.period.ends_at,
    )


async def credit_line(
    connection: Connection, *, customer_id: int, stripe_line_id: str, credits: int, credits_posting_id: int
) -> None:
    """
    Note which credits a line brought.
    """
    await connection.execute(
        """
        UPDATE subscription_invoice_lines SET credits = $3, credits_posting_id = $4
        WHERE customer_id = $1 AND stripe_line_id = $2 AND credits_posting_id IS NULL
        """,
        customer_id,
        stripe_line_id,
        credits,
        credits_posting_id,
    )


async def has_open_invoice(connection: Connection, subscription: Subscription) -> bool:
    """
    Say whether an invoice of a subscription is neither paid nor given up.
    """
    found: bool = await connection.fetchval(
        """
        SELECT EXISTS (SELECT FROM subscription_invoices
                       WHERE customer_id = $1 AND subscription_id = $2 AND state IN ('draft', 'open'))
        """,
        subscription.customer_id,
        subscription.id,
    )
    return found


async def find_first_by_subscription(connection: Connection, subscription: Subscription) -> datetime | None:
    """
    Return since when there may be invoices that we do not know the end of; None: since it was asked for.
    """
    since: datetime | None = await connection.fetchval(
        """
        SELECT coalesce(min(created_at) FILTER (WHERE state IN ('draft', 'open')), max(created_at))
        FROM subscription_invoices WHERE customer_id = $1 AND subscription_id = $2
        """,
        subscription.customer_id,
        subscription.id,
    )
    return since


def _invoice(row: Row) -> Invoice:
    return Invoice(**{name: row[name] for name in Invoice.__dataclass_fields__})
