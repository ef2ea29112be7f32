"""
Changing a subscription (docs.stripe.com/api/subscriptions/update).
"""

from stripe_twin import payments
from stripe_twin.billing.change_items import Change, plan_change
from stripe_twin.billing.collection import charge
from stripe_twin.billing.finalization import finalize, has_location
from stripe_twin.billing.invoice_items import item_of_line, keep, line_of_item, waiting_items
from stripe_twin.billing.invoicing import issue
from stripe_twin.billing.periods import period_around
from stripe_twin.billing.refusals import no_location, not_in_future, require_success
from stripe_twin.billing.renewals import CANCEL, TRIAL_NOTICE_SECONDS, TRIAL_WILL_END
from stripe_twin.billing.scope import emit_if_changed, merged, only_done
from stripe_twin.billing.standing import await_period_end
from stripe_twin.billing.subscription_object import (
    BILLED,
    ENDED,
    items_of,
    note_billed,
    period_of,
    put_items,
    recurring_of,
)
from stripe_twin.core import Account, Record, invalid_request, not_done

_UPDATE = "POST /v1/subscriptions/{subscription_exposed_id}"
_ITEMS = {"items", "billing_cycle_anchor", "trial_end"}
_HOW = {"proration_behavior", "proration_date", "payment_behavior", "off_session"}
_PLAIN = {"default_payment_method", "description", "metadata", "cancellation_details", "automatic_tax"}
_DONE = {*_ITEMS, *_HOW, *_PLAIN, "cancel_at", "cancel_at_period_end", "collection_method", "payment_settings"}
_ALLOWED_WHEN_INCOMPLETE = {"metadata", "default_payment_method", "expand"}
_ALLOWED_WHEN_ENDED = {"metadata", "cancellation_details", "expand"}


def change_subscription(account: Account, subscription_id: str, params: Record) -> Record:
    """
    Change a subscription; emits customer.subscription.updated.

    Prorations wait for the next invoice, or are billed at once (`always_invoice`, or when a new period begins).

    Raises:
        StripeError: what is asked for is not possible now, or payment fails under `error_if_incomplete`.
    """
    subscription = account.get("subscription", subscription_id)
    _require_possible(subscription, params)
    change = plan_change(account, subscription, params) if params.keys() & _ITEMS else None
    edited = account.edit("subscription", subscription_id)
    _set_plain(account, edited, params)
    if change is not None:
        _put_change(account, edited, change, params)
    _set_cancellation(account, edited, params)
    invoice = _issued(account, edited, change) if change is not None and bills_at_once(change, params) else None
    emit_if_changed(account, "customer.subscription.updated", edited)
    if invoice is not None:
        _collect(account, invoice["id"], params)
    return account.get("subscription", subscription_id)


def bills_at_once(change: Change, params: Record) -> bool:
    """
    Tell whether a change makes an invoice now rather than at the next renewal.
    """
    return change.is_reset or (params.get("proration_behavior") == "always_invoice" and bool(change.prorations))


def _require_possible(subscription: Record, params: Record) -> None:
    only_done(params, _DONE, _UPDATE)
    names = params.keys()
    if subscription["status"] in ENDED and names - _ALLOWED_WHEN_ENDED:
        raise invalid_request(
            "A canceled subscription can only update its cancellation_details and metadata.",
            code="invalid_canceled_subscription_fields",
        )
    if subscription["status"] == "incomplete" and names - _ALLOWED_WHEN_INCOMPLETE:
        raise invalid_request(
            "A subscription in `incomplete` status can only have its metadata and default payment method updated."
        )
    if params.get("payment_behavior") == "pending_if_incomplete":
        raise not_done(f"payment_behavior=pending_if_incomplete on {_UPDATE}")
    if params.get("collection_method", "charge_automatically") != "charge_automatically":
        raise not_done(f"collection_method=send_invoice on {_UPDATE}")
    if subscription["status"] == "paused" and names & _ITEMS:
        raise not_done(f"a change of items while a subscription is paused on {_UPDATE}")
    if subscription["status"] == "trialing" and params.get("billing_cycle_anchor", {}).get("type") == "now":
        raise not_done(f"billing_cycle_anchor[type]=now during a trial on {_UPDATE}")
    if subscription["status"] != "trialing" and params.get("trial_end", "now") != "now":
        raise not_done(f"trial_end after a subscription has begun on {_UPDATE}")
    if "cancel_at" in params and "cancel_at_period_end" in params:
        raise invalid_request("You may only specify one of these parameters: cancel_at, cancel_at_period_end.")


def _set_plain(account: Account, subscription: Record, params: Record) -> None:
    if method_id := params.get("default_payment_method"):
        payments.attached_method_of(account, method_id, subscription["customer"], "default_payment_method")
    for name in ("default_payment_method", "description"):
        if name in params:
            subscription[name] = params[name] or None
    subscription["metadata"] = merged(subscription["metadata"], params.get("metadata"))
    subscription["cancellation_details"] = {
        **subscription["cancellation_details"],
        **{name: value or None for name, value in params.get("cancellation_details", {}).items()},
    }
    settings = params.get("payment_settings", {})
    only_done(settings, {"save_default_payment_method"}, f"payment_settings of {_UPDATE}")
    subscription["payment_settings"].update(settings)
    if "automatic_tax" in params:
        enabled = params["automatic_tax"]["enabled"]
        if enabled and not has_location(account.get("customer", subscription["customer"])):
            raise no_location("automatic_tax[enabled]")
        liability = {"type": "self"} if enabled else None
        subscription["automatic_tax"].update(enabled=enabled, liability=liability)


def _put_change(account: Account, subscription: Record, change: Change, params: Record) -> None:
    """
    Put the new items in force, and the prorations where they wait.
    """
    put_items(subscription, change.items)
    for item in change.items:
        amount, start = change.billed.get(item["id"], (None, 0))
        if amount is not None:
            note_billed(account, item, amount=amount, start=start)
        elif account.store.find(BILLED, item["id"]) is None:
            note_billed(account, item, amount=0, start=account.now)
    if change.is_reset:
        subscription["billing_cycle_anchor"] = change.anchor
        if subscription["status"] == "trialing":
            subscription.update(status="active", trial_end=account.now)
        await_period_end(account, subscription)
    elif params.get("trial_end", "now") != "now":
        _move_trial_end(account, subscription, params["trial_end"])
    customer = account.get("customer", subscription["customer"])
    for line in change.prorations:
        keep(account, item_of_line(account, line, customer))


def _move_trial_end(account: Account, subscription: Record, trial_end: int) -> None:
    if trial_end <= account.now:
        raise not_in_future("trial_end")
    subscription.update(trial_end=trial_end, billing_cycle_anchor=trial_end)
    for item in items_of(subscription):
        item["current_period_end"] = trial_end
        note_billed(account, item, amount=0, start=item["current_period_start"])
    await_period_end(account, subscription)
    about = {"subscription": subscription["id"], "trial_end": trial_end}
    account.schedule(TRIAL_WILL_END, about, at=max(account.now, trial_end - TRIAL_NOTICE_SECONDS))


def _set_cancellation(account: Account, subscription: Record, params: Record) -> None:
    """
    Set or call off the end: `canceled_at` is the time of the request, `cancel_at` that of the end.

    docs.stripe.com/billing/subscriptions/cancel
    """
    if "cancel_at_period_end" not in params and "cancel_at" not in params:
        return
    at_period_end = params.get("cancel_at_period_end", False)
    at = _cancel_at(account, subscription, params)
    reason = "cancellation_requested" if at else None
    subscription.update(
        cancel_at_period_end=at_period_end,
        cancel_at=at,
        canceled_at=account.now if at else None,
        cancellation_details={**subscription["cancellation_details"], "reason": reason},
    )
    if at:
        account.schedule(CANCEL, {"subscription": subscription["id"], "at": at}, at=at)


def _cancel_at(account: Account, subscription: Record, params: Record) -> int | None:
    if params.get("cancel_at_period_end") or params.get("cancel_at") in ("min_period_end", "max_period_end"):
        return period_of(subscription)[1]
    asked = params.get("cancel_at") or None
    if asked is None:
        return None
    if asked == "max_billed_until":
        raise not_done(f"cancel_at=max_billed_until on {_UPDATE}")
    if asked <= account.now:
        raise not_in_future("cancel_at")
    period_end = period_of(subscription)[1]
    anchor, recurring = subscription["billing_cycle_anchor"], recurring_of(subscription)
    at_boundary = asked >= period_end and period_around(anchor, recurring, asked)[0] == asked
    without_credit = asked < period_end and params.get("proration_behavior") == "none"
    if not at_boundary and not without_credit:
        raise not_done(f"cancel_at within a period, with prorations, on {_UPDATE}")
    return int(asked)


def _issued(account: Account, subscription: Record, change: Change) -> Record:
    """
    Draw up the invoice of prorations, and of a new period if one begins.
    """
    customer = account.get("customer", subscription["customer"])
    waiting = waiting_items(account, subscription)
    lines = [*(line_of_item(account, item) for item in waiting), *change.period_lines]
    return issue(account, customer, reason="subscription_update", lines=lines, subscription=subscription)


def _collect(account: Account, invoice_id: str, params: Record) -> None:
    """
    Finalise an invoice and have it paid now; off-session only if the call says so.
    """
    if not finalize(account, invoice_id) or account.get("invoice", invoice_id)["status"] != "open":
        return
    behavior = params.get("payment_behavior", "allow_incomplete")
    if behavior == "default_incomplete":
        return
    intent = charge(account, invoice_id, off_session=params.get("off_session", False))
    if behavior == "error_if_incomplete":
        require_success(intent, keeps_changes=False)
