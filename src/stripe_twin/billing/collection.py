"""
From an open invoice to a paid one, or to the end of patience: charges, what became of them, retries.

docs.stripe.com/billing/revenue-recovery/smart-retries
"""

from stripe_twin import payments
from stripe_twin.billing import standing
from stripe_twin.billing.invoicing import COLLECTION, subscription_id_of
from stripe_twin.billing.settings import retry_at
from stripe_twin.core import Account, Record

RETRY = "billing.retry"
# docs.stripe.com/billing/revenue-recovery/smart-retries#non-retryable-decline-codes
_HARD_DECLINES = {
    "authentication_required",
    "highest_risk_level",
    "incorrect_number",
    "lost_card",
    "pickup_card",
    "revocation_of_all_authorizations",
    "revocation_of_authorization",
    "stolen_card",
    "transaction_not_allowed",
}


def charge(
    account: Account,
    invoice_id: str,
    *,
    off_session: bool,
    payment_method_id: str | None = None,
    is_automatic: bool = False,
) -> Record | None:
    """
    Try to have an open invoice paid: with this method, else with its own, the subscription's or the customer's default.

    Returns the payment intent; None when there was nothing to charge it to. Never raises for a decline.
    """
    invoice = account.get("invoice", invoice_id)
    method = payment_method_id or method_for(account, invoice)
    facts = account.edit(COLLECTION, invoice_id)
    facts["is_automatic"] = is_automatic
    intent = None
    if method is None:
        note_failed(account, invoice_id, None)
    else:
        intent = payments.confirm_intent(account, facts["intent"], payment_method_id=method, off_session=off_session)
    account.edit(COLLECTION, invoice_id)["is_automatic"] = False
    return intent


def method_for(account: Account, invoice: Record) -> str | None:
    """
    Return what an invoice is charged to (docs.stripe.com/billing/subscriptions/payment-methods-setting).
    """
    subscription_id = subscription_id_of(invoice)
    default = invoice["default_payment_method"]
    if default is None and subscription_id is not None:
        default = account.get("subscription", subscription_id)["default_payment_method"]
    return payments.default_method_of(account, invoice["customer"], default)


def note_paid(account: Account, invoice_id: str, intent: Record | None = None, *, out_of_band: bool = False) -> None:
    """
    Settle an invoice; emits invoice.paid, invoice.payment_succeeded, invoice_payment.paid and what follows.

    Out of band there was no attempt at payment: only invoice.paid.
    """
    invoice = account.edit("invoice", invoice_id)
    if invoice["status"] not in ("open", "uncollectible"):
        return
    due = invoice["amount_due"]
    invoice.update(
        status="paid",
        status_details=None,
        amount_paid=due,
        amount_remaining=0,
        attempted=True,
        auto_advance=False,
        next_payment_attempt=None,
    )
    invoice["status_transitions"]["paid_at"] = account.now
    if out_of_band:
        invoice["amount_paid_off_stripe"] = due
    if intent is not None:
        _count_attempt(account, invoice)
    payment = settle_payment(account, invoice, "paid" if intent else "canceled")
    account.emit("invoice.paid", invoice)
    if not out_of_band:
        account.emit("invoice.payment_succeeded", invoice)
    if intent is not None and payment is not None:
        account.emit("invoice_payment.paid", payment)
    standing.after_payment(account, invoice, intent["payment_method"] if intent else None)


def note_failed(account: Account, invoice_id: str, error: Record | None) -> None:
    """
    Take in a failed attempt (without *error*: there is no method), plan the next one, or give up after the last.

    Emits invoice.payment_failed, and invoice.payment_action_required when the bank wants the customer's word.
    """
    invoice = account.edit("invoice", invoice_id)
    if invoice["status"] != "open":
        return
    facts = account.edit(COLLECTION, invoice_id)
    codes = {(error or {}).get("code"), (error or {}).get("decline_code")}
    facts["refused_method"] = _method_id(error) if codes & _HARD_DECLINES else None
    facts["first_failed_at"] = facts["first_failed_at"] or account.now
    is_counted = _count_attempt(account, invoice)
    invoice["attempted"] = True
    is_last = is_counted and not _plan_retry(account, invoice)
    account.emit("invoice.payment_failed", invoice)
    if "authentication_required" in codes:
        account.emit("invoice.payment_action_required", invoice)
    standing.after_failure(account, invoice)
    if is_last:
        standing.after_last_try(account, invoice)


def note_action_required(account: Account, invoice_id: str) -> None:
    """
    Take in that the customer must authenticate a payment; emits invoice.payment_action_required.
    """
    invoice = account.edit("invoice", invoice_id)
    invoice["attempted"] = True
    _count_attempt(account, invoice)
    account.emit("invoice.payment_action_required", invoice)
    standing.after_failure(account, invoice)


def withdraw_payment(account: Account, invoice: Record) -> None:
    """
    Cancel the payment intent of an invoice that is void or was paid elsewhere.
    """
    intent_id = account.get(COLLECTION, invoice["id"])["intent"]
    if intent_id and account.get("payment_intent", intent_id)["status"] not in ("succeeded", "canceled"):
        payments.cancel_intent(account, intent_id, "void_invoice")


def settle_payment(account: Account, invoice: Record, status: str) -> Record | None:
    """
    Close the invoice payment of an invoice as paid or canceled; None when nothing was ever to be paid.
    """
    payment_id = account.get(COLLECTION, invoice["id"])["payment"]
    if payment_id is None:
        return None
    payment = account.edit("invoice_payment", payment_id)
    payment["status"] = status
    payment["status_transitions"][f"{status}_at"] = account.now
    if status == "paid":
        payment["amount_paid"] = payment["amount_requested"]
    return payment


def _count_attempt(account: Account, invoice: Record) -> bool:
    """
    Count the first attempt and the automatic ones; a customer's own further tries leave the schedule alone.
    """
    if invoice["attempt_count"] and not account.get(COLLECTION, invoice["id"])["is_automatic"]:
        return False
    invoice["attempt_count"] += 1
    return True


def _plan_retry(account: Account, invoice: Record) -> bool:
    """
    Set when payment is tried next; tell whether patience is left, or was never meant to be.
    """
    invoice["next_payment_attempt"] = None
    if not standing.is_dunned(account, invoice):
        return True
    first_failed_at = account.get(COLLECTION, invoice["id"])["first_failed_at"]
    at = retry_at(account, first_failed_at, invoice["attempt_count"])
    if at is None:
        return False
    invoice["next_payment_attempt"] = at
    account.schedule(RETRY, {"invoice": invoice["id"], "at": at}, at=at)
    return True


def retry(account: Account, about: Record) -> None:
    """
    Try an unpaid invoice again when it is due, unless there is nothing new to try it with.

    After a hard decline, or without a method, attempts are counted but not made until there is another method; each
    emits invoice.updated.
    """
    invoice = account.get("invoice", about["invoice"])
    if invoice["status"] != "open" or invoice["next_payment_attempt"] != about["at"]:
        return
    method = method_for(account, invoice)
    if method is not None and method != account.get(COLLECTION, invoice["id"])["refused_method"]:
        charge(account, invoice["id"], off_session=True, is_automatic=True)
        return
    invoice = account.edit("invoice", invoice["id"])
    invoice["attempt_count"] += 1
    is_last = not _plan_retry(account, invoice)
    account.emit("invoice.updated", invoice)
    if is_last:
        standing.after_last_try(account, invoice)


def _method_id(error: Record | None) -> str | None:
    method = (error or {}).get("payment_method")
    return method["id"] if isinstance(method, dict) else method
