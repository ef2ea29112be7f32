"""
What happens when a customer fills in the hosted page (docs.stripe.com/payments/checkout/how-checkout-works).
"""

from dataclasses import dataclass

from stripe_twin import billing, payments
from stripe_twin.billing.collection import charge
from stripe_twin.checkout.sessions import FACTS, KIND, ORIGIN, find
from stripe_twin.core import Account, Record, invalid_request


@dataclass(frozen=True)
class Card:
    """
    What a customer types: the year in full.
    """

    number: str
    exp_month: int
    exp_year: int
    cvc: str
    name: str = ""
    email: str = ""


def complete(account: Account, session_id: str, card: Card) -> str | None:
    """
    Save or charge the card a customer typed, and complete the session.

    Returns None when the session is complete, else the id of the intent that the customer must authenticate first;
    the session is then completed by that.

    Raises:
        StripeError: the session is not open, or the card is refused.
    """
    session = find(account, session_id)
    if session["status"] != "open":
        raise invalid_request(f"This Checkout Session is {session['status']}.")
    method = payments.create_card(
        account,
        number=card.number,
        exp_month=card.exp_month,
        exp_year=card.exp_year,
        cvc=card.cvc,
        billing_details={"name": card.name or None, "email": _email(account, session, card)},
    )
    account.edit(KIND, session_id)["customer_details"] = _details(account, session, card)
    if session["mode"] == "setup":
        return _set_up(account, session, method["id"])
    return _subscribe(account, session, card, method["id"])


def on_event(account: Account, event: Record) -> None:
    """
    Complete the session whose setup intent has succeeded or whose subscription has become active.
    """
    about = event["data"]["object"]
    has_succeeded = event["type"] == "setup_intent.succeeded"
    is_paid_for = event["type"] == "customer.subscription.updated" and about["status"] == "active"
    if has_succeeded or is_paid_for:
        origin = account.store.find(ORIGIN, about["id"])
        if origin is not None:
            _finish(account, origin["session"])


def _set_up(account: Account, session: Record, method_id: str) -> str | None:
    intent = payments.confirm_setup_intent(
        account, session["setup_intent"], payment_method_id=method_id, return_url=_page(account, session)
    )
    if intent["status"] == "requires_payment_method":
        raise payments.payment_error(intent)
    return intent["id"] if intent["status"] == "requires_action" else None


def _subscribe(account: Account, session: Record, card: Card, method_id: str) -> str | None:
    """
    Begin the subscription at the first attempt; a further one pays its first invoice with another card.

    The card that pays is kept as the subscription's default (docs.stripe.com/payments/checkout/build-subscriptions).
    """
    facts = account.edit(FACTS, session["id"])
    if facts["subscription"] is None:
        facts["customer"] = facts["customer"] or _new_customer(account, session, card)
        facts["subscription"] = _begun(account, facts)
        account.store.add(ORIGIN, {"id": facts["subscription"], "session": session["id"]})
    invoice_id = account.get("subscription", facts["subscription"])["latest_invoice"]
    intent = charge(account, invoice_id, off_session=False, payment_method_id=method_id)
    assert intent is not None, "there is a method and an amount"
    facts["intent"] = intent["id"]
    if intent["status"] == "requires_payment_method":
        raise payments.payment_error(intent)
    return intent["id"] if intent["status"] == "requires_action" else None


def _new_customer(account: Account, session: Record, card: Card) -> str:
    known = {"email": _email(account, session, card), "name": card.name}
    customer = payments.create_customer(account, {name: value for name, value in known.items() if value})
    return str(customer["id"])


def _begun(account: Account, facts: Record) -> str:
    subscription = billing.create_subscription(
        account,
        {
            "customer": facts["customer"],
            "items": [{"price": line["price"]["id"], "quantity": line["quantity"]} for line in facts["lines"]],
            "payment_behavior": "default_incomplete",
            "payment_settings": {"save_default_payment_method": "on_subscription"},
            **facts["subscription_data"],
        },
    )
    return str(subscription["id"])


def _finish(account: Account, session_id: str) -> None:
    """
    Complete an open session; emits checkout.session.completed.
    """
    session, facts = account.edit(KIND, session_id), account.get(FACTS, session_id)
    if session["status"] != "open":
        return
    session["status"], session["url"] = "complete", None
    if session["mode"] == "subscription":
        session["customer"], session["subscription"] = facts["customer"], facts["subscription"]
        session["invoice"] = account.get("subscription", facts["subscription"])["latest_invoice"]
        session["payment_status"] = "paid"
    account.emit("checkout.session.completed", session)


def _page(account: Account, session: Record) -> str:
    return f"{account.call.base_url}/pages/checkout/{session['id']}"


def _email(account: Account, session: Record, card: Card) -> str | None:
    if session["customer"]:
        email: str | None = account.get("customer", session["customer"])["email"]
        return email
    return session["customer_email"] or card.email or None


def _details(account: Account, session: Record, card: Card) -> Record:
    return {
        "address": None,
        "business_name": None,
        "email": _email(account, session, card),
        "individual_name": None,
        "name": card.name or None,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }
