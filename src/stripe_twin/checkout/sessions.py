"""
Checkout Sessions in setup and subscription mode (docs.stripe.com/api/checkout/sessions).
"""

from stripe_twin import payments
from stripe_twin.checkout import opening
from stripe_twin.core import (
    Account,
    Call,
    Includables,
    Record,
    Routes,
    TaskHandlers,
    invalid_request,
    not_done,
    page,
    whole_list,
)
from stripe_twin.core.records import copied

KIND = "checkout.session"
FACTS = "_checkout"
"""
What else there is to a session: its `lines`, its `subscription_data`, and once begun its `customer`, `subscription` and
the `intent` whose last error the page shows.
"""
ORIGIN = "_checkout_origin"
"""
Which session a setup intent or a subscription comes from: `id`, `session`.
"""
_ID_LENGTH = 40

ROUTES = Routes()


@ROUTES.post("/v1/checkout/sessions")
def create(account: Account, call: Call) -> Record:
    """
    Open a session; in setup mode with its setup intent (docs.stripe.com/api/checkout/sessions/create).
    """
    params = call.params
    opening.require_possible(params)
    if "customer" in params:
        payments.living_customer(account, params["customer"])
    expires_at = opening.expiry(account, call)
    lines = opening.line_items(account, params)
    session = account.store.add(KIND, _built(account, call, lines, expires_at))
    facts = account.store.add(
        FACTS,
        {
            "id": session["id"],
            "lines": [copied(line) for line in lines],
            "subscription_data": params.get("subscription_data", {}),
            "customer": session["customer"],
            "subscription": None,
            "intent": None,
        },
    )
    if session["mode"] == "setup":
        session["setup_intent"] = facts["intent"] = _setup_intent(account, session, params)
    account.schedule("checkout.expire", {"session": session["id"]}, at=expires_at)
    return session


@ROUTES.get("/v1/checkout/sessions/{session}")
def retrieve(account: Account, call: Call) -> Record:
    """
    Return a session (docs.stripe.com/api/checkout/sessions/retrieve).
    """
    return find(account, call.ids["session"])


@ROUTES.post("/v1/checkout/sessions/{session}/expire")
def expire(account: Account, call: Call) -> Record:
    """
    Close an open session (docs.stripe.com/api/checkout/sessions/expire).
    """
    session = find(account, call.ids["session"])
    if session["status"] != "open":
        raise invalid_request(
            'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of `{session['status']}`."
        )
    return _expired(account, session["id"])


@ROUTES.get("/v1/checkout/sessions")
def list_sessions(account: Account, call: Call) -> Record:
    """
    List sessions, newest first (docs.stripe.com/api/checkout/sessions/list).
    """
    for name in ("customer_account", "customer_details", "payment_link"):
        if name in call.params:
            raise not_done(f"{name} on GET /v1/checkout/sessions")
    matching = ("customer", "payment_intent", "status", "subscription")
    return page(call, account.store.all(KIND), url="/v1/checkout/sessions", matching=matching)


@ROUTES.get("/v1/checkout/sessions/{session}/line_items")
def list_lines(account: Account, call: Call) -> Record:
    """
    List what is bought (docs.stripe.com/api/checkout/sessions/line_items).
    """
    session = find(account, call.ids["session"])
    return page(call, lines_of(account, session), url=f"/v1/checkout/sessions/{session['id']}/line_items")


def find(account: Account, session_id: str) -> Record:
    """
    Return a session, on its customer's clock.

    Raises:
        StripeError: there is no such session.
    """
    session = account.store.find(KIND, session_id)
    if session is None:
        message = f"No such checkout.session: '{session_id}'"
        raise invalid_request(message, code="resource_missing", param="session", status=404)
    if session["customer"]:
        account.use_clock_of(account.store.find("customer", session["customer"]))
    return session


def lines_of(account: Account, session: Record) -> list[Record]:
    """
    Return the lines of a session, first to last.
    """
    lines: list[Record] = account.get(FACTS, session["id"])["lines"]
    return lines


def last_error(account: Account, session: Record) -> Record | None:
    """
    Return why the latest attempt at a session failed, if it did: 3-D Secure ends elsewhere.
    """
    intent = account.store.lookup(account.get(FACTS, session["id"])["intent"] or "")
    error: Record | None = (intent or {}).get("last_setup_error") or (intent or {}).get("last_payment_error")
    return error


def _expire_when_due(account: Account, about: Record) -> None:
    session = find(account, about["session"])
    if session["status"] == "open":
        _expired(account, session["id"])


def _expired(account: Account, session_id: str) -> Record:
    session = account.edit(KIND, session_id)
    session["status"], session["url"] = "expired", None
    account.emit("checkout.session.expired", session)
    return session


def _included_lines(account: Account, session: Record) -> Record:
    return whole_list(lines_of(account, session), url=f"/v1/checkout/sessions/{session['id']}/line_items")


def _setup_intent(account: Account, session: Record, params: Record) -> str:
    data = params.get("setup_intent_data", {})
    intent = payments.create_setup_intent(
        account, customer_id=session["customer"], description=data.get("description"), metadata=data.get("metadata")
    )
    account.store.add(ORIGIN, {"id": intent["id"], "session": session["id"]})
    return str(intent["id"])


def _built(account: Account, call: Call, lines: list[Record], expires_at: int) -> Record:
    params, session_id = call.params, account.new_id("cs_test", _ID_LENGTH)
    is_setup = params["mode"] == "setup"
    amount = None if is_setup else sum(line["amount_total"] for line in lines)
    texts = dict.fromkeys(("after_submit", "shipping_address", "submit", "terms_of_service_acceptance"))
    return {
        "id": session_id,
        "object": KIND,
        "adaptive_pricing": None,
        "after_expiration": None,
        "allow_promotion_codes": params.get("allow_promotion_codes"),
        "allowed_payment_method_types": params.get("allowed_payment_method_types"),
        "amount_subtotal": amount,
        "amount_total": amount,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": params.get("billing_address_collection"),
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "created": account.now,
        "currency": params.get("currency") if is_setup else lines[0]["currency"],
        "custom_fields": [],
        "custom_text": texts | params.get("custom_text", {}),
        "customer": params.get("customer"),
        "customer_account": None,
        "customer_creation": None if is_setup or "customer" in params else "always",
        "customer_details": None,
        "customer_email": params.get("customer_email"),
        "discounts": [],
        "expires_at": expires_at,
        "invoice": None,
        "invoice_creation": None,
        "livemode": False,
        "locale": params.get("locale"),
        "metadata": params.get("metadata") or {},
        "mode": params["mode"],
        "origin_context": None,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": None if is_setup else "always",
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "payment_status": "no_payment_required" if is_setup else "unpaid",
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": None,
        "subscription": None,
        "success_url": params["success_url"],
        "total_details": None if is_setup else {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": f"{call.base_url}/pages/checkout/{session_id}",
        "wallet_options": None,
    }


TASKS: TaskHandlers = {"checkout.expire": _expire_when_due}
INCLUDABLES: Includables = {(KIND, "line_items"): _included_lines}
