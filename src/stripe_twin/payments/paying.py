"""
Payment intents at work: created, attempted, authenticated, canceled.

docs.stripe.com/payments/paymentintents/lifecycle

These verbs never raise for a decline: the intent tells of it, and whoever answers a call makes an error of that.
"""

from typing import Any

from stripe_twin.core import Account, Record
from stripe_twin.payments import disputes, intents, wallet
from stripe_twin.payments.cards import AUTHENTICATION_NOT_HANDLED, AUTHENTICATION_REQUIRED, Decline
from stripe_twin.payments.charges import add_charge
from stripe_twin.payments.nulls import nulls
from stripe_twin.payments.parameters import merged_metadata

_NULL = nulls(
    """
    allowed_payment_method_types application application_fee_amount canceled_at cancellation_reason
    customer_account excluded_payment_method_types last_payment_error latest_charge next_action on_behalf_of
    payment_method_configuration_details processing receipt_email review shipping statement_descriptor
    statement_descriptor_suffix transfer_data transfer_group
    """
)


def create_intent(
    account: Account,
    *,
    amount: int,
    currency: str,
    customer_id: str | None,
    payment_method_id: str | None = None,
    description: str | None = None,
    metadata: Record | None = None,
    setup_future_usage: str | None = None,
    **more: Any,
) -> Record:
    """
    Create a payment intent, unconfirmed; amount and currency are the caller's to check. *more* are fields of it.

    Emits payment_intent.created.

    Raises:
        StripeError: the payment method cannot serve this customer.
    """
    method_id = None
    if payment_method_id is not None:
        method_id = wallet.method_of(account, payment_method_id, customer_id)["id"]
    intent_id = account.new_id("pi")
    intent = account.store.add(
        "payment_intent",
        {
            "id": intent_id,
            "object": "payment_intent",
            **_NULL,
            "amount": amount,
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": 0,
            "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
            "capture_method": "automatic_async",
            "client_secret": intents.client_secret(account, intent_id),
            "confirmation_method": "automatic",
            "created": account.now,
            "currency": currency,
            "customer": customer_id,
            "description": description,
            "livemode": False,
            "metadata": merged_metadata({}, metadata),
            "payment_method": method_id,
            "payment_method_options": {
                "card": {
                    "installments": None,
                    "mandate_options": None,
                    "network": None,
                    "request_three_d_secure": "automatic",
                }
            },
            "payment_method_types": ["card"],
            "setup_future_usage": setup_future_usage,
            "status": "requires_confirmation" if method_id else "requires_payment_method",
            **more,
        },
    )
    account.emit("payment_intent.created", intent)
    return intent


def confirm_intent(
    account: Account,
    intent_id: str,
    *,
    payment_method_id: str | None = None,
    off_session: bool = False,
    return_url: str | None = None,
    error_on_requires_action: bool = False,
) -> Record:
    """
    Attempt the payment: succeeded, requires_action, or requires_payment_method with `last_payment_error`.

    A customer who is away cannot authenticate: off-session, the card is declined instead
    (docs.stripe.com/payments/save-and-reuse#charge-saved-payment-method).

    Raises:
        StripeError: the intent is closed, or has no payment method that can serve its customer.
    """
    intent = account.edit("payment_intent", intent_id)
    method_id = payment_method_id or intent["payment_method"]
    intents.require_confirmable(intent)
    if method_id is None:
        raise intents.missing_method(intent)
    method = wallet.method_of(account, method_id, intent["customer"])
    card = wallet.card_behind(account, method["id"])
    if not card.asks_to_pay(off_session=off_session, set_up=wallet.is_set_up(account, method["id"])):
        return _attempt(account, intent, method, decline=card.declines_charges)
    if off_session:
        return _attempt(account, intent, method, decline=AUTHENTICATION_REQUIRED)
    if error_on_requires_action:
        return _attempt(account, intent, method, decline=AUTHENTICATION_NOT_HANDLED)
    intents.ask_for_authentication(account, intent, method, return_url)
    return intent


def finish_payment(account: Account, intent: Record, *, authenticated: bool) -> Record:
    """
    Go on after 3-D Secure: charge the card, or ask for another one.
    """
    method = account.get("payment_method", intent["payment_method"])
    if authenticated:
        decline = wallet.card_behind(account, method["id"]).declines_charges
        return _attempt(account, intent, method, decline=decline, authenticated=True)
    intents.keep_error(intent, method, intents.authentication_failed(intent))
    account.emit("payment_intent.payment_failed", intent)
    return intent


def cancel_intent(account: Account, intent_id: str, reason: str | None) -> Record:
    """
    Cancel a payment intent for good. Emits payment_intent.canceled.

    Raises:
        StripeError: it has succeeded or was canceled before.
    """
    intent = account.edit("payment_intent", intent_id)
    intents.require_cancelable(intent)
    intent["status"] = "canceled"
    intent["canceled_at"] = account.now
    intent["cancellation_reason"] = reason
    intent["next_action"] = None
    account.emit("payment_intent.canceled", intent)
    return intent


def _attempt(
    account: Account, intent: Record, method: Record, *, decline: Decline | None, authenticated: bool = False
) -> Record:
    """
    Charge the card. Emits charge.* and then payment_intent.*, a dispute's events between them.
    """
    charge = add_charge(account, intent, method, decline=decline, authenticated=authenticated)
    intent["latest_charge"] = charge["id"]
    if decline is not None:
        intents.keep_error(intent, method, intents.declined(decline, charge["id"]))
        account.emit("payment_intent.payment_failed", intent)
        return intent
    intent["status"] = "succeeded"
    intent["amount_received"] = intent["amount"]
    intent["payment_method"] = method["id"]
    intent["next_action"] = None
    intent["last_payment_error"] = None
    dispute = wallet.card_behind(account, method["id"]).dispute
    if dispute is not None:
        disputes.open_dispute(account, charge, dispute)
    usage = intent["setup_future_usage"]
    if usage is not None and intent["customer"] is not None:
        wallet.attach_to(account, method["id"], intent["customer"])
    wallet.note_use(account, method["id"], set_up=usage == "off_session")
    account.emit("payment_intent.succeeded", intent)
    return intent
