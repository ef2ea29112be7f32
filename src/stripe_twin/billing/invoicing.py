"""
Making invoices and their drafts' wait (docs.stripe.com/billing/invoices/subscription).
"""

from collections.abc import Iterable, Sequence

from stripe_twin.billing.invoice_items import line_of_item
from stripe_twin.billing.invoice_object import Line, invoice_record, line_record, lines_page, totals
from stripe_twin.billing.periods import HOUR
from stripe_twin.core import Account, Record

LINES = "_invoice_lines"
"""
Private facts by invoice: `data`, all its lines; the invoice itself shows the first ten.
"""
COLLECTION = "_collection"
"""
Private facts by invoice: `intent` that pays it and its invoice `payment`, `first_failed_at`, `refused_method` after a
hard decline, `is_automatic` while a retry is tried, and `resumes`: what its payment makes of a paused subscription.
"""
DRAFT_SECONDS = HOUR
FINALIZE = "billing.finalize"


def drawn_up(
    account: Account,
    customer: Record,
    *,
    reason: str,
    currency: str,
    lines: Iterable[Line],
    period: tuple[int, int] | None = None,
    subscription: Record | None = None,
    metadata: Record | None = None,
    is_preview: bool = False,
) -> tuple[Record, list[Record]]:
    """
    Return a draft and its lines, neither kept: what a preview shows is what would be invoiced.
    """
    invoice_id = account.new_id("upcoming_in" if is_preview else "in")
    records = [line_record(account, line, invoice_id) for line in lines]
    invoice = invoice_record(
        account,
        invoice_id=invoice_id,
        customer=customer,
        reason=reason,
        currency=currency,
        lines=records,
        period=period or (account.now, account.now),
        subscription=subscription,
        metadata=metadata,
    )
    if is_preview:  # its lines cannot be listed elsewhere
        invoice["lines"].update(data=records, has_more=False)
    return invoice, records


def issue(
    account: Account,
    customer: Record,
    *,
    reason: str,
    lines: Sequence[Line],
    period: tuple[int, int] | None = None,
    subscription: Record,
) -> Record:
    """
    Make a subscription's draft, which takes up the items that its lines come from; emits invoice.created.
    """
    invoice, records = drawn_up(
        account,
        customer,
        reason=reason,
        currency=subscription["currency"],
        lines=lines,
        period=period,
        subscription=subscription,
    )
    invoice["auto_advance"] = True
    account.edit("subscription", subscription["id"])["latest_invoice"] = invoice["id"]
    return keep_draft(account, invoice, records)


def keep_draft(account: Account, invoice: Record, lines: Sequence[Record]) -> Record:
    """
    Keep a draft and its lines; emits invoice.created.
    """
    for line in lines:
        if (item_id := _item_of(line)) is not None:
            account.edit("invoiceitem", item_id)["invoice"] = invoice["id"]
    account.store.add("invoice", invoice)
    account.store.add(LINES, {"id": invoice["id"], "data": list(lines)})
    account.store.add(
        COLLECTION,
        {
            "id": invoice["id"],
            "intent": None,
            "payment": None,
            "first_failed_at": None,
            "refused_method": None,
            "is_automatic": False,
            "resumes": None,
        },
    )
    account.emit("invoice.created", invoice)
    return invoice


def lines_of(account: Account, invoice_id: str) -> list[Record]:
    """
    Return all lines of an invoice: a draft's include items that were added to it since.
    """
    lines: list[Record] = account.get(LINES, invoice_id)["data"]
    return lines


def add_items(account: Account, invoice: Record, items: Iterable[Record]) -> None:
    """
    Add invoice items to a draft and sum it up again.
    """
    new = [line_record(account, line_of_item(account, item), invoice["id"]) for item in items]
    lines = account.edit(LINES, invoice["id"])
    lines["data"] = [*lines["data"], *new]
    edited = account.edit("invoice", invoice["id"])
    edited["lines"] = lines_page(lines["data"], invoice["id"])
    edited.update(totals(lines["data"], account.get("customer", invoice["customer"])))


def await_finalization(account: Account, invoice_id: str) -> None:
    """
    Leave a draft open to changes for an hour, after which it is finalised and charged.
    """
    at = account.now + DRAFT_SECONDS
    invoice = account.edit("invoice", invoice_id)
    invoice.update(auto_advance=True, automatically_finalizes_at=at, next_payment_attempt=at)
    account.schedule(FINALIZE, {"invoice": invoice_id}, at=at)


def subscription_id_of(invoice: Record) -> str | None:
    """
    Return the subscription that an invoice is of.
    """
    parent = invoice["parent"]
    return str(parent["subscription_details"]["subscription"]) if parent else None


def _item_of(line: Record) -> str | None:
    parent = line["parent"]
    details = parent["subscription_item_details"] or parent["invoice_item_details"]
    item: str | None = details["invoice_item"]
    return item
