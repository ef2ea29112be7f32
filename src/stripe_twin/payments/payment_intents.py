"""
Calls about payment intents (docs.stripe.com/api/payment_intents).
"""

from stripe_twin.core import Account, Call, Record, Routes, invalid_request, not_done, page
from stripe_twin.payments import intents, paying, wallet
from stripe_twin.payments.amounts import checked_currency, require_chargeable
from stripe_twin.payments.parameters import (
    emptied,
    living_customer,
    merged_metadata,
    named_in_path,
    require_done,
    shipping_of,
)

routes = Routes()

_ROUTE = "POST /v1/payment_intents"
_TEXTS = ("description", "receipt_email", "statement_descriptor", "statement_descriptor_suffix")
_CONFIRMING = ("off_session", "return_url", "error_on_requires_action", "use_stripe_sdk")
_CREATED = (
    *_TEXTS,
    *_CONFIRMING,
    "allowed_payment_method_types",
    "amount",
    "automatic_payment_methods",
    "capture_method",
    "confirm",
    "confirmation_method",
    "currency",
    "customer",
    "payment_method",
    "setup_future_usage",
    "shipping",
)
_CONFIRMED = (*_CONFIRMING, "payment_method", "receipt_email", "setup_future_usage", "shipping")
_UPDATED = (*_TEXTS, "amount", "currency", "customer", "payment_method", "setup_future_usage", "shipping")
_ONLY_WHILE_OPEN = ("amount", "currency", "customer", "payment_method", "setup_future_usage")


@routes.post("/v1/payment_intents")
def create(account: Account, call: Call) -> Record:
    """
    Create a payment intent, and confirm it when told to (docs.stripe.com/api/payment_intents/create).
    """
    require_done(call, _CREATED, _ROUTE)
    params = call.params
    for name in ("capture_method", "confirmation_method"):
        if params.get(name) == "manual":
            raise not_done(f"`{name}=manual` on {_ROUTE}")
    intents.require_only_with_confirm(call, *_CONFIRMING)
    currency = checked_currency(params["currency"])
    require_chargeable(params["amount"], currency)
    if "customer" in params:
        living_customer(account, params["customer"])
    intent = paying.create_intent(
        account,
        amount=params["amount"],
        currency=currency,
        customer_id=params.get("customer"),
        payment_method_id=params.get("payment_method"),
        metadata=params.get("metadata"),
        setup_future_usage=params.get("setup_future_usage"),
        capture_method=params.get("capture_method", "automatic_async"),
        allowed_payment_method_types=params.get("allowed_payment_method_types"),
        automatic_payment_methods=intents.automatic_methods(params),
        shipping=shipping_of(params["shipping"]) if "shipping" in params else None,
        **{name: params[name] for name in _TEXTS if name in params},
    )
    return _confirmed(account, call, intent) if params.get("confirm") else intent


@routes.get("/v1/payment_intents/{intent}")
def retrieve(account: Account, call: Call) -> Record:
    """
    Show a payment intent.
    """
    return named_in_path(account, "payment_intent", call.ids["intent"], what="payment_intent", param="intent")


@routes.get("/v1/payment_intents")
def list_intents(account: Account, call: Call) -> Record:
    """
    List payment intents: a customer's, or the account's.
    """
    require_done(call, ("customer",), "GET /v1/payment_intents")
    customer_id = call.params.get("customer")
    if customer_id is None:
        return page(call, account.store.all("payment_intent"), url="/v1/payment_intents")
    living_customer(account, customer_id)
    return page(call, account.store.of_customer("payment_intent", customer_id), url="/v1/payment_intents")


@routes.post("/v1/payment_intents/{intent}")
def update(account: Account, call: Call) -> Record:
    """
    Change a payment intent: what is charged, and on what, only while it is open; no event tells of it.
    """
    require_done(call, _UPDATED, f"{_ROUTE}/{{intent}}")
    params = call.params
    intent = account.store.edit("payment_intent", retrieve(account, call)["id"])
    for name in _ONLY_WHILE_OPEN:
        if name in params and intent["status"] not in intents.OPEN:
            raise invalid_request(
                f"This PaymentIntent's {name} could not be updated because it has a status of {intent['status']}. You "
                f"may only update the {name} of a PaymentIntent with one of the following statuses: "
                "requires_payment_method, requires_confirmation, requires_action.",
                code="payment_intent_unexpected_state",
                param=name,
                payment_intent=intent,
            )
    if "amount" in params or "currency" in params:
        intent["currency"] = checked_currency(str(params.get("currency", intent["currency"])))
        intent["amount"] = params.get("amount", intent["amount"])
        require_chargeable(intent["amount"], intent["currency"])
    if "customer" in params:
        intent["customer"] = living_customer(account, params["customer"])["id"]
    method_id = params.get("payment_method", intent["payment_method"])
    if method_id is not None and ("payment_method" in params or "customer" in params):
        intent["payment_method"] = wallet.method_of(account, method_id, intent["customer"])["id"]
        intent["status"] = "requires_confirmation"
        intent["next_action"] = None
    intent["metadata"] = merged_metadata(intent["metadata"], params.get("metadata"))
    _apply(intent, call)
    return intent


@routes.post("/v1/payment_intents/{intent}/confirm")
def confirm(account: Account, call: Call) -> Record:
    """
    Attempt the payment (docs.stripe.com/api/payment_intents/confirm): a decline answers 402 and stays on the intent.
    """
    require_done(call, _CONFIRMED, f"{_ROUTE}/{{intent}}/confirm")
    intent = account.store.edit("payment_intent", retrieve(account, call)["id"])
    _apply(intent, call)
    return _confirmed(account, call, intent)


@routes.post("/v1/payment_intents/{intent}/cancel")
def cancel(account: Account, call: Call) -> Record:
    """
    Cancel a payment intent (docs.stripe.com/api/payment_intents/cancel).
    """
    return paying.cancel_intent(account, retrieve(account, call)["id"], call.params.get("cancellation_reason"))


def _confirmed(account: Account, call: Call, intent: Record) -> Record:
    """
    Confirm as a call asks.

    Raises:
        StripeError: 402 when the card is declined; the attempt is kept.
    """
    params = call.params
    off_session = params.get("off_session", False) is not False
    if off_session and intent["setup_future_usage"] is not None:
        raise invalid_request(
            "You cannot confirm with `off_session=true` when `setup_future_usage` is also set on the "
            "PaymentIntent. "
            "The customer needs to be on-session to perform the steps which may be required to set up the "
            "PaymentMethod for future usage.",
            param="off_session",
            payment_intent=intent,
        )
    intents.require_confirmable(intent)
    intents.require_way_back(intent, params.get("return_url"))
    intent = paying.confirm_intent(
        account,
        intent["id"],
        payment_method_id=params.get("payment_method"),
        off_session=off_session,
        return_url=None if params.get("use_stripe_sdk") else params.get("return_url"),
        error_on_requires_action=params.get("error_on_requires_action", False),
    )
    if intent["status"] == "requires_payment_method":
        raise intents.payment_error(intent)
    return intent


def _apply(intent: Record, call: Call) -> None:
    for name in (*_TEXTS, "setup_future_usage"):
        if name in call.params:
            intent[name] = emptied(call.params[name])
    if "shipping" in call.params:
        intent["shipping"] = shipping_of(call.params["shipping"], intent["shipping"])
