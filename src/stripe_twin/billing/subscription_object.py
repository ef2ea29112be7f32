"""
Subscriptions and their items as the API shows them (docs.stripe.com/api/subscriptions/object), and their lines.

What an item was last billed for is kept beside it: in flexible billing mode a credit gives back a share of that amount,
not of today's price (docs.stripe.com/billing/subscriptions/billing-mode/compare).
"""

from stripe_twin.billing.invoice_object import Line
from stripe_twin.billing.periods import day_name, share
from stripe_twin.billing.prices import plan_of
from stripe_twin.core import Account, Record

BILLED = "_billed"
"""
Private facts by item: `subscription`, and the `amount` that was billed from `start` to `end`.
"""
_TIMES = "\N{MULTIPLICATION SIGN}"
ENDED = ("canceled", "incomplete_expired")


def item_record(
    account: Account,
    price: Record,
    *,
    subscription_id: str,
    quantity: int,
    period: tuple[int, int],
    metadata: Record | None = None,
) -> Record:
    """
    Return a new item, not yet kept.
    """
    return {
        "id": account.new_id("si", 14),
        "object": "subscription_item",
        "billed_until": None,
        "billing_thresholds": None,
        "created": account.now,
        "current_period_end": period[1],
        "current_period_start": period[0],
        "discounts": [],
        "metadata": metadata or {},
        "plan": plan_of(price),
        "price": price,
        "quantity": quantity,
        "subscription": subscription_id,
        "tax_rates": [],
    }


def subscription_record(account: Account, customer: Record, *, anchor: int, params: Record) -> Record:
    """
    Return a new subscription without items, not yet kept and not yet paid for.
    """
    taxed = params.get("automatic_tax", {}).get("enabled", False)
    subscription_id = account.new_id("sub")
    return {
        **_UNUSED,
        "id": subscription_id,
        "object": "subscription",
        "automatic_tax": {
            "disabled_reason": None,
            "enabled": taxed,
            "liability": {"type": "self"} if taxed else None,
        },
        "billing_cycle_anchor": anchor,
        "billing_mode": {"flexible": {"proration_discounts": "included"}, "type": "flexible", "updated_at": None},
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "cancellation_details": {"comment": None, "feedback": None, "reason": None},
        "collection_method": "charge_automatically",
        "created": account.now,
        "currency": "usd",
        "customer": customer["id"],
        "default_payment_method": params.get("default_payment_method"),
        "description": params.get("description"),
        "ended_at": None,
        "items": {
            "object": "list",
            "data": [],
            "has_more": False,
            "url": f"/v1/subscription_items?subscription={subscription_id}",
        },
        "latest_invoice": None,
        "livemode": False,
        "metadata": {},
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": params.get("payment_settings", {}).get("save_default_payment_method", "off"),
        },
        "start_date": account.now,
        "status": "incomplete",
        "status_details": None,
        "test_clock": customer.get("test_clock"),
        "trial_end": None,
        "trial_settings": {"end_behavior": {"billing_cycle_anchor": None, "missing_payment_method": "create_invoice"}},
        "trial_start": None,
    }


def put_items(subscription: Record, items: list[Record]) -> None:
    """
    Give an editable subscription these items.
    """
    subscription["items"]["data"] = items


def items_of(subscription: Record) -> list[Record]:
    """
    Return the items, in the order of their making.
    """
    items: list[Record] = subscription["items"]["data"]
    return items


def period_of(subscription: Record) -> tuple[int, int]:
    """
    Return the current period: all items of one subscription share it here.
    """
    item = items_of(subscription)[0]
    return int(item["current_period_start"]), int(item["current_period_end"])


def recurring_of(subscription: Record) -> Record:
    """
    Return interval and count, which all items of one subscription share here.
    """
    recurring: Record = items_of(subscription)[0]["price"]["recurring"]
    return recurring


def full_amount(item: Record) -> int:
    """
    Return what a whole period of an item costs.
    """
    return int(item["price"]["unit_amount"]) * int(item["quantity"])


def period_line(account: Account, item: Record) -> Line:
    """
    Return the line that bills an item for the whole of its current period.
    """
    return _line(account, item, amount=full_amount(item), start=item["current_period_start"])


def trial_line(account: Account, item: Record) -> Line:
    """
    Return the line of a trial: it costs nothing.
    """
    product = account.get("product", item["price"]["product"])
    description = f"Trial period for {product['name']}"
    return _line(account, item, amount=0, start=item["current_period_start"], description=description)


def part_line(account: Account, item: Record, *, start: int, whole: tuple[int, int], is_first: bool = False) -> Line:
    """
    Return the debit for the rest of a period whose whole length is known.
    """
    amount = share(full_amount(item), item["current_period_end"] - start, whole[1] - whole[0])
    what = _what(account, item)
    description = what if is_first else f"Remaining time on {what} after {day_name(start)}"
    return _line(account, item, amount=amount, start=start, description=description, is_proration=True)


def unused_line(account: Account, item: Record, *, start: int) -> Line | None:
    """
    Return the credit for time that was billed and will not be used; None when nothing was billed for it.
    """
    billed = account.store.find(BILLED, item["id"])
    if billed is None or billed["amount"] == 0 or billed["end"] <= start:
        return None
    start = max(start, billed["start"])
    amount = share(billed["amount"], billed["end"] - start, billed["end"] - billed["start"])
    description = f"Unused time on {_what(account, item)} after {day_name(start)}"
    return _line(account, item, amount=-amount, start=start, description=description, is_proration=True)


def note_billed(account: Account, item: Record, *, amount: int, start: int) -> None:
    """
    Remember what an item was billed until the end of its current period.
    """
    billed = {"amount": amount, "start": start, "end": item["current_period_end"]}
    if account.store.find(BILLED, item["id"]):
        account.store.edit(BILLED, item["id"]).update(billed)
    else:
        account.store.add(BILLED, {"id": item["id"], "subscription": item["subscription"], **billed})


def _what(account: Account, item: Record) -> str:
    product = account.get("product", item["price"]["product"])["name"]
    return product if item["quantity"] == 1 else f"{item['quantity']} {_TIMES} {product}"


def _line(
    account: Account,
    item: Record,
    *,
    amount: int,
    start: int,
    description: str | None = None,
    is_proration: bool = False,
) -> Line:
    price = item["price"]
    return Line(
        amount=amount,
        currency=price["currency"],
        description=description or f"{item['quantity']} {_TIMES} {_named_price(account, price)}",
        start=start,
        end=item["current_period_end"],
        quantity=item["quantity"],
        price=price,
        subscription=item["subscription"],
        subscription_item=item["id"],
        is_proration=is_proration,
        metadata=item["metadata"],
    )


def _named_price(account: Account, price: Record) -> str:
    recurring = price["recurring"]
    name = account.get("product", price["product"])["name"]
    each = recurring["interval"]
    if recurring["interval_count"] != 1:
        each = f"every {recurring['interval_count']} {each}s"
    amount = f"{price['unit_amount'] // 100}.{price['unit_amount'] % 100:02}"
    return f"{name} (at {amount} {price['currency'].upper()} / {each})"


_UNUSED: Record = {
    "application": None,
    "application_fee_percent": None,
    "billing_cycle_anchor_config": None,
    "billing_schedules": [],
    "billing_thresholds": None,
    "customer_account": None,
    "days_until_due": None,
    "default_source": None,
    "default_tax_rates": [],
    "discounts": [],
    "invoice_settings": {
        "account_tax_ids": None,
        "custom_fields": None,
        "description": None,
        "footer": None,
        "issuer": {"type": "self"},
    },
    "next_pending_invoice_item_invoice": None,
    "on_behalf_of": None,
    "pause_collection": None,
    "pending_invoice_item_interval": None,
    "pending_setup_intent": None,
    "pending_update": None,
    "schedule": None,
    "transfer_data": None,
}
