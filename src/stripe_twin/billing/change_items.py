"""
What a change of a subscription's items means in money (docs.stripe.com/billing/subscriptions/prorations).

It is worked out before anything is changed, so that a preview and the change itself agree.

Chosen where the documentation leaves room (flexible billing mode): a credit is the share, by seconds, of what the item
was last billed, a debit the share of the new full price; each is rounded to the nearest cent by itself, halves up.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from stripe_twin.billing.create_subscription import require_one_rhythm
from stripe_twin.billing.invoice_object import Line
from stripe_twin.billing.periods import period_around
from stripe_twin.billing.prices import plan_of, usable_price
from stripe_twin.billing.scope import merged, only_done
from stripe_twin.billing.subscription_object import (
    full_amount,
    item_record,
    items_of,
    part_line,
    period_line,
    period_of,
    recurring_of,
    unused_line,
)
from stripe_twin.core import Account, Record, invalid_request, resource_missing
from stripe_twin.core.records import copied

_WHERE = "items of POST /v1/subscriptions/{subscription_exposed_id}"


@dataclass(frozen=True)
class Change:
    """
    The items after a change, its prorations, and whether it begins a new period, which is billed at once.
    """

    items: list[Record]
    prorations: list[Line]
    period_lines: list[Line]
    anchor: int
    period: tuple[int, int]
    is_reset: bool
    billed: dict[str, tuple[int, int]]
    """
    What each changed item is now billed for until the period's end: amount and start.
    """


def plan_change(account: Account, subscription: Record, params: Record) -> Change:
    """
    Work out what a change of items, trial or anchor does; nothing is changed yet.

    A new interval, a first price after a free one, an ended trial and an anchor of now begin a new period.

    Raises:
        StripeError: an item, price or proration date that cannot be.
    """
    new = changed_items(account, subscription, params.get("items", []))
    moment = _moment(account, subscription, params)
    is_reset = _is_reset(subscription, new, params)
    prorates = params.get("proration_behavior", "create_prorations") != "none" and subscription["status"] != "trialing"
    if not is_reset:
        prorations, billed = _prorations(account, subscription, new, moment) if prorates else ([], {})
        anchor, period = subscription["billing_cycle_anchor"], period_of(subscription)
        return Change(new, prorations, [], anchor=anchor, period=period, is_reset=False, billed=billed)
    credits = [unused_line(account, item, start=moment) for item in items_of(subscription)] if prorates else []
    period = period_around(account.now, new[0]["price"]["recurring"], account.now)
    for item in new:
        item.update(current_period_start=period[0], current_period_end=period[1])
    return Change(
        items=new,
        prorations=[line for line in credits if line is not None],
        period_lines=[period_line(account, item) for item in reversed(new)],
        anchor=account.now,
        period=period,
        is_reset=True,
        billed={item["id"]: (full_amount(item), period[0]) for item in new},
    )


def changed_items(account: Account, subscription: Record, asked: Sequence[Record]) -> list[Record]:
    """
    Return copies of a subscription's items with the changes a call asks for.

    Raises:
        StripeError: an item of another subscription, an unusable price, a bad quantity, or nothing left.
    """
    items = {item["id"]: copied(item) for item in items_of(subscription)}
    for number, change in enumerate(asked):
        only_done(change, {"id", "price", "quantity", "metadata", "deleted"}, _WHERE)
        where = f"items[{number}]"
        if "id" not in change:
            item = _added(account, subscription, change, where)
            items[item["id"]] = item
        elif change["id"] not in items:
            raise resource_missing("subscription_item", change["id"], param=f"{where}[id]")
        elif change.get("deleted"):
            del items[change["id"]]
        else:
            _changed(account, items[change["id"]], change, where)
    if not items:
        raise invalid_request("A subscription must have at least one active plan.", param="items")
    require_one_rhythm([item["price"] for item in items.values()])
    return list(items.values())


def _added(account: Account, subscription: Record, change: Record, where: str) -> Record:
    if "price" not in change:
        param = f"{where}[price]"
        raise invalid_request(f"Missing required param: {param}.", code="parameter_missing", param=param)
    return item_record(
        account,
        usable_price(account, change["price"], f"{where}[price]"),
        subscription_id=subscription["id"],
        quantity=change.get("quantity", 1),
        period=period_of(subscription),
        metadata=merged({}, change.get("metadata")),
    )


def _changed(account: Account, item: Record, change: Record, where: str) -> None:
    """
    Change one item; a new price without a quantity means one of it.
    """
    if "price" in change and change["price"] != item["price"]["id"]:
        price = usable_price(account, change["price"], f"{where}[price]")
        item.update(price=price, plan=plan_of(price), quantity=1)
    if "quantity" in change:
        item["quantity"] = change["quantity"]
    item["metadata"] = merged(item["metadata"], change.get("metadata"))


def _is_reset(subscription: Record, new: Sequence[Record], params: Record) -> bool:
    if subscription["status"] == "trialing":
        return bool(params.get("trial_end") == "now")
    was_free = not any(full_amount(item) for item in items_of(subscription))
    return (
        params.get("billing_cycle_anchor", {}).get("type") == "now"
        or new[0]["price"]["recurring"] != recurring_of(subscription)
        or (was_free and any(full_amount(item) for item in new))
    )


def _prorations(
    account: Account, subscription: Record, new: Sequence[Record], moment: int
) -> tuple[list[Line], dict[str, tuple[int, int]]]:
    """
    Return a credit and a debit for each item that costs something else now, and what they are then billed for.
    """
    lines: list[Line] = []
    billed = {}
    # The period may be a part of one, before an anchor that is still to come.
    anchor, period_end = subscription["billing_cycle_anchor"], period_of(subscription)[1]
    whole = period_around(anchor, recurring_of(subscription), period_end - 1)
    before = {item["id"]: item for item in items_of(subscription)}
    after = {item["id"]: item for item in new}
    for item_id in [*before, *(item_id for item_id in after if item_id not in before)]:
        was, becomes = before.get(item_id), after.get(item_id)
        if was and becomes and _cost(was) == _cost(becomes):
            continue
        if was and (credit := unused_line(account, was, start=moment)):
            lines.append(credit)
        if becomes:
            debit = part_line(account, becomes, start=moment, whole=whole)
            billed[item_id] = (debit.amount, moment)
            if debit.amount:
                lines.append(debit)
    return lines, billed


def _cost(item: Record) -> tuple[str, int]:
    return item["price"]["id"], item["quantity"]


def _moment(account: Account, subscription: Record, params: Record) -> int:
    moment = int(params.get("proration_date", account.now))
    start, end = period_of(subscription)
    if "proration_date" in params and not start <= moment <= end:
        raise invalid_request(
            "Cannot specify `proration_date` outside of the subscription's current period.",
            param="proration_date",
        )
    return moment
