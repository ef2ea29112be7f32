"""
The end of a subscription (docs.stripe.com/billing/subscriptions/cancel).
"""

from collections.abc import Iterable

from stripe_twin.billing.invoicing import subscription_id_of
from stripe_twin.billing.subscription_object import ENDED
from stripe_twin.core import Account, Record


def end(account: Account, subscription_id: str, *, because: str | None, status: str = "canceled") -> Record:
    """
    End a subscription now; emits customer.subscription.deleted.

    `canceled_at` stays what it was when the end had been asked for earlier. Its invoices are no longer collected.
    """
    subscription = account.edit("subscription", subscription_id)
    details = {**subscription["cancellation_details"], "reason": because}
    subscription.update(status=status, ended_at=account.now, cancellation_details=details, status_details=None)
    if subscription["canceled_at"] is None:
        subscription["canceled_at"] = account.now
    stop_collection(account, invoices_of(account, subscription))
    account.emit("customer.subscription.deleted", subscription)
    return subscription


def end_all_of(account: Account, customer_id: str) -> None:
    """
    End all subscriptions of a customer who was deleted, and the collection of all their invoices.
    """
    stop_collection(account, account.store.of_customer("invoice", customer_id))
    for subscription in account.store.of_customer("subscription", customer_id):
        if subscription["status"] not in ENDED:
            end(account, subscription["id"], because="cancellation_requested")


def stop_collection(account: Account, invoices: Iterable[Record]) -> None:
    """
    Leave drafts and open invoices as they are, to be paid by hand only.
    """
    for invoice in invoices:
        if invoice["status"] in ("draft", "open"):
            account.edit("invoice", invoice["id"]).update(
                auto_advance=False, next_payment_attempt=None, automatically_finalizes_at=None
            )


def invoices_of(account: Account, subscription: Record) -> list[Record]:
    """
    Return the invoices of a subscription, newest first.
    """
    invoices = account.store.of_customer("invoice", subscription["customer"])
    return [invoice for invoice in invoices if subscription_id_of(invoice) == subscription["id"]]
