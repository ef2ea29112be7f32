"""
What time does to a subscription: trials end, periods roll, the first payment is waited for no longer than 23 hours.

docs.stripe.com/billing/subscriptions/overview
"""

from collections.abc import Sequence

from stripe_twin import payments
from stripe_twin.billing.ending import end
from stripe_twin.billing.finalization import void
from stripe_twin.billing.invoice_items import line_of_item, waiting_items
from stripe_twin.billing.invoice_object import Line
from stripe_twin.billing.invoicing import await_finalization, drawn_up, issue
from stripe_twin.billing.periods import DAY, HOUR, period_around
from stripe_twin.billing.standing import await_period_end, note_all_billed
from stripe_twin.billing.subscription_object import (
    full_amount,
    items_of,
    period_line,
    period_of,
    recurring_of,
)
from stripe_twin.core import Account, Record
from stripe_twin.core.records import copied

CANCEL, EXPIRE, TRIAL_WILL_END = "billing.cancel", "billing.expire", "billing.trial_will_end"
FIRST_PAYMENT_SECONDS = 23 * HOUR
TRIAL_NOTICE_SECONDS = 3 * DAY
_RENEWED = ("active", "past_due", "unpaid", "trialing")


def renew(account: Account, about: Record) -> None:
    """
    Roll a subscription into its next period and draw up the draft that bills it, unless it ends here.
    """
    subscription = account.get("subscription", about["subscription"])
    if subscription["status"] not in _RENEWED or period_of(subscription)[1] != about["at"]:
        return
    if is_over(account, subscription):
        finish(account, subscription)
        return
    if subscription["status"] == "trialing" and _stopped_by_trial_end(account, subscription):
        return
    roll(account, subscription["id"])


def roll(account: Account, subscription_id: str) -> None:
    """
    Begin the next period: a draft (invoice.created) that is charged an hour later, and customer.subscription.updated.
    """
    subscription = account.edit("subscription", subscription_id)
    customer = account.get("customer", subscription["customer"])
    before = period_of(subscription)
    advance_items(subscription)
    lines = next_lines(account, subscription)
    note_all_billed(
        account, subscription, {item["id"]: full_amount(item) for item in items_of(subscription)}, start=before[1]
    )
    if subscription["status"] == "trialing":
        subscription["status"] = "active"
    invoice = issue(
        account, customer, reason="subscription_cycle", lines=lines, period=before, subscription=subscription
    )
    account.emit("customer.subscription.updated", subscription)
    if subscription["status"] == "unpaid":
        # Stays a draft until somebody pays what is owed (docs.stripe.com/billing/subscriptions/overview#unpaid).
        account.edit("invoice", invoice["id"])["auto_advance"] = False
    else:
        await_finalization(account, invoice["id"])
    await_period_end(account, subscription)


def advance_items(subscription: Record) -> None:
    """
    Give the items of an editable, or copied, subscription their next period.
    """
    end_of_last = period_of(subscription)[1]
    _, next_end = period_around(subscription["billing_cycle_anchor"], recurring_of(subscription), end_of_last)
    for item in items_of(subscription):
        item.update(current_period_start=end_of_last, current_period_end=next_end)


def next_lines(account: Account, subscription: Record) -> list[Line]:
    """
    Return what a subscription's invoice of its current period bills: what waited, then each item.
    """
    waiting = waiting_items(account, subscription)
    return [
        *(line_of_item(account, item) for item in waiting),
        *(period_line(account, item) for item in reversed(items_of(subscription))),
    ]


def finish(account: Account, subscription: Record) -> None:
    """
    End a subscription at the time set for it; prorations that still wait are billed.
    """
    waiting = waiting_items(account, subscription)
    reason = subscription["cancellation_details"]["reason"] or "cancellation_requested"
    end(account, subscription["id"], because=reason)
    if waiting:
        bill_waiting(account, subscription, waiting)


def bill_waiting(account: Account, subscription: Record, waiting: list[Record]) -> Record:
    """
    Draw up a last invoice of what waits; it is charged an hour later.
    """
    customer = account.get("customer", subscription["customer"])
    lines = [line_of_item(account, item) for item in waiting]
    invoice = issue(account, customer, reason="subscription_update", lines=lines, subscription=subscription)
    await_finalization(account, invoice["id"])
    return invoice


def is_over(account: Account, subscription: Record) -> bool:
    """
    Tell whether the time set for a subscription's end has come.
    """
    return subscription["cancel_at"] is not None and subscription["cancel_at"] <= account.now


def cancel_due(account: Account, about: Record) -> None:
    """
    End a subscription at a time of its own.
    """
    subscription = account.get("subscription", about["subscription"])
    if subscription["cancel_at"] == about["at"] and subscription["status"] in (*_RENEWED, "paused"):
        finish(account, subscription)


def expire(account: Account, about: Record) -> None:
    """
    Give up a subscription whose first invoice was not paid in time, or a resumption nobody tried to pay.
    """
    invoice = account.get("invoice", about["invoice"])
    subscription = account.get("subscription", about["subscription"])
    is_untried = subscription["status"] == "paused" and not invoice["attempted"]
    if invoice["status"] != "open" or not (is_untried or subscription["status"] == "incomplete"):
        return
    void(account, invoice["id"])
    if subscription["status"] == "incomplete":
        expire_now(account, subscription["id"])


def expire_now(account: Account, subscription_id: str) -> None:
    """
    End a subscription that never began; emits customer.subscription.updated.
    """
    subscription = account.edit("subscription", subscription_id)
    subscription.update(status="incomplete_expired", ended_at=account.now)
    account.emit("customer.subscription.updated", subscription)


def trial_will_end(account: Account, about: Record) -> None:
    """
    Announce the end of a trial, three days before.
    """
    subscription = account.get("subscription", about["subscription"])
    if subscription["status"] == "trialing" and subscription["trial_end"] == about["trial_end"]:
        account.emit("customer.subscription.trial_will_end", subscription)


def announce(account: Account, about: Record) -> None:
    """
    Emit invoice.upcoming with what the next period would cost as things stand.
    """
    subscription = account.get("subscription", about["subscription"])
    renews = subscription["status"] in ("active", "trialing", "past_due") and subscription["cancel_at"] is None
    if renews and period_of(subscription)[1] == about["at"]:
        account.emit("invoice.upcoming", upcoming(account, subscription))


def upcoming(account: Account, subscription: Record, more: Sequence[Line] = ()) -> Record:
    """
    Return the invoice that the next renewal would make, not kept; *more* lines, newest first, would wait by then.
    """
    rolled = copied(subscription)
    period = period_of(rolled)
    if subscription["cancel_at"] is None:
        advance_items(rolled)
        lines = next_lines(account, rolled)
    else:
        waiting = waiting_items(account, subscription)
        lines = [line_of_item(account, item) for item in waiting]
    invoice, _ = drawn_up(
        account,
        account.get("customer", subscription["customer"]),
        reason="upcoming",
        currency=subscription["currency"],
        lines=[*more, *lines],
        period=period,
        subscription=subscription,
        is_preview=True,
    )
    invoice.update(created=period[1], next_payment_attempt=period[1] + HOUR)
    return invoice


def _stopped_by_trial_end(account: Account, subscription: Record) -> bool:
    """
    Cancel or pause a subscription whose trial ends without a payment method, where it says so.
    """
    choice = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    method = payments.default_method_of(account, subscription["customer"], subscription["default_payment_method"])
    if method is not None or choice == "create_invoice":
        return False
    if choice == "cancel":
        end(account, subscription["id"], because=None)
        return True
    put_on_pause(account, subscription["id"], because="trial_end_without_payment_method")
    return True


def put_on_pause(account: Account, subscription_id: str, *, because: str) -> Record:
    """
    Pause a subscription; emits customer.subscription.updated and customer.subscription.paused.
    """
    subscription = account.edit("subscription", subscription_id)
    subscription["status"] = "paused"
    subscription["status_details"] = {
        "paused": {"subscription": {"type": because}, "transitioned_at": account.now, "type": "subscription"}
    }
    account.emit("customer.subscription.updated", subscription)
    account.emit("customer.subscription.paused", subscription)
    return subscription
