"""
What the payment of an invoice makes of its subscription: its status (docs.stripe.com/billing/subscriptions/overview).
"""

from stripe_twin.billing.ending import end, invoices_of, stop_collection
from stripe_twin.billing.invoicing import COLLECTION, subscription_id_of
from stripe_twin.billing.periods import DAY
from stripe_twin.billing.settings import settings
from stripe_twin.billing.subscription_object import items_of, note_billed, period_of
from stripe_twin.core import Account, Record

RENEW, UPCOMING = "billing.renew", "billing.upcoming"


def await_period_end(account: Account, subscription: Record) -> None:
    """
    Have the subscription renewed when its current period ends, and invoice.upcoming emitted some days before.
    """
    start, at = period_of(subscription)
    account.schedule(RENEW, {"subscription": subscription["id"], "at": at}, at=at)
    notice_at = at - settings(account)["upcoming_days"] * DAY
    if start < notice_at < at:
        account.schedule(UPCOMING, {"subscription": subscription["id"], "at": at}, at=notice_at)


def is_dunned(account: Account, invoice: Record) -> bool:
    """
    Tell whether an unpaid invoice is tried again by itself: those of subscriptions, except the first one.

    Nor is the invoice of a resumption that any attempt at payment completes.
    """
    subscription_id = subscription_id_of(invoice)
    if subscription_id is None or not invoice["auto_advance"]:
        return False
    resumes = account.get(COLLECTION, invoice["id"])["resumes"]
    if resumes is not None and resumes["on"] == "attempt":
        return False
    return bool(account.get("subscription", subscription_id)["status"] != "incomplete")


def after_payment(account: Account, invoice: Record, payment_method: str | None = None) -> None:
    """
    Activate or recover the subscription of a paid, or forgiven, invoice; emits customer.subscription.updated.
    """
    subscription_id = subscription_id_of(invoice)
    if subscription_id is None:
        return
    if account.get(COLLECTION, invoice["id"])["resumes"]:
        complete_resumption(account, invoice, status="active")
    subscription = account.edit("subscription", subscription_id)
    is_latest = subscription["latest_invoice"] == invoice["id"]
    was = subscription["status"], subscription["default_payment_method"]
    if was[0] == "incomplete" or (was[0] in ("past_due", "unpaid") and is_latest):
        subscription["status"] = "active"
    if payment_method and subscription["payment_settings"]["save_default_payment_method"] == "on_subscription":
        subscription["default_payment_method"] = payment_method
    if was != (subscription["status"], subscription["default_payment_method"]):
        account.emit("customer.subscription.updated", subscription)


def after_failure(account: Account, invoice: Record) -> None:
    """
    Note on the subscription that payment is due; emits customer.subscription.updated.
    """
    subscription_id = subscription_id_of(invoice)
    if subscription_id is None:
        return
    resumes = account.get(COLLECTION, invoice["id"])["resumes"]
    if resumes is not None and resumes["on"] == "attempt":
        complete_resumption(account, invoice, status="past_due")
    elif account.get("subscription", subscription_id)["status"] in ("active", "trialing"):
        subscription = account.edit("subscription", subscription_id)
        subscription["status"] = "past_due"
        account.emit("customer.subscription.updated", subscription)


def after_last_try(account: Account, invoice: Record) -> None:
    """
    Do with the subscription what the account's settings say: cancel it, call it unpaid, or leave it past due.
    """
    subscription = account.get("subscription", str(subscription_id_of(invoice)))
    choice = settings(account)["after_last_retry"]
    if subscription["status"] != "past_due" or choice == "past_due":
        return
    if choice == "cancel":
        end(account, subscription["id"], because="payment_failed")
        return
    account.edit("subscription", subscription["id"])["status"] = "unpaid"
    stop_collection(account, invoices_of(account, subscription))
    account.emit("customer.subscription.updated", subscription)


def complete_resumption(account: Account, invoice: Record, *, status: str) -> None:
    """
    End the pause for which an invoice was made.
    """
    facts = account.edit(COLLECTION, invoice["id"])
    resumes, facts["resumes"] = facts["resumes"], None
    subscription = account.get("subscription", str(subscription_id_of(invoice)))
    if subscription["status"] == "paused":
        put_in_force(account, subscription["id"], anchor=resumes["anchor"], period=resumes["period"], status=status)


def put_in_force(account: Account, subscription_id: str, *, anchor: int, period: tuple[int, int], status: str) -> None:
    """
    End a pause with this period running; emits customer.subscription.updated and customer.subscription.resumed.
    """
    subscription = account.edit("subscription", subscription_id)
    subscription.update(status=status, status_details=None, billing_cycle_anchor=anchor)
    for item in items_of(subscription):
        item.update(current_period_start=period[0], current_period_end=period[1])
    await_period_end(account, subscription)
    account.emit("customer.subscription.updated", subscription)
    account.emit("customer.subscription.resumed", subscription)


def note_all_billed(account: Account, subscription: Record, amounts: dict[str, int], *, start: int) -> None:
    """
    Remember what each item was billed from *start* until its period's end; what is not named, nothing.
    """
    for item in items_of(subscription):
        note_billed(account, item, amount=amounts.get(item["id"], 0), start=start)
