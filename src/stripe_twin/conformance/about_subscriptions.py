"""
Questions about subscriptions: how they begin, change and end.
"""

from typing import Any

import stripe

from stripe_twin.conformance.questions import Facts, Questions, plain, refusal
from stripe_twin.scenarios import Stage, props
from stripe_twin.scenarios.invoices import STARTS_AT

questions = Questions()

_OVERVIEW = "docs.stripe.com/billing/subscriptions/overview"
_CREATE = "docs.stripe.com/api/subscriptions/create"
_CANCEL = "docs.stripe.com/billing/subscriptions/cancel"
_PRORATIONS = "docs.stripe.com/billing/subscriptions/prorations"
_PAUSE = "docs.stripe.com/billing/subscriptions/pause"
_DAY_SECONDS, _HOUR_SECONDS = 86_400, 3600


async def _subscribed(stage: Stage, card: str = "pm_card_visa", **params: Any) -> stripe.Subscription:
    customer = await props.paying_customer(stage, card)
    return await props.subscription(stage, customer.id, **params)


async def _on_clock(stage: Stage, card: str = "pm_card_visa", **params: Any) -> tuple[str, dict[str, Any]]:
    """
    Open a subscription on a test clock, and return both.
    """
    clock = await stage.clock(STARTS_AT)
    customer = await props.paying_customer(stage, card, test_clock=clock)
    return clock, plain(await props.subscription(stage, customer.id, **params))


async def _read(stage: Stage, subscription_id: str) -> dict[str, Any]:
    return plain(await stage.sdk.v1.subscriptions.retrieve_async(subscription_id))


@questions.on("docs.stripe.com/changelog/basil", on_items=True, on_top=False, anchored=True)
async def the_period_is_on_the_items(stage: Stage) -> Facts:
    """
    And no longer on the subscription.
    """
    made = plain(await _subscribed(stage))
    item = made["items"]["data"][0]
    return {
        "on_items": {"current_period_start", "current_period_end"} <= item.keys(),
        "on_top": "current_period_end" in made,
        "anchored": item["current_period_start"] == made["billing_cycle_anchor"],
    }


@questions.on("docs.stripe.com/billing/subscriptions/billing-mode", mode="flexible")
async def new_subscriptions_are_flexible(stage: Stage) -> Facts:
    """
    Since clover, unless told otherwise.
    """
    return {"mode": plain(await _subscribed(stage))["billing_mode"]["type"]}


@questions.on(_OVERVIEW, status="active", invoice="paid", reason="subscription_create", attempts=1)
async def the_first_invoice_is_paid_at_once(stage: Stage) -> Facts:
    """
    No draft hour for it.
    """
    made = plain(await _subscribed(stage, expand=["latest_invoice"]))
    invoice = made["latest_invoice"]
    return {
        "status": made["status"],
        "invoice": invoice["status"],
        "reason": invoice["billing_reason"],
        "attempts": invoice["attempt_count"],
    }


@questions.on(_CREATE, status="incomplete", invoice="open", has_secret=True, attempted=False)
async def default_incomplete_waits_for_the_browser(stage: Stage) -> Facts:
    """
    The first invoice is finalised, not charged, and has a secret to confirm it with.
    """
    expand = ["latest_invoice.confirmation_secret"]
    made = plain(await _subscribed(stage, payment_behavior="default_incomplete", expand=expand))
    invoice = made["latest_invoice"]
    return {
        "status": made["status"],
        "invoice": invoice["status"],
        "has_secret": bool((invoice["confirmation_secret"] or {}).get("client_secret")),
        "attempted": invoice["attempted"],
    }


@questions.on(_CREATE, status="incomplete", invoice="open")
async def a_declined_first_payment_leaves_it_incomplete(stage: Stage) -> Facts:
    """
    The call succeeds: `allow_incomplete` is the default.
    """
    made = plain(await _subscribed(stage, "pm_card_chargeCustomerFail", expand=["latest_invoice"]))
    return {"status": made["status"], "invoice": made["latest_invoice"]["status"]}


@questions.on(_CREATE, status=402, code="card_declined", subscriptions=0)
async def error_if_incomplete_opens_nothing_on_a_decline(stage: Stage) -> Facts:
    """
    The call fails, and nothing is left of it.
    """
    customer = await props.paying_customer(stage, "pm_card_chargeCustomerFail")
    told = await refusal(props.subscription(stage, customer.id, payment_behavior="error_if_incomplete"))
    left = await stage.sdk.v1.subscriptions.list_async({"customer": customer.id, "status": "all"})
    return {"status": told["status"], "code": told["code"], "subscriptions": len(left.data)}


@questions.refused("[K]", code="resource_missing")
async def a_customer_without_a_card_cannot_subscribe(stage: Stage) -> None:
    """
    Unless the payment is to be confirmed later.
    """
    await props.subscription(stage, (await props.customer(stage)).id)


@questions.on(_OVERVIEW, status="incomplete", intent="requires_action", told=True)
async def a_first_payment_may_need_the_customer(stage: Stage) -> Facts:
    """
    3-D Secure is a state, told by invoice.payment_action_required.
    """
    before = await stage.latest_event_id()
    made = await _subscribed(stage, "pm_card_authenticationRequired")
    invoice_id = props.latest_invoice_id(made)
    intent_id = await props.intent_of_invoice(stage, invoice_id)
    intent = await stage.sdk.v1.payment_intents.retrieve_async(intent_id)
    told = await stage.awaited(lambda: stage.event_since(before, "invoice.payment_action_required", invoice_id))
    return {"status": made.status, "intent": intent.status, "told": told is not None}


@questions.on(_OVERVIEW, needs="a customer finishes 3-D Secure", status="active", invoice="paid")
async def authentication_activates_it(stage: Stage) -> Facts:
    """
    Without any further call.
    """
    made = await _subscribed(stage, "pm_card_authenticationRequired")
    stage.by_nature().authenticate(await props.intent_of_invoice(stage, props.latest_invoice_id(made)), succeeded=True)
    found = plain(await stage.sdk.v1.subscriptions.retrieve_async(made.id, {"expand": ["latest_invoice"]}))
    return {"status": found["status"], "invoice": found["latest_invoice"]["status"]}


@questions.on(_OVERVIEW, before="incomplete", after="incomplete_expired", invoice="void")
async def an_unpaid_beginning_expires_after_23_hours(stage: Stage) -> Facts:
    """
    Its invoice is void then.
    """
    clock, made = await _on_clock(stage, "pm_card_chargeCustomerFail")
    await stage.advance(clock, STARTS_AT + 22 * _HOUR_SECONDS)
    before = await _read(stage, made["id"])
    await stage.advance(clock, STARTS_AT + 24 * _HOUR_SECONDS)
    after = await _read(stage, made["id"])
    invoice = await stage.sdk.v1.invoices.retrieve_async(made["latest_invoice"])
    return {"before": before["status"], "after": after["status"], "invoice": invoice.status}


@questions.on("docs.stripe.com/billing/subscriptions/trials", status="trialing", total=0, invoice="paid", payments=0)
async def a_trial_begins_with_an_invoice_of_nothing(stage: Stage) -> Facts:
    """
    It is paid by itself, without a payment.
    """
    made = plain(await _subscribed(stage, trial_period_days=7, expand=["latest_invoice"]))
    invoice = made["latest_invoice"]
    payments = await stage.sdk.v1.invoice_payments.list_async({"invoice": invoice["id"]})
    return {
        "status": made["status"],
        "total": invoice["total"],
        "invoice": invoice["status"],
        "payments": len(payments.data),
    }


@questions.on("[K]", events=["invoice.created", "invoice.finalized", "invoice.paid", "invoice.payment_succeeded"])
async def an_invoice_of_nothing_is_told_like_any_other(stage: Stage) -> Facts:
    """
    Not settled: both paid events come, though nothing was paid.
    """
    before = await stage.latest_event_id()
    invoice_id = props.latest_invoice_id(await _subscribed(stage, trial_period_days=7))
    await stage.awaited(lambda: stage.event_since(before, "invoice.paid", invoice_id))
    events = await stage.events_since(before)
    return {"events": sorted(event.type for event in events if event.data.object["id"] == invoice_id)}


@questions.on(_CANCEL, at_end=True, flag=True, asked_now=True, status="active", undone=[False, None, None])
async def an_end_with_the_period_is_told_at_once(stage: Stage) -> Facts:
    """
    `cancel_at` is the period's end, `canceled_at` the time of the request; false undoes it all.
    """
    _, made = await _on_clock(stage)
    subscriptions = stage.sdk.v1.subscriptions
    asked = plain(await subscriptions.update_async(made["id"], {"cancel_at_period_end": True}))
    undone = plain(await subscriptions.update_async(made["id"], {"cancel_at_period_end": False}))
    return {
        "at_end": asked["cancel_at"] == asked["items"]["data"][0]["current_period_end"],
        "flag": asked["cancel_at_period_end"],
        "asked_now": asked["canceled_at"] == STARTS_AT,
        "status": asked["status"],
        "undone": [undone[name] for name in ("cancel_at_period_end", "cancel_at", "canceled_at")],
    }


@questions.on(_CANCEL, status="canceled", ended=True, reason="cancellation_requested")
async def an_end_now_is_at_once(stage: Stage) -> Facts:
    """
    The subscription stays readable.
    """
    made = await _subscribed(stage)
    await stage.sdk.v1.subscriptions.cancel_async(made.id)
    found = await _read(stage, made.id)
    return {
        "status": found["status"],
        "ended": found["ended_at"] is not None,
        "reason": found["cancellation_details"]["reason"],
    }


@questions.refused("[K]", status=404, code="resource_missing", param="id")
async def a_second_end_finds_nothing(stage: Stage) -> None:
    """
    DELETE carries no key: a repeat after a lost answer is told that there is no such subscription.
    """
    made = await _subscribed(stage)
    await stage.sdk.v1.subscriptions.cancel_async(made.id)
    await stage.sdk.v1.subscriptions.cancel_async(made.id)


@questions.refused(
    "docs.stripe.com/error-codes#invalid-canceled-subscription-fields", code="invalid_canceled_subscription_fields"
)
async def an_ended_subscription_cannot_be_changed(stage: Stage) -> None:
    """
    Except its metadata and why it was canceled.
    """
    made = await _subscribed(stage)
    await stage.sdk.v1.subscriptions.cancel_async(made.id)
    await stage.sdk.v1.subscriptions.update_async(made.id, {"cancel_at_period_end": True})


@questions.on("docs.stripe.com/api/customers/delete", status="canceled", told=True)
async def deleting_a_customer_ends_its_subscriptions(stage: Stage) -> Facts:
    """
    At once, told by customer.subscription.deleted.
    """
    before, made = await stage.latest_event_id(), await _subscribed(stage)
    await stage.sdk.v1.customers.delete_async(props.id_of(made.customer))
    told = await stage.awaited(lambda: stage.event_since(before, "customer.subscription.deleted", made.id))
    return {"status": (await _read(stage, made.id))["status"], "told": told is not None}


@questions.on("docs.stripe.com/billing/subscriptions/payment-methods-setting", charged="the subscription's own")
async def the_subscriptions_own_card_wins(stage: Stage) -> Facts:
    """
    Over the customer's default.
    """
    customer = await props.paying_customer(stage, "pm_card_chargeCustomerFail")
    own = await props.attached(stage, customer.id)
    made = await props.subscription(stage, customer.id, default_payment_method=own.id)
    intent_id = await props.intent_of_invoice(stage, props.latest_invoice_id(made))
    intent = await stage.sdk.v1.payment_intents.retrieve_async(intent_id)
    return {"charged": "the subscription's own" if intent.payment_method == own.id else "another"}


@questions.on(
    _PRORATIONS, amounts=[-1450, 2950], sum=1500, flags=[True, True], reason="subscription_update", as_previewed=True
)
async def a_dearer_price_in_the_middle_is_prorated(stage: Stage) -> Facts:
    """
    By seconds: a credit of what is unused and a debit of the rest; billed at once under `always_invoice`.
    """
    clock, made = await _on_clock(stage)
    item = made["items"]["data"][0]
    middle = (item["current_period_start"] + item["current_period_end"]) // 2
    await stage.advance(clock, middle)
    change: Any = {
        "items": [{"id": item["id"], "price": await props.monthly_price(stage, 5900)}],
        "proration_behavior": "always_invoice",
        "proration_date": middle,
    }
    preview: Any = {"subscription": made["id"], "subscription_details": {**change}}
    previewed = plain(await stage.sdk.v1.invoices.create_preview_async(preview))
    change["expand"] = ["latest_invoice"]
    changed = plain(await stage.sdk.v1.subscriptions.update_async(made["id"], change))
    invoice = changed["latest_invoice"]
    lines = sorted(invoice["lines"]["data"], key=lambda line: int(line["amount"]))
    amounts = [line["amount"] for line in lines]
    return {
        "amounts": amounts,
        "sum": invoice["total"],
        "flags": [line["parent"]["subscription_item_details"]["proration"] for line in lines],
        "reason": invoice["billing_reason"],
        "as_previewed": sorted(line["amount"] for line in previewed["lines"]["data"]) == amounts,
    }


@questions.on(_PRORATIONS, invoices=1, waiting=2)
async def prorations_wait_for_the_next_invoice(stage: Stage) -> Facts:
    """
    By default a change bills nothing now.
    """
    clock, made = await _on_clock(stage)
    item = made["items"]["data"][0]
    await stage.advance(clock, STARTS_AT + 10 * _DAY_SECONDS)
    await stage.sdk.v1.subscriptions.update_async(made["id"], {"items": [{"id": item["id"], "quantity": 2}]})
    invoices = await stage.sdk.v1.invoices.list_async({"subscription": made["id"]})
    items = await stage.sdk.v1.invoice_items.list_async({"customer": made["customer"], "pending": True})
    return {"invoices": len(invoices.data), "waiting": len(items.data)}


@questions.on(_CANCEL, waiting=0)
async def an_end_now_drops_waiting_prorations(stage: Stage) -> Facts:
    """
    Unless told to bill them.
    """
    clock, made = await _on_clock(stage)
    item = made["items"]["data"][0]
    await stage.advance(clock, STARTS_AT + 10 * _DAY_SECONDS)
    await stage.sdk.v1.subscriptions.update_async(made["id"], {"items": [{"id": item["id"], "quantity": 2}]})
    await stage.sdk.v1.subscriptions.cancel_async(made["id"])
    items = await stage.sdk.v1.invoice_items.list_async({"customer": made["customer"], "pending": True})
    return {"waiting": len(items.data)}


@questions.on(_PAUSE, status="paused", has_details=True, resumed="active", status_details=None)
async def a_subscription_is_paused_and_resumed(stage: Stage) -> Facts:
    """
    By calls of their own, new in endive; resuming bills a new period.
    """
    made = await _subscribed(stage)
    paused = plain(await stage.sdk.v1.subscriptions.pause_async(made.id))
    how: Any = {"payment_behavior": "resume_on_payment_success"}
    resumed = plain(await stage.sdk.v1.subscriptions.resume_async(made.id, how))
    return {
        "status": paused["status"],
        "has_details": paused["status_details"] is not None,
        "resumed": resumed["status"],
        "status_details": resumed["status_details"],
    }


@questions.on(_PAUSE, status="paused", invoice="open", after_payment="active")
async def resuming_waits_for_a_payment(stage: Stage) -> Facts:
    """
    By default resuming makes an invoice and leaves its payment to us.
    """
    made = await _subscribed(stage)
    await stage.sdk.v1.subscriptions.pause_async(made.id, {"bill_for": {"unused_time_from": {"type": "none"}}})
    resumed = plain(await stage.sdk.v1.subscriptions.resume_async(made.id, {"expand": ["latest_invoice"]}))
    await stage.sdk.v1.invoices.pay_async(resumed["latest_invoice"]["id"])
    return {
        "status": resumed["status"],
        "invoice": resumed["latest_invoice"]["status"],
        "after_payment": (await _read(stage, made.id))["status"],
    }


@questions.refused("docs.stripe.com/changelog/endive", param="billing_cycle_anchor")
async def an_anchor_is_no_longer_a_word(stage: Stage) -> None:
    """
    `billing_cycle_anchor` of an update is an object with a type.
    """
    old: Any = {"billing_cycle_anchor": "now"}
    await stage.sdk.v1.subscriptions.update_async((await _subscribed(stage)).id, old)
