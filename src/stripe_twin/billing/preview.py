"""
What would be invoiced (docs.stripe.com/api/invoices/create_preview): worked out by the same functions that then do it.
"""

from stripe_twin.billing.change_items import plan_change
from stripe_twin.billing.create_subscription import drafted, first_lines
from stripe_twin.billing.invoice_items import item_of_line, line_of_item, waiting_items
from stripe_twin.billing.invoice_object import Line
from stripe_twin.billing.invoicing import drawn_up
from stripe_twin.billing.refusals import nothing_upcoming
from stripe_twin.billing.renewals import upcoming
from stripe_twin.billing.scope import customer_of, only_done, required, use_clock
from stripe_twin.billing.subscription_object import ENDED, period_of, put_items
from stripe_twin.billing.update_subscription import bills_at_once
from stripe_twin.core import Account, Call, Record, Routes, invalid_request, not_done
from stripe_twin.core.records import copied

routes = Routes()

_WHERE = "POST /v1/invoices/create_preview"
_DETAILS = {
    *("items", "billing_mode", "proration_behavior", "proration_date"),
    *("billing_cycle_anchor", "trial_end", "metadata"),
}
_RENEWING = ("active", "trialing", "past_due")


@routes.post("/v1/invoices/create_preview")
def create_preview(account: Account, call: Call) -> Record:
    """
    Preview the next invoice of a subscription, after a change if one is described, or the first one of a new one.
    """
    params = call.params
    only_done(params, {"customer", "currency", "subscription", "subscription_details", "preview_mode"}, _WHERE)
    if params.get("preview_mode", "next") != "next":
        raise not_done(f"preview_mode=recurring on {_WHERE}")
    details = params.get("subscription_details", {})
    only_done(details, {*_DETAILS, "cancel_at_period_end"}, f"subscription_details of {_WHERE}")
    if "subscription" not in params and "items" in details:
        return _first(account, params, details)
    if details.get("billing_mode", {}).get("type") == "classic":
        raise not_done(f"billing_mode=classic on {_WHERE}")
    subscription = _subscription(account, params)
    if details.get("cancel_at_period_end"):
        subscription = {**copied(subscription), "cancel_at": period_of(subscription)[1]}
    if details.keys() & {"items", "billing_cycle_anchor", "trial_end"}:
        return _after_change(account, subscription, details)
    return _next(account, subscription, [])


def _first(account: Account, params: Record, details: Record) -> Record:
    """
    Preview a new subscription's first invoice.
    """
    customer = customer_of(account, str(required(params, "customer")))
    asked = {name: value for name, value in details.items() if name != "billing_cycle_anchor"}
    anchor = details.get("billing_cycle_anchor", {})
    if anchor.get("type") == "timestamp":
        asked["billing_cycle_anchor"] = anchor["timestamp"]
    subscription = drafted(account, customer, {**asked, "customer": customer["id"]})
    lines = first_lines(account, subscription, asked)
    return _shown(account, subscription, lines, parent=None)


def _subscription(account: Account, params: Record) -> Record:
    """
    Return the subscription that is meant: named, or the one of the customer's that is billed next.
    """
    if "subscription" in params:
        subscription = account.get("subscription", params["subscription"], param="subscription")
        use_clock(account, subscription)
        if params.get("customer", subscription["customer"]) != subscription["customer"]:
            raise invalid_request("The subscription belongs to another customer.", param="subscription")
    else:
        customer = customer_of(account, str(required(params, "customer")))
        candidates = [
            one for one in account.store.of_customer("subscription", customer["id"]) if one["status"] in _RENEWING
        ]
        if not candidates:
            raise nothing_upcoming(customer["id"])
        subscription = min(candidates, key=lambda one: period_of(one)[1])
    if subscription["status"] in ENDED or subscription["status"] not in _RENEWING:
        raise nothing_upcoming(subscription["customer"])
    return subscription


def _after_change(account: Account, subscription: Record, details: Record) -> Record:
    """
    Preview what a change would bill: at once, or with the next renewal.
    """
    change = plan_change(account, subscription, details)
    changed = copied(subscription)
    put_items(changed, change.items)
    changed["billing_cycle_anchor"] = change.anchor
    customer = account.get("customer", subscription["customer"])
    # By way of the items they will wait as: newest first, each with an id of its own.
    items = [item_of_line(account, line, customer) for line in reversed(change.prorations)]
    prorations = [_line(line, item) for line, item in zip(reversed(change.prorations), items, strict=True)]
    if bills_at_once(change, details):
        waiting = waiting_items(account, subscription)
        earlier = [line_of_item(account, item) for item in waiting]
        return _shown(account, changed, [*prorations, *earlier, *change.period_lines], parent=changed)
    if details.get("trial_end", "now") != "now":
        for item in changed["items"]["data"]:
            item["current_period_end"] = changed["billing_cycle_anchor"] = details["trial_end"]
    return _next(account, changed, prorations)


def _next(account: Account, subscription: Record, prorations: list[Line]) -> Record:
    invoice = upcoming(account, subscription, prorations)
    if subscription["cancel_at"] is not None and not invoice["lines"]["data"]:
        raise nothing_upcoming(subscription["customer"])
    return invoice


def _shown(account: Account, subscription: Record, lines: list[Line], *, parent: Record | None) -> Record:
    invoice, _ = drawn_up(
        account,
        account.get("customer", subscription["customer"]),
        reason="upcoming",
        currency=subscription["currency"],
        lines=lines,
        subscription=parent,
        is_preview=True,
    )
    return invoice


def _line(line: Line, item: Record) -> Line:
    return Line(**{**line.__dict__, "invoice_item": item["id"]})
