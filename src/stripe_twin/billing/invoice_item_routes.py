"""
Invoice items over the API (docs.stripe.com/api/invoiceitems).
"""

from stripe_twin.billing.invoice_items import drop, item_of_line, keep
from stripe_twin.billing.invoice_object import Line
from stripe_twin.billing.invoicing import add_items
from stripe_twin.billing.prices import usable_price
from stripe_twin.billing.scope import customer_of, from_path, merged, only_done, required
from stripe_twin.core import Account, Call, Record, Routes, invalid_request, page

routes = Routes()

_CREATE = "POST /v1/invoiceitems"
_PATH = "/v1/invoiceitems/{invoiceitem}"


@routes.post("/v1/invoiceitems")
def create(account: Account, call: Call) -> Record:
    """
    Add an amount, or a one-time price, to a customer's next invoice or to a draft; emits invoiceitem.created.
    """
    params = call.params
    done = {"amount", "currency", "customer", "description", "invoice", "metadata", "period", "pricing", "quantity"}
    only_done(params, {*done, "discountable", "subscription"}, _CREATE)
    customer = customer_of(account, str(required(params, "customer")))
    for kind in ("invoice", "subscription"):
        if kind in params and account.get(kind, params[kind], param=kind)["customer"] != customer["id"]:
            raise invalid_request(f"The {kind} belongs to another customer.", param=kind)
    item = item_of_line(account, _asked_line(account, params), customer)
    item["discountable"] = params.get("discountable", True)
    item["invoice"] = params.get("invoice")
    keep(account, item)
    if item["invoice"]:
        invoice = account.get("invoice", item["invoice"])
        if invoice["status"] != "draft":
            raise invalid_request("This invoice is no longer editable", code="invoice_not_editable", param="invoice")
        add_items(account, invoice, [item])
    return item


@routes.get(_PATH)
def retrieve(account: Account, call: Call) -> Record:
    """
    Return an invoice item.
    """
    return from_path(account, "invoiceitem", call.ids["invoiceitem"])


@routes.delete(_PATH)
def delete(account: Account, call: Call) -> Record:
    """
    Delete a waiting item; emits invoiceitem.deleted.
    """
    item = from_path(account, "invoiceitem", call.ids["invoiceitem"])
    if item["invoice"] is not None:
        raise invalid_request("This invoice item is already attached to an invoice and can't be deleted.")
    drop(account, item)
    return {"id": item["id"], "object": "invoiceitem", "deleted": True}


@routes.get("/v1/invoiceitems")
def list_all(account: Account, call: Call) -> Record:
    """
    List invoice items by customer, invoice and whether they still wait.
    """
    params = call.params
    paging = {"created", "limit", "starting_after", "ending_before"}
    only_done(params, {"customer", "invoice", "pending", *paging}, "GET /v1/invoiceitems")
    items = [
        {**item, "created": item["date"]}  # the list filters by `created`, the object calls it `date`
        for item in account.store.all("invoiceitem")
        if "pending" not in params or (item["invoice"] is None) == params["pending"]
    ]
    found = page(call, items, url="/v1/invoiceitems", matching=("customer", "invoice"))
    for item in found["data"]:
        del item["created"]
    return found


def _asked_line(account: Account, params: Record) -> Line:
    period = params.get("period") or {"start": account.now, "end": account.now}
    if period["end"] < period["start"]:
        raise invalid_request("The period's end must not be before its start.", param="period[end]")
    priced, quantity = params.get("pricing", {}).get("price"), params.get("quantity", 1)
    if ("amount" in params) == bool(priced):
        raise invalid_request("You must pass either `amount` or `pricing[price]`.", param="amount")
    if "amount" in params and quantity != 1:
        raise invalid_request("You may not pass `quantity` together with `amount`.", param="quantity")
    price = usable_price(account, priced, "pricing[price]", kind="one_time") if priced else None
    currency = price["currency"] if price else str(required(params, "currency")).lower()
    product = account.get("product", price["product"]) if price else None
    return Line(
        amount=price["unit_amount"] * quantity if price else params["amount"],
        currency=currency,
        description=params.get("description") or (product["name"] if product else None),
        start=period["start"],
        end=period["end"],
        quantity=quantity,
        price=price,
        subscription=params.get("subscription"),
        metadata=merged({}, params.get("metadata")),
    )
