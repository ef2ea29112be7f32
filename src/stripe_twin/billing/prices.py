"""
Prices: one amount per unit, once or each period (docs.stripe.com/api/prices).
"""

from stripe_twin.billing.products import create_product
from stripe_twin.billing.scope import emit_if_changed, from_path, merged, only_done
from stripe_twin.core import Account, Call, Record, Routes, invalid_request, not_done, page

routes = Routes()

_CREATE = "POST /v1/prices"
_FIELDS = {"active", "lookup_key", "nickname", "tax_behavior"}
_LONGEST = {"day": 1095, "week": 156, "month": 36, "year": 3}


@routes.post("/v1/prices")
def create(account: Account, call: Call) -> Record:
    """
    Create a price for a product, or for a new one described in `product_data`; emits price.created.
    """
    params = call.params
    done = {*_FIELDS, "currency", "metadata", "product", "product_data", "recurring", "unit_amount", "billing_scheme"}
    only_done(params, {*done, "transfer_lookup_key"}, _CREATE)
    if params.get("billing_scheme", "per_unit") != "per_unit":
        raise not_done(f"billing_scheme=tiered on {_CREATE}")
    if "unit_amount" not in params:
        raise invalid_request(
            "Prices require an `unit_amount` or `unit_amount_decimal` parameter to be set.",
            code="parameter_missing",
            param="unit_amount",
        )
    if params["unit_amount"] < 0:
        raise invalid_request("Invalid non-negative integer", code="parameter_invalid_integer", param="unit_amount")
    lookup_key = _taken_lookup_key(account, params)
    price = _price(account, params, product=_product_id(account, params))
    price["lookup_key"] = lookup_key
    account.store.add("price", price)
    account.emit("price.created", price)
    return price


@routes.get("/v1/prices/{price}")
def retrieve(account: Account, call: Call) -> Record:
    """
    Return a price.
    """
    return from_path(account, "price", call.ids["price"], "price")


@routes.post("/v1/prices/{price}")
def update(account: Account, call: Call) -> Record:
    """
    Change what may change of a price, never its amount; emits price.updated.
    """
    only_done(call.params, {*_FIELDS, "metadata", "transfer_lookup_key"}, "POST /v1/prices/{price}")
    price = account.edit("price", from_path(account, "price", call.ids["price"], "price")["id"])
    if "lookup_key" in call.params:
        price["lookup_key"] = _taken_lookup_key(account, call.params)
    for name in ("active", "nickname", "tax_behavior"):
        if name in call.params:
            price[name] = call.params[name]
    price["metadata"] = merged(price["metadata"], call.params.get("metadata"))
    emit_if_changed(account, "price.updated", price)
    return price


@routes.get("/v1/prices")
def list_all(account: Account, call: Call) -> Record:
    """
    List prices by active, currency, product, type, lookup keys and interval.
    """
    equal = ("active", "currency", "product", "type")
    paging = {"created", "limit", "starting_after", "ending_before"}
    only_done(call.params, {*equal, *paging, "lookup_keys", "recurring"}, "GET /v1/prices")
    keys, recurring = call.params.get("lookup_keys"), call.params.get("recurring", {})
    prices = [
        price
        for price in account.store.all("price")
        if (keys is None or price["lookup_key"] in keys)
        and all((price["recurring"] or {}).get(name) == value for name, value in recurring.items())
    ]
    return page(call, prices, url="/v1/prices", matching=equal)


def usable_price(account: Account, price_id: str, param: str, *, kind: str = "recurring") -> Record:
    """
    Return a price that something may be sold at now.

    Raises:
        StripeError: no such price, an inactive one, or of the other type.
    """
    price = account.get("price", price_id, param=param)
    if not price["active"]:
        raise invalid_request("The price specified is inactive. This field only accepts active prices.", param=param)
    if price["type"] != kind:
        raise invalid_request(
            f"The price specified is set to `type={price['type']}` but this field only accepts prices with "
            f"`type={kind}`.",
            param=param,
        )
    return price


def plan_of(price: Record) -> Record:
    """
    Return the plan by which older parts of the API know a recurring price (docs.stripe.com/api/plans).
    """
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": "per_unit",
        "created": price["created"],
        "currency": price["currency"],
        "interval": price["recurring"]["interval"],
        "interval_count": price["recurring"]["interval_count"],
        "livemode": False,
        "metadata": price["metadata"],
        "meter": None,
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


def pricing_of(price: Record) -> Record:
    """
    Return what a line says of its price.
    """
    return {
        "price_details": {"price": price["id"], "product": price["product"]},
        "type": "price_details",
        "unit_amount_decimal": price["unit_amount_decimal"],
    }


def _price(account: Account, params: Record, *, product: str) -> Record:
    recurring = _recurring(params["recurring"]) if "recurring" in params else None
    return {
        "id": account.new_id("price"),
        "object": "price",
        "active": params.get("active", True),
        "billing_scheme": "per_unit",
        "created": account.now,
        "currency": params["currency"].lower(),
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": merged({}, params.get("metadata")),
        "nickname": params.get("nickname"),
        "product": product,
        "recurring": recurring,
        "tax_behavior": params.get("tax_behavior", "unspecified"),
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring" if recurring else "one_time",
        "unit_amount": params["unit_amount"],
        "unit_amount_decimal": str(params["unit_amount"]),
    }


def _recurring(params: Record) -> Record:
    only_done(params, {"interval", "interval_count", "usage_type"}, f"recurring of {_CREATE}")
    if params.get("usage_type", "licensed") != "licensed":
        raise not_done(f"recurring[usage_type]=metered on {_CREATE}")
    count = params.get("interval_count", 1)
    if count < 1:
        raise invalid_request("Invalid positive integer", param="recurring[interval_count]")
    if count > _LONGEST[params["interval"]]:
        raise invalid_request("Prices cannot bill less often than every 3 years.", param="recurring[interval_count]")
    return {
        "interval": params["interval"],
        "interval_count": count,
        "meter": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


def _product_id(account: Account, params: Record) -> str:
    if ("product" in params) == ("product_data" in params):
        raise invalid_request(
            "You must specify either `product` or `product_data` when creating a price.", param="product"
        )
    if "product_data" in params:
        return str(create_product(account, params["product_data"])["id"])
    return str(account.get("product", params["product"], param="product")["id"])


def _taken_lookup_key(account: Account, params: Record) -> str | None:
    """
    Return the lookup key, taken from the price that has it when the call transfers it.
    """
    key: str | None = params.get("lookup_key")
    holder = next((price for price in account.store.all("price") if key and price["lookup_key"] == key), None)
    if holder is not None:
        if not params.get("transfer_lookup_key"):
            raise invalid_request(
                f"A price (`{holder['id']}`) already uses that lookup key.",
                code="resource_already_exists",
                param="lookup_key",
            )
        account.store.edit("price", holder["id"])["lookup_key"] = None
    return key or None
