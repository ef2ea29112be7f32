"""
Customers (docs.stripe.com/api/customers).
"""

import hashlib

from stripe_twin.core import Account, Call, Record, Routes, page, resource_missing
from stripe_twin.payments import wallet
from stripe_twin.payments.nulls import nulls
from stripe_twin.payments.parameters import (
    address_of,
    emptied,
    merged_metadata,
    named_in_path,
    require_done,
    shipping_of,
)

routes = Routes()

_NULL = nulls(
    """
    address business_name currency customer_account default_source description discount email individual_name
    name phone shipping
    """
)

_PLAIN = ("business_name", "description", "email", "individual_name", "name", "phone")
_UPDATED = (*_PLAIN, "address", "shipping", "preferred_locales", "tax_exempt", "invoice_prefix", "invoice_settings")


@routes.post("/v1/customers")
def create(account: Account, call: Call) -> Record:
    """
    Create a customer, on a test clock if one is named (docs.stripe.com/billing/testing/test-clocks).
    """
    require_done(call, (*_UPDATED, "payment_method", "test_clock"), "POST /v1/customers")
    return create_customer(account, call.params)


def create_customer(account: Account, params: Record) -> Record:
    """
    Create a customer; a `payment_method` is attached. Emits customer.created.

    Raises:
        StripeError: no such test clock, a card that cannot be attached, a default that is not attached.
    """
    clock = params.get("test_clock")
    if clock is not None:
        account.get("test_helpers.test_clock", clock, param="test_clock", what="billing test clock")
        account.use_clock_of({"test_clock": clock})
    customer = account.store.add("customer", _customer(account, clock))
    customer["metadata"] = merged_metadata({}, params.get("metadata"))
    attached = None
    if "payment_method" in params:
        method = wallet.attachable(account, params["payment_method"], customer["id"])
        attached = wallet.attach_to(account, method["id"], customer["id"], tell=False)
    _apply(account, customer, params)
    account.emit("customer.created", customer)
    if attached is not None:
        account.emit("payment_method.attached", attached)
    return customer


@routes.get("/v1/customers/{customer}")
def retrieve(account: Account, call: Call) -> Record:
    """
    Show a customer; a deleted one is `{id, object, deleted: true}`.
    """
    return named_in_path(account, "customer", call.ids["customer"], what="customer")


@routes.post("/v1/customers/{customer}")
def update(account: Account, call: Call) -> Record:
    """
    Change a customer (docs.stripe.com/api/customers/update).
    """
    require_done(call, _UPDATED, "POST /v1/customers/{customer}")
    customer = account.store.edit("customer", _living(account, call)["id"])
    before = account.store.state_before("customer", customer["id"])
    customer["metadata"] = merged_metadata(customer["metadata"], call.params.get("metadata"))
    _apply(account, customer, call.params)
    if customer != before:
        account.emit("customer.updated", customer)
    return customer


@routes.delete("/v1/customers/{customer}")
def delete(account: Account, call: Call) -> Record:
    """
    Delete a customer: subscriptions end (billing listens to customer.deleted), cards are detached, the id stays known.
    """
    customer = account.store.edit("customer", _living(account, call)["id"])
    account.emit("customer.deleted", customer)
    for method in account.store.of_customer("payment_method", customer["id"]):
        wallet.let_go(account, method["id"])
    stub = {"id": customer["id"], "object": "customer", "deleted": True}
    customer.clear()
    customer.update(stub)
    return stub


@routes.get("/v1/customers")
def list_customers(account: Account, call: Call) -> Record:
    """
    List customers; `email` matches exactly, customers of test clocks are shown only with their clock.
    """
    clock = call.params.get("test_clock")
    living = (
        customer
        for customer in account.store.all("customer")
        if "deleted" not in customer and customer["test_clock"] == clock
    )
    return page(call, living, url="/v1/customers", matching=("email",))


@routes.get("/v1/customers/{customer}/payment_methods")
def list_methods(account: Account, call: Call) -> Record:
    """
    List a customer's payment methods.
    """
    customer = _living(account, call)
    methods = account.store.of_customer("payment_method", customer["id"])
    url = f"/v1/customers/{customer['id']}/payment_methods"
    return page(call, methods, url=url, matching=("type", "allow_redisplay"))


@routes.get("/v1/customers/{customer}/payment_methods/{payment_method}")
def retrieve_method(account: Account, call: Call) -> Record:
    """
    Show one of a customer's payment methods.
    """
    customer = _living(account, call)
    method = account.store.find("payment_method", call.ids["payment_method"])
    if method is None or method["customer"] != customer["id"]:
        raise wallet.no_such_method(call.ids["payment_method"])
    return method


def default_method_of(account: Account, customer_id: str, subscription_default: str | None = None) -> str | None:
    """
    Return what a subscription is charged with: its own default, else the customer's; None when neither is attached.

    docs.stripe.com/billing/subscriptions/overview
    """
    customer = account.get("customer", customer_id, param="customer")
    for method_id in (subscription_default, customer["invoice_settings"]["default_payment_method"]):
        method = account.store.find("payment_method", method_id) if method_id else None
        if method is not None and method["customer"] == customer_id:
            return str(method["id"])
    return None


def _living(account: Account, call: Call) -> Record:
    customer = named_in_path(account, "customer", call.ids["customer"], what="customer")
    if "deleted" in customer:
        raise resource_missing("customer", customer["id"])
    account.use_clock_of(customer)
    return customer


def _apply(account: Account, customer: Record, params: Record) -> None:
    for name in _PLAIN:
        if name in params:
            customer[name] = emptied(params[name])
    for name in ("preferred_locales", "invoice_prefix"):
        if name in params:
            customer[name] = params[name]
    if "tax_exempt" in params:
        customer["tax_exempt"] = params["tax_exempt"] or "none"
    if "address" in params:
        customer["address"] = address_of(params["address"], customer["address"])
    if "shipping" in params:
        customer["shipping"] = shipping_of(params["shipping"], customer["shipping"])
    for name, value in params.get("invoice_settings", {}).items():
        if name == "default_payment_method":
            wallet.attached_method_of(account, value, customer["id"], "invoice_settings[default_payment_method]")
        customer["invoice_settings"][name] = emptied(value)


def _customer(account: Account, clock: str | None) -> Record:
    customer_id = account.new_id("cus", 14)
    return {
        "id": customer_id,
        "object": "customer",
        **_NULL,
        "balance": 0,
        "created": account.now,
        "delinquent": False,
        "invoice_prefix": hashlib.sha256(customer_id.encode()).hexdigest()[:8].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "next_invoice_sequence": 1,
        "preferred_locales": [],
        "tax_exempt": "none",
        "test_clock": clock,
    }
