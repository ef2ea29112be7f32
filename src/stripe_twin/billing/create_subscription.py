"""
Beginning a subscription (docs.stripe.com/api/subscriptions/create).
"""

from collections.abc import Sequence

from stripe_twin import payments
from stripe_twin.billing.collection import charge, method_for
from stripe_twin.billing.finalization import finalize, has_location
from stripe_twin.billing.invoice_items import line_of_item, waiting_items
from stripe_twin.billing.invoice_object import Line
from stripe_twin.billing.invoicing import issue
from stripe_twin.billing.periods import DAY, period_around
from stripe_twin.billing.prices import usable_price
from stripe_twin.billing.refusals import no_location, no_method, not_in_future, require_success
from stripe_twin.billing.renewals import (
    CANCEL,
    EXPIRE,
    FIRST_PAYMENT_SECONDS,
    TRIAL_NOTICE_SECONDS,
    TRIAL_WILL_END,
)
from stripe_twin.billing.scope import customer_of, merged, only_done, required
from stripe_twin.billing.standing import await_period_end, note_all_billed
from stripe_twin.billing.subscription_object import (
    item_record,
    items_of,
    part_line,
    period_line,
    period_of,
    put_items,
    recurring_of,
    subscription_record,
    trial_line,
)
from stripe_twin.core import Account, Record, invalid_request, not_done

_CREATE = "POST /v1/subscriptions"
_DONE = {
    "automatic_tax",
    "billing_cycle_anchor",
    "billing_mode",
    "cancel_at_period_end",
    "collection_method",
    "currency",
    "customer",
    "default_payment_method",
    "description",
    "items",
    "metadata",
    "off_session",
    "payment_behavior",
    "payment_settings",
    "proration_behavior",
    "trial_end",
    "trial_period_days",
    "trial_settings",
}
_ITEM = {"price", "quantity", "metadata"}
_TRIAL_SECONDS_MAX = 730 * DAY


def create_subscription(account: Account, params: Record) -> Record:
    """
    Begin a subscription; its first invoice is finalised at once and, unless told otherwise, charged.

    It is incomplete until that invoice is paid, for 23 hours at most; an invoice of nothing is paid by itself.

    Raises:
        StripeError: what is asked for is not possible, or the payment fails under `error_if_incomplete`.
    """
    customer = customer_of(account, str(required(params, "customer")))
    subscription = drafted(account, customer, params)
    if subscription["automatic_tax"]["enabled"] and not has_location(customer):
        raise no_location("automatic_tax[enabled]")
    lines = first_lines(account, subscription, params)
    account.store.add("subscription", subscription)
    _note_billed(account, subscription, lines)
    account.emit("customer.subscription.created", subscription)
    if lines:
        _bill_first(account, subscription, lines, params)
    else:
        account.edit("subscription", subscription["id"])["status"] = "active"
        account.emit("customer.subscription.updated", subscription)
    _watch(account, subscription)
    return account.get("subscription", subscription["id"])


def drafted(account: Account, customer: Record, params: Record) -> Record:
    """
    Return the subscription asked for, not yet kept: status `incomplete`, or `trialing` when it begins with a trial.
    """
    _require_possible(params)
    if method_id := params.get("default_payment_method"):
        payments.attached_method_of(account, method_id, customer["id"], "default_payment_method")
    prices = _prices(account, params)
    recurring = prices[0]["recurring"]
    now, trial_end = account.now, _trial_end(account, params)
    anchor = trial_end or _anchor(account, params, recurring) or now
    subscription = subscription_record(account, customer, anchor=anchor, params=params)
    subscription["metadata"] = merged({}, params.get("metadata"))
    subscription["currency"] = prices[0]["currency"]
    period = (now, anchor) if anchor > now else period_around(anchor, recurring, now)
    put_items(
        subscription,
        [
            item_record(
                account,
                price,
                subscription_id=subscription["id"],
                quantity=asked.get("quantity", 1),
                period=period,
                metadata=merged({}, asked.get("metadata")),
            )
            for price, asked in zip(prices, params["items"], strict=True)
        ],
    )
    if trial_end:
        subscription.update(status="trialing", trial_start=now, trial_end=trial_end)
    subscription["trial_settings"]["end_behavior"].update(params.get("trial_settings", {}).get("end_behavior", {}))
    if params.get("cancel_at_period_end"):
        details = {**subscription["cancellation_details"], "reason": "cancellation_requested"}
        subscription.update(
            cancel_at_period_end=True, cancel_at=period[1], canceled_at=now, cancellation_details=details
        )
    return subscription


def first_lines(account: Account, subscription: Record, params: Record) -> list[Line]:
    """
    Return what the first invoice bills: a trial for nothing, the time up to a later anchor in proportion, or a period.

    Without proration the time up to the anchor is free and makes no invoice
    (docs.stripe.com/billing/subscriptions/billing-cycle).
    """
    items = list(reversed(items_of(subscription)))
    waiting = waiting_items(account, subscription)
    more = [line_of_item(account, item) for item in waiting]
    if subscription["status"] == "trialing":
        return [*more, *(trial_line(account, item) for item in items)]
    start, end = period_of(subscription)
    whole = period_around(subscription["billing_cycle_anchor"], recurring_of(subscription), start)
    if (start, end) == whole:
        return [*more, *(period_line(account, item) for item in items)]
    if params.get("proration_behavior") == "none":
        return more
    return [*more, *(part_line(account, item, start=start, whole=whole, is_first=True) for item in items)]


def _require_possible(params: Record) -> None:
    only_done(params, _DONE, _CREATE)
    required(params, "items")
    if params.get("collection_method", "charge_automatically") != "charge_automatically":
        raise not_done(f"collection_method=send_invoice on {_CREATE}")
    if params.get("billing_mode", {}).get("type", "flexible") != "flexible":
        raise not_done(f"billing_mode[type]=classic on {_CREATE}")
    if params.get("payment_behavior") == "pending_if_incomplete":
        raise invalid_request(
            "`payment_behavior=pending_if_incomplete` is only supported on updates.", param="payment_behavior"
        )
    if params.get("trial_settings", {}).get("end_behavior", {}).get("billing_cycle_anchor") == "unchanged":
        raise not_done(f"trial_settings[end_behavior][billing_cycle_anchor]=unchanged on {_CREATE}")
    only_done(params.get("payment_settings", {}), {"save_default_payment_method"}, f"payment_settings of {_CREATE}")


def _prices(account: Account, params: Record) -> list[Record]:
    prices = []
    for number, asked in enumerate(params["items"]):
        only_done(asked, _ITEM, f"items of {_CREATE}")
        price_id = str(required(asked, "price", f"items[{number}]."))
        prices.append(usable_price(account, price_id, f"items[{number}][price]"))
    require_one_rhythm(prices)
    if "currency" in params and params["currency"].lower() != prices[0]["currency"]:
        raise invalid_request(
            f"The price specified supports only `{prices[0]['currency']}`. This doesn't match the expected currency: "
            f"`{params['currency']}`.",
            param="currency",
        )
    return prices


def require_one_rhythm(prices: Sequence[Record]) -> None:
    """
    Insist that prices have one currency, one rhythm, and are not there twice.
    """
    first = prices[0]
    for number, price in enumerate(prices):
        if price["currency"] != first["currency"]:
            raise invalid_request(
                f"The price specified supports only `{price['currency']}`. This doesn't match the expected currency: "
                f"`{first['currency']}`.",
                param=f"items[{number}][price]",
            )
        if price["recurring"] != first["recurring"]:
            raise not_done("items with different billing intervals in one subscription")
    if len({price["id"] for price in prices}) < len(prices):
        raise invalid_request("Cannot add multiple subscription items with the same price.", param="items")


def _trial_end(account: Account, params: Record) -> int | None:
    if "trial_end" in params and "trial_period_days" in params:
        raise invalid_request("You may only specify one of these parameters: trial_end, trial_period_days.")
    end: int | None = None
    if "trial_period_days" in params:
        end = account.now + params["trial_period_days"] * DAY
    elif params.get("trial_end", "now") != "now":
        end = params["trial_end"]
        if params["trial_end"] <= account.now:
            raise not_in_future("trial_end")
    if end is not None and end > account.now + _TRIAL_SECONDS_MAX:
        raise invalid_request("The maximum number of trial period days is 730 (2 years).", param="trial_end")
    if end is not None and "billing_cycle_anchor" in params:
        raise not_done(f"billing_cycle_anchor together with a trial on {_CREATE}")
    return end if end != account.now else None


def _anchor(account: Account, params: Record, recurring: Record) -> int | None:
    anchor: int | None = params.get("billing_cycle_anchor")
    if anchor is None:
        return None
    if anchor <= account.now:
        raise invalid_request("billing_cycle_anchor must be in the future.", param="billing_cycle_anchor")
    latest = period_around(account.now, recurring, account.now)[1]
    if anchor > latest:
        raise invalid_request(
            f"billing_cycle_anchor cannot be later than next natural billing date ({latest}) for plan",
            param="billing_cycle_anchor",
        )
    return anchor


def _note_billed(account: Account, subscription: Record, lines: Sequence[Line]) -> None:
    amounts = {line.subscription_item: line.amount for line in lines if line.subscription_item}
    note_all_billed(account, subscription, amounts, start=account.now)


def _bill_first(account: Account, subscription: Record, lines: Sequence[Line], params: Record) -> None:
    """
    Issue and finalise the first invoice, and charge it unless the customer is to confirm the payment alone.
    """
    customer = account.get("customer", subscription["customer"])
    invoice = issue(account, customer, reason="subscription_create", lines=lines, subscription=subscription)
    behavior = params.get("payment_behavior", "allow_incomplete")
    if invoice["amount_due"] and behavior != "default_incomplete" and method_for(account, invoice) is None:
        raise no_method()
    finalize(account, invoice["id"])
    if account.get("invoice", invoice["id"])["status"] != "open":
        return
    expiry = {"invoice": invoice["id"], "subscription": subscription["id"]}
    account.schedule(EXPIRE, expiry, at=account.now + FIRST_PAYMENT_SECONDS)
    if behavior != "default_incomplete":
        intent = charge(account, invoice["id"], off_session=params.get("off_session", False))
        if behavior == "error_if_incomplete":
            require_success(intent, keeps_changes=False)


def _watch(account: Account, subscription: Record) -> None:
    """
    Have the period's end, a trial's notice and a set end looked after.
    """
    await_period_end(account, subscription)
    if subscription["trial_end"]:
        at = max(account.now, subscription["trial_end"] - TRIAL_NOTICE_SECONDS)
        about = {"subscription": subscription["id"], "trial_end": subscription["trial_end"]}
        account.schedule(TRIAL_WILL_END, about, at=at)
    if subscription["cancel_at"]:
        about = {"subscription": subscription["id"], "at": subscription["cancel_at"]}
        account.schedule(CANCEL, about, at=subscription["cancel_at"])
