"""
Pausing a subscription and resuming it by a call (docs.stripe.com/billing/subscriptions/pause).
"""

from stripe_twin.billing.collection import charge
from stripe_twin.billing.ending import invoices_of
from stripe_twin.billing.finalization import finalize
from stripe_twin.billing.invoice_items import item_of_line, keep, line_of_item, waiting_items
from stripe_twin.billing.invoice_object import Line
from stripe_twin.billing.invoicing import COLLECTION, await_finalization, issue
from stripe_twin.billing.periods import period_around
from stripe_twin.billing.renewals import EXPIRE, FIRST_PAYMENT_SECONDS, put_on_pause
from stripe_twin.billing.scope import from_path, only_done
from stripe_twin.billing.standing import note_all_billed, put_in_force
from stripe_twin.billing.subscription_object import (
    items_of,
    part_line,
    period_line,
    period_of,
    recurring_of,
    unused_line,
)
from stripe_twin.core import Account, Call, Record, Routes, invalid_request, not_done
from stripe_twin.core.records import copied

routes = Routes()

_PAUSE = "POST /v1/subscriptions/{subscription}/pause"
_RESUME = "POST /v1/subscriptions/{subscription}/resume"


@routes.post("/v1/subscriptions/{subscription}/pause")
def pause(account: Account, call: Call) -> Record:
    """
    Pause an active subscription: no invoices, no periods. Unused time is credited, unless told otherwise.

    The credit waits for the next invoice, or is billed at once (`invoicing_behavior=invoice`).
    """
    params = call.params
    only_done(params, {"bill_for", "invoicing_behavior", "type"}, _PAUSE)
    subscription = from_path(account, "subscription", call.ids["subscription"])
    if subscription["status"] not in ("active", "past_due"):
        raise invalid_request(
            f"Only active subscriptions can be paused; this one has the status {subscription['status']}."
        )
    customer = account.get("customer", subscription["customer"])
    since = params.get("bill_for", {}).get("unused_time_from", {}).get("type", "now")
    moment = period_of(subscription)[0] if since == "item_current_period_start" else account.now
    lines = [unused_line(account, item, start=moment) for item in items_of(subscription)] if since != "none" else []
    for line in lines:
        if line is not None:
            keep(account, item_of_line(account, line, customer))
    note_all_billed(account, subscription, {}, start=account.now)
    waiting = waiting_items(account, subscription)
    if params.get("invoicing_behavior") == "invoice" and waiting:
        billed = [line_of_item(account, item) for item in waiting]
        invoice = issue(account, customer, reason="subscription_update", lines=billed, subscription=subscription)
        await_finalization(account, invoice["id"])
    return put_on_pause(account, subscription["id"], because="pause_requested")


@routes.post("/v1/subscriptions/{subscription}/resume")
def resume(account: Account, call: Call) -> Record:
    """
    Resume a paused subscription: in a new period from now, billed at once, or in the one its old anchor gives.

    With an invoice it is active again once that is paid. By default the call itself tries no payment, a failed one
    later leaves the subscription past due, and 23 hours without any leave it paused; `resume_on_payment_success` tries
    at once, and again, until it succeeds.
    """
    params = call.params
    only_done(params, {"billing_cycle_anchor", "payment_behavior", "proration_behavior"}, _RESUME)
    subscription = from_path(account, "subscription", call.ids["subscription"])
    if subscription["status"] != "paused":
        raise invalid_request("This subscription is not paused, so it cannot be resumed.")
    if any(_is_resuming(account, invoice) for invoice in invoices_of(account, subscription)):
        raise invalid_request("This subscription is being resumed already: its invoice is open.")
    anchor = account.now
    if params.get("billing_cycle_anchor", {}).get("type") == "unchanged":
        anchor = subscription["billing_cycle_anchor"]
    period = period_around(anchor, recurring_of(subscription), account.now)
    lines = _resumption_lines(account, subscription, period, params)
    note_all_billed(
        account,
        _with_period(subscription, period),
        {line.subscription_item or "": line.amount for line in lines},
        start=account.now,
    )
    if period[0] != account.now and params.get("proration_behavior", "create_prorations") == "create_prorations":
        customer = account.get("customer", subscription["customer"])
        for line in lines:
            keep(account, item_of_line(account, line, customer))
        lines = []
    if not lines:
        put_in_force(account, subscription["id"], anchor=anchor, period=period, status="active")
    else:
        _bill(account, subscription, lines, {"anchor": anchor, "period": list(period), "on": _waits_for(params)})
    return account.get("subscription", subscription["id"])


def _resumption_lines(account: Account, subscription: Record, period: tuple[int, int], params: Record) -> list[Line]:
    items = list(reversed(items_of(_with_period(subscription, period))))
    if period[0] == account.now:
        return [period_line(account, item) for item in items]
    if params.get("proration_behavior") == "none":
        return []
    return [part_line(account, item, start=account.now, whole=period) for item in items]


def _with_period(subscription: Record, period: tuple[int, int]) -> Record:
    paused = copied(subscription)
    for item in items_of(paused):
        item.update(current_period_start=period[0], current_period_end=period[1])
    return paused


def _waits_for(params: Record) -> str:
    behavior: str = params.get("payment_behavior", "resume_on_payment_attempt")
    return behavior.removeprefix("resume_on_payment_")


def _bill(account: Account, subscription: Record, lines: list[Line], resumes: Record) -> None:
    customer = account.get("customer", subscription["customer"])
    waiting = waiting_items(account, subscription)
    billed = [*(line_of_item(account, item) for item in waiting), *lines]
    invoice = issue(account, customer, reason="subscription_update", lines=billed, subscription=subscription)
    account.edit(COLLECTION, invoice["id"])["resumes"] = resumes
    account.emit("customer.subscription.updated", account.get("subscription", subscription["id"]))
    if not finalize(account, invoice["id"]):
        raise not_done(f"automatic_tax without a customer's location on {_RESUME}")
    if account.get("invoice", invoice["id"])["status"] != "open":
        return
    if resumes["on"] == "success":
        charge(account, invoice["id"], off_session=False)
    about = {"invoice": invoice["id"], "subscription": subscription["id"]}
    account.schedule(EXPIRE, about, at=account.now + FIRST_PAYMENT_SECONDS)


def _is_resuming(account: Account, invoice: Record) -> bool:
    return invoice["status"] == "open" and account.get(COLLECTION, invoice["id"])["resumes"] is not None
