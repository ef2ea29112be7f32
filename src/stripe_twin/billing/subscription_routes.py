"""
Subscriptions and their items over the API (docs.stripe.com/api/subscriptions, docs.stripe.com/api/subscription_items).
"""

from stripe_twin.billing.create_subscription import create_subscription
from stripe_twin.billing.ending import end, invoices_of
from stripe_twin.billing.finalization import void
from stripe_twin.billing.invoice_items import drop, item_of_line, keep, waiting_items, waiting_prorations
from stripe_twin.billing.renewals import bill_waiting
from stripe_twin.billing.scope import from_path, only_done
from stripe_twin.billing.subscription_object import BILLED, ENDED, items_of, unused_line
from stripe_twin.billing.update_subscription import change_subscription
from stripe_twin.core import Account, Call, Record, Routes, page, resource_missing

routes = Routes()

_PATH = "/v1/subscriptions/{subscription_exposed_id}"
_ITEMS, _ITEM = "/v1/subscription_items", "/v1/subscription_items/{item}"
_PAGING = {"created", "limit", "starting_after", "ending_before"}
_HOW = {"proration_behavior", "proration_date", "payment_behavior"}


@routes.post("/v1/subscriptions")
def create(account: Account, call: Call) -> Record:
    """
    Begin a subscription.
    """
    return create_subscription(account, call.params)


@routes.get(_PATH)
def retrieve(account: Account, call: Call) -> Record:
    """
    Return a subscription, ended ones too.
    """
    return _named(account, call)


@routes.post(_PATH)
def update(account: Account, call: Call) -> Record:
    """
    Change a subscription.
    """
    return change_subscription(account, _named(account, call)["id"], call.params)


@routes.delete(_PATH)
def cancel(account: Account, call: Call) -> Record:
    """
    End a subscription now; emits customer.subscription.deleted. One that has ended is not found any more.

    Waiting prorations are dropped unless `prorate` credits the unused time or `invoice_now` bills what waits
    (docs.stripe.com/api/subscriptions/cancel). One that never began expires, and its invoice is void.
    """
    params = call.params
    only_done(params, {"cancellation_details", "invoice_now", "prorate"}, f"DELETE {_PATH}")
    subscription = _named(account, call)
    if subscription["status"] in ENDED:
        raise resource_missing("subscription", subscription["id"])
    details = {name: value or None for name, value in params.get("cancellation_details", {}).items()}
    account.edit("subscription", subscription["id"])["cancellation_details"].update(details)
    if subscription["status"] == "incomplete":
        for invoice in invoices_of(account, subscription):
            void(account, invoice["id"])
        return end(account, subscription["id"], because="cancellation_requested", status="incomplete_expired")
    if params.get("prorate"):
        _credit_unused(account, subscription)
    elif not params.get("invoice_now"):
        for item in waiting_prorations(account, subscription):
            drop(account, item)
    end(account, subscription["id"], because="cancellation_requested")
    waiting = waiting_items(account, subscription)
    if params.get("invoice_now") and waiting:
        bill_waiting(account, subscription, waiting)
    return account.get("subscription", subscription["id"])


@routes.get("/v1/subscriptions")
def list_all(account: Account, call: Call) -> Record:
    """
    List subscriptions by customer, status and price; canceled ones only when asked for.
    """
    params = call.params
    equal = ("customer", "collection_method", "test_clock")
    only_done(params, {*equal, *_PAGING, "status", "price"}, "GET /v1/subscriptions")
    subscriptions = [
        subscription
        for subscription in account.store.all("subscription")
        if _has_status(subscription, params.get("status"))
        and ("price" not in params or any(item["price"]["id"] == params["price"] for item in items_of(subscription)))
    ]
    return page(call, subscriptions, url="/v1/subscriptions", matching=equal)


@routes.get(_ITEMS)
def list_items(account: Account, call: Call) -> Record:
    """
    List a subscription's items.
    """
    subscription = account.get("subscription", call.params["subscription"], param="subscription")
    return page(call, list(reversed(items_of(subscription))), url=_ITEMS)


@routes.get(_ITEM)
def retrieve_item(account: Account, call: Call) -> Record:
    """
    Return an item.
    """
    return _item(account, call.ids["item"])


@routes.post(_ITEMS)
def create_item(account: Account, call: Call) -> Record:
    """
    Add an item to a subscription.
    """
    only_done(call.params, {"subscription", "price", "quantity", "metadata", *_HOW}, f"POST {_ITEMS}")
    subscription = account.get("subscription", call.params["subscription"], param="subscription")
    had = {item["id"] for item in items_of(subscription)}
    _change_item(account, subscription, call, {})
    return next(item for item in _items_now(account, subscription) if item["id"] not in had)


@routes.post(_ITEM)
def update_item(account: Account, call: Call) -> Record:
    """
    Change an item's price, quantity or metadata.
    """
    only_done(call.params, {"price", "quantity", "metadata", "off_session", *_HOW}, f"POST {_ITEM}")
    item = _item(account, call.ids["item"])
    _change_item(account, account.get("subscription", item["subscription"]), call, {"id": item["id"]})
    return _item(account, item["id"])


@routes.delete(_ITEM)
def delete_item(account: Account, call: Call) -> Record:
    """
    Take an item off its subscription.
    """
    only_done(call.params, _HOW, f"DELETE {_ITEM}")
    item = _item(account, call.ids["item"])
    _change_item(account, account.get("subscription", item["subscription"]), call, {"id": item["id"], "deleted": True})
    return {"id": item["id"], "object": "subscription_item", "deleted": True}


def _named(account: Account, call: Call) -> Record:
    return from_path(account, "subscription", call.ids["subscription_exposed_id"])


def _has_status(subscription: Record, asked: str | None) -> bool:
    match asked:
        case None:
            return bool(subscription["status"] != "canceled")
        case "all":
            return True
        case "ended":
            return subscription["status"] in ENDED
        case _:
            status: str = subscription["status"]
            return status == asked


def _credit_unused(account: Account, subscription: Record) -> None:
    customer = account.get("customer", subscription["customer"])
    for item in items_of(subscription):
        if (line := unused_line(account, item, start=account.now)) is not None:
            keep(account, item_of_line(account, line, customer))


def _item(account: Account, item_id: str) -> Record:
    billed = account.store.find(BILLED, item_id)
    subscription = from_path(account, "subscription", billed["subscription"]) if billed else None
    found = [item for item in (items_of(subscription) if subscription else []) if item["id"] == item_id]
    if not found:
        raise resource_missing("subscription_item", item_id)
    return found[0]


def _items_now(account: Account, subscription: Record) -> list[Record]:
    return items_of(account.get("subscription", subscription["id"]))


def _change_item(account: Account, subscription: Record, call: Call, item: Record) -> None:
    from_path(account, "subscription", subscription["id"])
    change = {name: call.params[name] for name in ("price", "quantity", "metadata") if name in call.params}
    how = {name: call.params[name] for name in (*_HOW, "off_session") if name in call.params}
    change_subscription(account, subscription["id"], {"items": [{**item, **change}], **how})
