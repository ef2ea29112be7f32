"""
Invoices and receipts over the wire: what was billed, and Stripe's pages of it.
"""

from datetime import datetime
from typing import Annotated

import msgspec

from rsolv import charges, subscriptions
from rsolv.api.caller import gateway_of
from rsolv.api.operation import Access, Call, Operation, Reply, Shape
from rsolv.api.parsing import parse_cursor

PATH = "/api/v1/billing/invoices"
PAGE_MAX = 100
ID_MAX = 2**63 - 1


class InvoiceShape(Shape):
    """
    An invoice of a subscription. States: draft, open, paid, uncollectible and void.

    `hosted_url` is the page on which it is shown, and paid while it is open; `pdf_url` is its document.
    `refund_state` is none, partly_refunded or refunded; `dispute_state` is none, inquiry, disputed, won or lost.
    Neither ends the subscription.
    """

    id: str
    subscription: str
    state: str
    number: str | None
    reason: str | None
    currency: str
    total_cents: int
    amount_due_cents: int
    amount_paid_cents: int
    attempts: int
    next_attempt_at: datetime | None
    hosted_url: str | None
    pdf_url: str | None
    created_at: datetime
    paid_at: datetime | None
    amount_refunded_cents: int
    amount_disputed_cents: int
    refund_state: str
    dispute_state: str


class InvoicesRequest(Shape, forbid_unknown_fields=True):
    """
    Which page of the invoices.
    """

    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX)] = 20
    cursor: Annotated[str, msgspec.Meta(max_length=40, description="`next_cursor` of the page before.")] | None = None


class InvoicesAnswer(Shape):
    """
    A page of invoices, newest first.
    """

    invoices: list[InvoiceShape]
    next_cursor: str | None


class InvoiceId(Shape):
    """
    Which invoice.
    """

    id: Annotated[int, msgspec.Meta(ge=1, le=ID_MAX, examples=[1])]


class LineShape(Shape):
    """
    One thing billed, the time it is for, and the credits that it brought.
    """

    amount_cents: int
    currency: str
    quantity: int | None
    is_proration: bool
    period_starts_at: datetime
    period_ends_at: datetime
    credits: int


class InvoiceExplanation(Shape):
    """
    An invoice with its lines; a draft has none yet.
    """

    invoice: InvoiceShape
    lines: list[LineShape]


class ReceiptChargeId(Shape):
    """
    Of which charge.
    """

    id: Annotated[int, msgspec.Meta(ge=1, le=ID_MAX, examples=[1])]


class ReceiptAnswer(Shape):
    """
    Where the receipt of a charge is; null while it has none.
    """

    receipt_url: str | None


async def list_invoices(call: Call) -> Reply:
    """
    List the invoices of subscriptions, newest first, a page at a time.
    """
    request: InvoicesRequest = call.query
    async with call.parts.database.reading() as connection:
        found = await subscriptions.list_invoices(
            connection, customer_id=call.customer_id, limit=request.limit + 1, before_id=parse_cursor(request.cursor)
        )
    page = found[: request.limit]
    return Reply(
        InvoicesAnswer(
            invoices=[_shape(invoice) for invoice in page],
            next_cursor=str(page[-1].id) if len(found) > request.limit else None,
        )
    )


async def explain_invoice(call: Call) -> Reply:
    """
    Show an invoice with its lines.
    """
    async with call.parts.database.reading() as connection:
        found = await subscriptions.get_invoice(connection, customer_id=call.customer_id, invoice_id=call.path.id)
    lines = [
        LineShape(
            amount_cents=line.amount_cents,
            currency=line.currency,
            quantity=line.quantity,
            is_proration=line.is_proration,
            period_starts_at=line.period_starts_at,
            period_ends_at=line.period_ends_at,
            credits=line.credits,
        )
        for line in found.lines
    ]
    return Reply(InvoiceExplanation(invoice=_shape(found.invoice), lines=lines))


async def find_receipt(call: Call) -> Reply:
    """
    Say where the receipt of a single charge is. Stripe is asked for it, since the address may change.
    """
    async with call.parts.database.reading() as connection:
        charge = await charges.get_charge(connection, customer_id=call.customer_id, charge_id=call.path.id)
    if charge.state != "succeeded" or charge.stripe_payment_id is None:
        return Reply(ReceiptAnswer(receipt_url=None))
    payment = await gateway_of(call).read_payment(charge.stripe_payment_id)
    return Reply(ReceiptAnswer(receipt_url=payment.receipt_url))


def _shape(invoice: subscriptions.Invoice) -> InvoiceShape:
    return InvoiceShape(
        id=str(invoice.id),
        subscription=str(invoice.subscription_id),
        state=invoice.state,
        number=invoice.number,
        reason=invoice.billing_reason,
        currency=invoice.currency,
        total_cents=invoice.total_cents,
        amount_due_cents=invoice.amount_due_cents,
        amount_paid_cents=invoice.amount_paid_cents,
        attempts=invoice.attempt_count,
        next_attempt_at=invoice.next_attempt_at,
        hosted_url=invoice.hosted_url,
        pdf_url=invoice.pdf_url,
        created_at=invoice.created_at,
        paid_at=invoice.paid_at,
        amount_refunded_cents=invoice.amount_refunded_cents,
        amount_disputed_cents=invoice.amount_disputed_cents,
        refund_state=invoice.refund_state,
        dispute_state=invoice.dispute_state,
    )


OPERATIONS = (
    Operation(
        method="GET",
        path=PATH,
        summary="List invoices",
        access=Access.API_KEY,
        handler=list_invoices,
        query=InvoicesRequest,
        answer=InvoicesAnswer,
        refusals=(400, 401, 422, 503),
        tag="Billing",
    ),
    Operation(
        method="GET",
        path=f"{PATH}/{{id}}",
        summary="Show an invoice",
        access=Access.API_KEY,
        handler=explain_invoice,
        path_parameters=InvoiceId,
        answer=InvoiceExplanation,
        refusals=(401, 404, 503),
        tag="Billing",
    ),
    Operation(
        method="GET",
        path="/api/v1/billing/charges/{id}/receipt",
        summary="Find a charge's receipt",
        access=Access.API_KEY,
        handler=find_receipt,
        path_parameters=ReceiptChargeId,
        answer=ReceiptAnswer,
        refusals=(401, 404, 503),
        tag="Billing",
    ),
)
