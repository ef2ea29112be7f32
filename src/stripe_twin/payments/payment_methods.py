"""
Calls about payment methods (docs.stripe.com/api/payment_methods).
"""

from stripe_twin.core import Account, Call, Record, Routes, invalid_request, not_done, page
from stripe_twin.payments.card_making import billing_details_of, card_of_token, create_card, made_of
from stripe_twin.payments.parameters import living_customer, merged_metadata, named_in_path, require_done
from stripe_twin.payments.wallet import attach_to, attachable, let_go

routes = Routes()

_ROUTE = "POST /v1/payment_methods"


@routes.post("/v1/payment_methods")
def create(account: Account, call: Call) -> Record:
    """
    Create a payment method of a card's number, or of a test token.

    Stripe lets servers send numbers only when asked to (docs.stripe.com/security/guide); the twin always does.
    """
    require_done(call, ("type", "card", "billing_details", "allow_redisplay"), _ROUTE)
    params = call.params
    if params.get("type") != "card" or "card" not in params:
        raise not_done(f"payment methods other than cards on {_ROUTE}")
    card: Record = params["card"]
    details: Record = {
        "billing_details": params.get("billing_details"),
        "metadata": params.get("metadata"),
        "allow_redisplay": params.get("allow_redisplay", "unspecified"),
    }
    if "token" in card:
        return made_of(account, card_of_token(card["token"]), **details)
    for name in ("number", "exp_month", "exp_year"):
        if name not in card:
            raise invalid_request(
                f"Missing required param: card[{name}].", code="parameter_missing", param=f"card[{name}]"
            )
    return create_card(account, **{name: value for name, value in card.items() if name != "networks"}, **details)


@routes.get("/v1/payment_methods/{payment_method}")
def retrieve(account: Account, call: Call) -> Record:
    """
    Show a payment method.
    """
    return _named(account, call)


@routes.get("/v1/payment_methods")
def list_methods(account: Account, call: Call) -> Record:
    """
    List payment methods: a customer's, or the account's.
    """
    require_done(call, ("allow_redisplay", "customer", "type"), "GET /v1/payment_methods")
    if "customer" in call.params:
        living_customer(account, call.params["customer"])
        methods = account.store.of_customer("payment_method", call.params["customer"])
    else:
        methods = account.store.all("payment_method")
    return page(call, methods, url="/v1/payment_methods", matching=("type", "allow_redisplay"))


@routes.post("/v1/payment_methods/{payment_method}")
def update(account: Account, call: Call) -> Record:
    """
    Change a payment method: expiry, billing details, metadata. Emits payment_method.updated.
    """
    require_done(call, ("allow_redisplay", "billing_details", "card"), f"{_ROUTE}/{{payment_method}}")
    method = account.store.edit("payment_method", _named(account, call)["id"])
    if method["customer"] is None:
        raise invalid_request("You must save this PaymentMethod to a customer before you can update it.")
    params = call.params
    method["metadata"] = merged_metadata(method["metadata"], params.get("metadata"))
    method["billing_details"] = billing_details_of(params.get("billing_details"), method["billing_details"])
    method["allow_redisplay"] = params.get("allow_redisplay", method["allow_redisplay"])
    for name, value in params.get("card", {}).items():
        if name == "networks":
            raise not_done(f"`card[networks]` on {_ROUTE}/{{payment_method}}")
        method["card"][name] = value
    account.emit("payment_method.updated", method)
    return method


@routes.post("/v1/payment_methods/{payment_method}/attach")
def attach(account: Account, call: Call) -> Record:
    """
    Attach a card to a customer; one that is declined cannot be (docs.stripe.com/api/payment_methods/attach).
    """
    require_done(call, ("customer",), f"{_ROUTE}/{{payment_method}}/attach")
    customer_id = call.params.get("customer")
    if customer_id is None:
        raise invalid_request("Missing required param: customer.", code="parameter_missing", param="customer")
    living_customer(account, customer_id)
    method = attachable(account, call.ids["payment_method"], customer_id)
    if method["customer"] == customer_id:
        return method
    return attach_to(account, method["id"], customer_id)


@routes.post("/v1/payment_methods/{payment_method}/detach")
def detach(account: Account, call: Call) -> Record:
    """
    Detach a card for good: it can never be used or attached again (docs.stripe.com/api/payment_methods/detach).
    """
    method = _named(account, call)
    customer_id = method["customer"]
    if customer_id is None:
        raise invalid_request(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
            param="payment_method",
        )
    method = let_go(account, method["id"])
    account.emit("payment_method.detached", method)
    if account.get("customer", customer_id)["invoice_settings"]["default_payment_method"] == method["id"]:
        customer = account.edit("customer", customer_id)
        customer["invoice_settings"]["default_payment_method"] = None
        account.emit("customer.updated", customer)
    return method


def _named(account: Account, call: Call) -> Record:
    return named_in_path(
        account, "payment_method", call.ids["payment_method"], what="PaymentMethod", param="payment_method"
    )
