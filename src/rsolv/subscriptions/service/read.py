"""
Say how a customer is subscribed, and what was billed.
"""

from dataclasses import dataclass

from rsolv.db import Connection
from rsolv.subscriptions.errors import UnknownInvoice
from rsolv.subscriptions.queries import invoices, subscriptions
from rsolv.subscriptions.rules import Invoice, InvoiceLine, Subscription

LINES_AT_MOST = 1_000


@dataclass(frozen=True, slots=True)
class InvoiceWithLines:
    """
    An invoice and what it bills.
    """

    invoice: Invoice
    lines: tuple[InvoiceLine, ...]


async def find_current(connection: Connection, *, customer_id: int) -> Subscription | None:
    """
    Return a customer's subscription: the one that has not ended, else the last one; None when there never was any.
    """
    return await subscriptions.find_newest(connection, customer_id=customer_id)


async def list_invoices(
    connection: Connection, *, customer_id: int, limit: int, before_id: int | None = None
) -> list[Invoice]:
    """
    Return a customer's invoices, newest first, at most *limit*, those before *before_id* if given.
    """
    return await invoices.list_invoices(connection, customer_id=customer_id, before_id=before_id, limit=limit)


async def get_invoice(connection: Connection, *, customer_id: int, invoice_id: int) -> InvoiceWithLines:
    """
    Return an invoice with its lines; a draft has none yet.

    Raises:
        UnknownInvoice: the customer has no such invoice.
    """
    invoice = await invoices.find_invoice(connection, customer_id=customer_id, invoice_id=invoice_id)
    if invoice is None:
        raise UnknownInvoice
    lines = await invoices.list_lines(connection, customer_id=customer_id, invoice_id=invoice_id, limit=LINES_AT_MOST)
    return InvoiceWithLines(invoice, tuple(lines))
