"""
What a new Checkout Session may ask for, and how it is refused (docs.stripe.com/api/checkout/sessions/create).
"""

from urllib.parse import urlsplit

from stripe_twin.core import Account, Call, Record, invalid_request, not_done

SHORTEST_SECONDS, LONGEST_SECONDS = 30 * 60, 24 * 3600
REFERENCE_LENGTH_MAX = 200
_ROUTE = "on POST /v1/checkout/sessions"
_DONE = {
    "cancel_url",
    "client_reference_id",
    "currency",
    "custom_text",
    "customer",
    "customer_email",
    "expand",
    "expires_at",
    "line_items",
    "locale",
    "metadata",
    "mode",
    "setup_intent_data",
    "subscription_data",
    "success_url",
    "ui_mode",
    "allowed_payment_method_types",
}
_WITHOUT_EFFECT: Record = {
    "allow_promotion_codes": False,
    "automatic_tax": {"enabled": False},
    "billing_address_collection": "auto",
    "payment_method_collection": "always",
    "phone_number_collection": {"enabled": False},
    "tax_id_collection": {"enabled": False},
}
_DONE_INSIDE = {
    "line_items": {"price", "quantity"},
    "setup_intent_data": {"description", "metadata"},
    "subscription_data": {"description", "metadata"},
    "custom_text": {"submit"},
}


def require_possible(params: Record) -> None:
    """
    Refuse what Stripe refuses of a new session, and what the twin does not do.

    Raises:
        StripeError: the first thing found.
    """
    mode = params.get("mode")
    if mode is None:
        raise invalid_request("Missing required param: mode.", code="parameter_missing", param="mode")
    if mode == "payment":
        raise not_done(f"mode=payment {_ROUTE}")
    if params.get("ui_mode", "hosted_page") != "hosted_page":
        raise not_done(f"ui_mode={params['ui_mode']} {_ROUTE}")
    _require_done(params)
    _require_urls(params)
    _require_one_customer(params)
    if mode == "setup":
        _require_setup(params)
    else:
        _require_subscription(params)


def expiry(account: Account, call: Call) -> int:
    """
    Return when the session expires: after a day, or as asked within half an hour and a day.
    """
    expires_at = int(call.params.get("expires_at", account.now + LONGEST_SECONDS))
    if expires_at < account.now + SHORTEST_SECONDS:
        message = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
        raise invalid_request(message, param="expires_at")
    if expires_at > account.now + LONGEST_SECONDS:
        message = "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
        raise invalid_request(message, param="expires_at")
    return expires_at


def line_items(account: Account, params: Record) -> list[Record]:
    """
    Return the lines of a new session, each with its price as it is now.

    Raises:
        StripeError: no price recurs, prices differ in currency, or one is inactive.
    """
    items = [_line_item(account, line, place) for place, line in enumerate(params.get("line_items", []))]
    rhythms = [item["price"]["recurring"] for item in items]
    if items and not any(rhythms):
        message = "You must provide at least one recurring price in `subscription` mode when using prices."
        raise invalid_request(message, param="line_items")
    if len({item["currency"] for item in items}) > 1:
        raise invalid_request("All prices on a Checkout session must use the same currency.", param="line_items")
    if any(rhythm != rhythms[0] for rhythm in rhythms):
        raise not_done(f"prices of different intervals, or some that do not recur, {_ROUTE}")
    if items and not sum(item["amount_total"] for item in items):
        raise not_done(f"a subscription that costs nothing {_ROUTE}")
    return items


def _line_item(account: Account, line: Record, place: int) -> Record:
    param = f"line_items[{place}]"
    if "price" not in line:
        raise invalid_request(f"Missing required param: {param}[price].", code="parameter_missing", param=param)
    if "quantity" not in line:
        raise invalid_request(f"Quantity is required. Add `quantity` to `{param}`.", param=f"{param}[quantity]")
    if line["quantity"] < 1:
        message = "This value must be greater than or equal to 1."
        raise invalid_request(message, code="parameter_invalid_integer", param=f"{param}[quantity]")
    price = account.get("price", line["price"], param=f"{param}[price]", what="price")
    if not price["active"]:
        message = "The price specified is inactive. This field only accepts active prices."
        raise invalid_request(message, param=f"{param}[price]")
    amount = (price["unit_amount"] or 0) * line["quantity"]
    return {
        "id": account.new_id("li"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": account.get("product", price["product"])["name"],
        "metadata": {},
        "price": price,
        "quantity": line["quantity"],
    }


def _require_done(params: Record) -> None:
    for name, value in params.items():
        if name not in _DONE and _WITHOUT_EFFECT.get(name) != value:
            raise not_done(f"{name} {_ROUTE}")
        hashes = value if isinstance(value, list) else [value]
        for part in (part for part in hashes if name in _DONE_INSIDE and isinstance(part, dict)):
            for inner in part.keys() - _DONE_INSIDE[name]:
                raise not_done(f"{name}[{inner}] {_ROUTE}")


def _require_urls(params: Record) -> None:
    if "success_url" not in params:
        message = "Missing required param: success_url."
        raise invalid_request(message, code="parameter_missing", param="success_url")
    for name in ("success_url", "cancel_url"):
        parts = urlsplit(params.get(name, "https://unset.example"))
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise invalid_request("Not a valid URL", code="url_invalid", param=name)
    if len(params.get("client_reference_id", "")) > REFERENCE_LENGTH_MAX:
        message = f"Invalid string: must be at most {REFERENCE_LENGTH_MAX} characters"
        raise invalid_request(message, param="client_reference_id")


def _require_one_customer(params: Record) -> None:
    if "customer" in params and "customer_email" in params:
        message = "You may only specify one of these parameters: customer, customer_email."
        raise invalid_request(message, param="customer_email")


def _require_setup(params: Record) -> None:
    for name in ("line_items", "subscription_data"):
        if name in params:
            raise invalid_request(f"You can not pass `{name}` in `setup` mode.", param=name)
    if "currency" not in params and "allowed_payment_method_types" not in params:
        # docs.stripe.com/payments/checkout/save-and-reuse: dynamic payment methods need to know the currency.
        message = "You must pass `currency` in `setup` mode unless you pass `allowed_payment_method_types`."
        raise invalid_request(message, code="parameter_missing", param="currency")
    if "card" not in params.get("allowed_payment_method_types", ["card"]):
        raise not_done(f"payment methods other than cards {_ROUTE}")


def _require_subscription(params: Record) -> None:
    if "setup_intent_data" in params:
        message = "You can not pass `setup_intent_data` in `subscription` mode."
        raise invalid_request(message, param="setup_intent_data")
    if not params.get("line_items"):
        raise invalid_request("Missing required param: line_items.", code="parameter_missing", param="line_items")
