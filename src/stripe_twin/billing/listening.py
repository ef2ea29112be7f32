"""
What billing hears of payments and customers.
"""

from stripe_twin.billing.collection import note_action_required, note_failed, note_paid
from stripe_twin.billing.ending import end_all_of
from stripe_twin.billing.finalization import INTENT_LINK
from stripe_twin.billing.scope import use_clock
from stripe_twin.core import Account, Record, invalid_request


def on_event(account: Account, event: Record) -> None:
    """
    React to an event, inside the unit that emitted it.

    A payment intent that belongs to an invoice settles it, or fails it, however it was confirmed: by us, by a page, by
    the API. A deleted customer has no subscriptions.

    Raises:
        StripeError: a call cancels an invoice's payment intent, which is then undone
            (docs.stripe.com/api/invoice-payment/object).
    """
    about = event["data"]["object"]
    if event["type"] == "customer.deleted":
        end_all_of(account, about["id"])
    elif event["type"].startswith("payment_intent."):
        link = account.store.find(INTENT_LINK, about["id"])
        if link is not None:
            use_clock(account, about)
            _hear(account, event["type"], about, link["invoice"])


def _hear(account: Account, event_type: str, intent: Record, invoice_id: str) -> None:
    match event_type:
        case "payment_intent.succeeded":
            note_paid(account, invoice_id, intent)
        case "payment_intent.payment_failed":
            note_failed(account, invoice_id, intent["last_payment_error"])
        case "payment_intent.requires_action":
            note_action_required(account, invoice_id)
        case "payment_intent.canceled" if intent["cancellation_reason"] != "void_invoice":
            raise invalid_request(
                "You cannot cancel this PaymentIntent because it belongs to an invoice. Void the invoice instead.",
                code="payment_intent_unexpected_state",
            )
        case _:
            return
