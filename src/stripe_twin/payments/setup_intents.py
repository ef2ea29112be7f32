"""
Setup intents: a card saved for later payments.

docs.stripe.com/api/setup_intents, docs.stripe.com/payments/save-and-reuse
"""

from typing import Any

from stripe_twin.core import Account, Call, Record, Routes, page
from stripe_twin.payments import intents, mandates, wallet
from stripe_twin.payments.nulls import nulls
from stripe_twin.payments.parameters import (
    living_customer,
    merged_metadata,
    named_in_path,
    require_done,
)

routes = Routes()

_NULL = nulls(
    """
    allowed_payment_method_types application cancellation_reason customer_account excluded_payment_method_types
    flow_directions last_setup_error latest_attempt mandate next_action on_behalf_of
    payment_method_configuration_details single_use_mandate
    """
)

_ROUTE = "POST /v1/setup_intents"
_CONFIRMING = ("return_url", "mandate_data", "use_stripe_sdk")
_CREATED = (
    *_CONFIRMING,
    "allowed_payment_method_types",
    "automatic_payment_methods",
    "confirm",
    "customer",
    "description",
    "payment_method",
    "usage",
)


@routes.post("/v1/setup_intents")
def create(account: Account, call: Call) -> Record:
    """
    Create a setup intent, and confirm it when told to (docs.stripe.com/api/setup_intents/create).
    """
    require_done(call, _CREATED, _ROUTE)
    params = call.params
    intents.require_only_with_confirm(call, *_CONFIRMING)
    if "customer" in params:
        living_customer(account, params["customer"])
    intent = create_setup_intent(
        account,
        customer_id=params.get("customer"),
        payment_method_id=params.get("payment_method"),
        usage=params.get("usage", "off_session"),
        description=params.get("description"),
        metadata=params.get("metadata"),
        allowed_payment_method_types=params.get("allowed_payment_method_types"),
        automatic_payment_methods=intents.automatic_methods(params),
    )
    return _confirmed(account, call, intent) if params.get("confirm") else intent


@routes.get("/v1/setup_intents/{intent}")
def retrieve(account: Account, call: Call) -> Record:
    """
    Show a setup intent.
    """
    return named_in_path(account, "setup_intent", call.ids["intent"], what="setupintent", param="intent")


@routes.get("/v1/setup_intents")
def list_intents(account: Account, call: Call) -> Record:
    """
    List setup intents: of a customer, of a payment method.
    """
    filters = ("customer", "payment_method")
    require_done(call, filters, "GET /v1/setup_intents")
    return page(call, account.store.all("setup_intent"), url="/v1/setup_intents", matching=filters)


@routes.post("/v1/setup_intents/{intent}")
def update(account: Account, call: Call) -> Record:
    """
    Change a setup intent that is still open.
    """
    require_done(call, ("customer", "description", "payment_method"), f"{_ROUTE}/{{intent}}")
    params = call.params
    intent = account.store.edit("setup_intent", retrieve(account, call)["id"])
    if intent["status"] not in intents.OPEN and ("customer" in params or "payment_method" in params):
        raise intents.unexpected_state(
            intent, f"You cannot update this SetupIntent because it has a status of {intent['status']}."
        )
    intent["metadata"] = merged_metadata(intent["metadata"], params.get("metadata"))
    intent["description"] = params.get("description", intent["description"])
    if "customer" in params:
        intent["customer"] = living_customer(account, params["customer"])["id"]
    if "payment_method" in params:
        method = wallet.method_of(account, params["payment_method"], intent["customer"], to="Setup")
        intent["payment_method"] = method["id"]
        intent["status"] = "requires_confirmation"
        intent["next_action"] = None
    return intent


@routes.post("/v1/setup_intents/{intent}/confirm")
def confirm(account: Account, call: Call) -> Record:
    """
    Attempt the setup (docs.stripe.com/api/setup_intents/confirm): a decline answers 402 and stays on the intent.
    """
    require_done(call, (*_CONFIRMING, "payment_method"), f"{_ROUTE}/{{intent}}/confirm")
    return _confirmed(account, call, retrieve(account, call))


@routes.post("/v1/setup_intents/{intent}/cancel")
def cancel(account: Account, call: Call) -> Record:
    """
    Cancel a setup intent. Emits setup_intent.canceled.
    """
    intent = account.store.edit("setup_intent", retrieve(account, call)["id"])
    intents.require_cancelable(intent)
    intent["status"] = "canceled"
    intent["cancellation_reason"] = call.params.get("cancellation_reason")
    intent["next_action"] = None
    account.emit("setup_intent.canceled", intent)
    return intent


def create_setup_intent(
    account: Account,
    *,
    customer_id: str | None,
    payment_method_id: str | None = None,
    usage: str = "off_session",
    description: str | None = None,
    metadata: Record | None = None,
    **more: Any,
) -> Record:
    """
    Create a setup intent, unconfirmed. *more* are fields of it. Emits setup_intent.created.

    Raises:
        StripeError: the payment method cannot serve this customer.
    """
    method_id = None
    if payment_method_id is not None:
        method_id = wallet.method_of(account, payment_method_id, customer_id, to="Setup")["id"]
    intent_id = account.new_id("seti")
    intent = account.store.add(
        "setup_intent",
        {
            "id": intent_id,
            "object": "setup_intent",
            **_NULL,
            "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
            "client_secret": intents.client_secret(account, intent_id),
            "created": account.now,
            "customer": customer_id,
            "description": description,
            "livemode": False,
            "metadata": merged_metadata({}, metadata),
            "payment_method": method_id,
            "payment_method_options": {
                "card": {"mandate_options": None, "network": None, "request_three_d_secure": "automatic"}
            },
            "payment_method_types": ["card"],
            "status": "requires_confirmation" if method_id else "requires_payment_method",
            "usage": usage,
            **more,
        },
    )
    account.emit("setup_intent.created", intent)
    return intent


def confirm_setup_intent(
    account: Account,
    intent_id: str,
    *,
    payment_method_id: str | None = None,
    return_url: str | None = None,
    mandate_data: Record | None = None,
) -> Record:
    """
    Attempt the setup: succeeded, requires_action, or requires_payment_method with `last_setup_error`.

    On success the card is attached to the intent's customer (docs.stripe.com/payments/save-and-reuse); it becomes
    nobody's default. With *mandate_data* a mandate is made of it.

    Raises:
        StripeError: the intent is closed, or has no payment method that can serve its customer.
    """
    intent = account.edit("setup_intent", intent_id)
    method_id = payment_method_id or intent["payment_method"]
    if method_id is None:
        raise intents.missing_method(intent)
    intents.require_confirmable(intent)
    method = wallet.method_of(account, method_id, intent["customer"], to="Setup")
    if mandate_data is not None:
        intent["mandate"] = mandates.add_mandate(account, method["id"], mandate_data["customer_acceptance"])["id"]
    if wallet.card_behind(account, method["id"]).asks_to_save:
        intents.ask_for_authentication(account, intent, method, return_url)
        return intent
    return finish_setup(account, intent, method, authenticated=True)


def finish_setup(account: Account, intent: Record, method: Record, *, authenticated: bool) -> Record:
    """
    Save the card, or ask for another one. Emits setup_intent.succeeded or setup_intent.setup_failed.
    """
    decline = wallet.card_behind(account, method["id"]).declines_saving
    if not authenticated or decline is not None:
        error = intents.authentication_failed(intent) if decline is None else intents.declined(decline)
        intents.keep_error(intent, method, error)
        account.emit("setup_intent.setup_failed", intent)
        return intent
    intent["status"] = "succeeded"
    intent["payment_method"] = method["id"]
    intent["next_action"] = None
    intent["last_setup_error"] = None
    if intent["customer"] is not None:
        wallet.attach_to(account, method["id"], intent["customer"])
    wallet.note_use(account, method["id"], set_up=intent["usage"] == "off_session")
    if intent["mandate"] is not None:
        mandates.activate(account, intent["mandate"])
    account.emit("setup_intent.succeeded", intent)
    return intent


def _confirmed(account: Account, call: Call, intent: Record) -> Record:
    """
    Confirm as a call asks.

    Raises:
        StripeError: 402 when the card is declined; the attempt is kept.
    """
    params = call.params
    intents.require_way_back(intent, params.get("return_url"))
    intent = confirm_setup_intent(
        account,
        intent["id"],
        payment_method_id=params.get("payment_method"),
        return_url=None if params.get("use_stripe_sdk") else params.get("return_url"),
        mandate_data=params.get("mandate_data") or None,
    )
    if intent["status"] == "requires_payment_method":
        raise intents.payment_error(intent)
    return intent
