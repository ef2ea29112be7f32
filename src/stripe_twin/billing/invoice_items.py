"""
Invoice items: what waits for a customer's next invoice, prorations among it (docs.stripe.com/api/invoiceitems/object).
"""

from stripe_twin.billing.invoice_object import Line
from stripe_twin.billing.prices import pricing_of
from stripe_twin.core import Account, Record


def item_of_line(account: Account, line: Line, customer: Record) -> Record:
    """
    Return the invoice item that a line comes from, not yet kept.
    """
    parent = None
    if line.subscription:
        details = {"subscription": line.subscription, "subscription_item": line.subscription_item}
        parent = {"subscription_details": details, "type": "subscription_details"}
    return {
        "id": account.new_id("ii"),
        "object": "invoiceitem",
        "amount": line.amount,
        "currency": line.currency,
        "customer": customer["id"],
        "customer_account": None,
        "date": account.now,
        "description": line.description,
        "discountable": not line.is_proration,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": line.metadata or {},
        "net_amount": line.amount,
        "parent": parent,
        "period": {"end": line.end, "start": line.start},
        "pricing": pricing_of(line.price) if line.price else None,
        "proration": line.is_proration,
        "proration_details": {"discount_amounts": []} if line.is_proration else None,
        "quantity": line.quantity,
        "quantity_decimal": str(line.quantity),
        "tax_rates": [],
        "test_clock": customer.get("test_clock"),
    }


def line_of_item(account: Account, item: Record) -> Line:
    """
    Return the line that an invoice item makes.
    """
    details = (item["parent"] or {}).get("subscription_details") or {}
    priced = item["pricing"]
    return Line(
        amount=item["amount"],
        currency=item["currency"],
        description=item["description"],
        start=item["period"]["start"],
        end=item["period"]["end"],
        quantity=item["quantity"],
        price=account.get("price", priced["price_details"]["price"]) if priced else None,
        subscription=details.get("subscription"),
        subscription_item=details.get("subscription_item"),
        invoice_item=item["id"],
        is_proration=item["proration"],
        metadata=item["metadata"],
    )


def keep(account: Account, item: Record) -> Record:
    """
    Have an item wait for the next invoice; emits invoiceitem.created.
    """
    account.store.add("invoiceitem", item)
    account.emit("invoiceitem.created", item)
    return item


def drop(account: Account, item: Record) -> None:
    """
    Forget an item; emits invoiceitem.deleted.
    """
    account.store.remove("invoiceitem", item["id"])
    account.emit("invoiceitem.deleted", item)


def waiting_items(account: Account, subscription: Record) -> list[Record]:
    """
    Return what a subscription's next invoice takes up, newest first: its own items and those of no subscription.
    """
    of_customer = account.store.of_customer("invoiceitem", subscription["customer"])
    return [
        item
        for item in of_customer
        if item["invoice"] is None
        and item["currency"] == subscription["currency"]
        and _subscription_of(item) in (None, subscription["id"])
    ]


def loose_items(account: Account, customer_id: str, currency: str | None) -> list[Record]:
    """
    Return what waits for a customer and belongs to no subscription, newest first; of this currency, or of the newest's.
    """
    items = [
        item
        for item in account.store.of_customer("invoiceitem", customer_id)
        if item["invoice"] is None and _subscription_of(item) is None
    ]
    return [item for item in items if item["currency"] == (currency or items[0]["currency"])]


def waiting_prorations(account: Account, subscription: Record) -> list[Record]:
    """
    Return a subscription's prorations that no invoice has taken up.
    """
    items = waiting_items(account, subscription)
    return [item for item in items if item["proration"] and _subscription_of(item) == subscription["id"]]


def _subscription_of(item: Record) -> str | None:
    subscription: str | None = ((item["parent"] or {}).get("subscription_details") or {}).get("subscription")
    return subscription
