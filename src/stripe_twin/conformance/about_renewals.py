"""
Questions about renewals, on Stripe's test clocks: draft, hour, charge, retries, the end.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stripe_twin.conformance.questions import Facts, Questions, plain
from stripe_twin.scenarios import Stage, props
from stripe_twin.scenarios.invoices import STARTS_AT

questions = Questions()

_INVOICES = "docs.stripe.com/billing/invoices/subscription"
_RETRIES = "docs.stripe.com/billing/revenue-recovery/smart-retries"
_CANCEL = "docs.stripe.com/billing/subscriptions/cancel"
_EVENTS = "docs.stripe.com/billing/subscriptions/webhooks"
_MINUTE_SECONDS, _HOUR_SECONDS, _DAY_SECONDS = 60, 3600, 86_400
_JAN_31 = 1_801_396_800
"""
2027-01-31T12:00:00Z.
"""


@dataclass
class _Renewing:
    """
    A subscription on a test clock, to be moved past the end of its period.
    """

    stage: Stage
    clock: str
    id: str
    customer_id: str

    async def read(self) -> dict[str, Any]:
        """
        Return the subscription with its latest invoice, both as they are now.
        """
        found = await self.stage.sdk.v1.subscriptions.retrieve_async(self.id, {"expand": ["latest_invoice"]})
        return plain(found)

    async def pass_period_end(self, seconds: int) -> dict[str, Any]:
        """
        Move the clock so many seconds past the period's end.
        """
        await self.stage.advance(self.clock, _period(await self.read())[1] + seconds)
        return await self.read()

    async def pay_with(self, card: str) -> None:
        """
        Change the customer's default card.
        """
        method = await props.attached(self.stage, self.customer_id, card)
        await self.stage.sdk.v1.customers.update_async(
            self.customer_id, {"invoice_settings": {"default_payment_method": method.id}}
        )


async def _renewing(stage: Stage, at: int = STARTS_AT) -> _Renewing:
    clock = await stage.clock(at)
    customer = await props.paying_customer(stage, test_clock=clock)
    made = await props.subscription(stage, customer.id)
    return _Renewing(stage, clock, made.id, customer.id)


def _period(subscription: dict[str, Any]) -> tuple[int, int]:
    item = subscription["items"]["data"][0]
    return item["current_period_start"], item["current_period_end"]


@questions.on(
    _INVOICES,
    rolled=True,
    status="active",
    invoice="draft",
    reason="subscription_cycle",
    finalizes_after=_HOUR_SECONDS,
    line_is_new_period=True,
)
async def a_renewal_begins_with_a_draft_of_an_hour(stage: Stage) -> Facts:
    """
    The period rolls first; the money comes an hour later.
    """
    renewing = await _renewing(stage)
    end = _period(await renewing.read())[1]
    found = await renewing.pass_period_end(_MINUTE_SECONDS)
    invoice = found["latest_invoice"]
    period = invoice["lines"]["data"][0]["period"]
    return {
        "rolled": _period(found)[0] == end,
        "status": found["status"],
        "invoice": invoice["status"],
        "reason": invoice["billing_reason"],
        "finalizes_after": invoice["automatically_finalizes_at"] - invoice["created"],
        "line_is_new_period": (period["start"], period["end"]) == _period(found),
    }


@questions.on("[K]", invoice="paid", events=["invoice.paid", "invoice.payment_succeeded"])
async def both_paid_events_come_for_a_renewal(stage: Stage) -> Facts:
    """
    An hour after the draft, when the card is charged.
    """
    renewing, before = await _renewing(stage), await stage.latest_event_id()
    invoice = (await renewing.pass_period_end(2 * _HOUR_SECONDS))["latest_invoice"]
    await stage.awaited(lambda: stage.event_since(before, "invoice.payment_succeeded", invoice["id"]))
    told = {event.type for event in await stage.events_since(before) if event.data.object["id"] == invoice["id"]}
    return {"invoice": invoice["status"], "events": sorted(told & {"invoice.paid", "invoice.payment_succeeded"})}


@questions.on(
    _EVENTS,
    order=[
        "invoice.created",
        "customer.subscription.updated",
        "invoice.finalized",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice.paid",
        "invoice.payment_succeeded",
    ],
)
async def a_renewal_is_told_in_this_order(stage: Stage) -> Facts:
    """
    Not promised, and not settled within one second: the order in which events are listed [K].
    """
    renewing, before = await _renewing(stage), await stage.latest_event_id()
    invoice = (await renewing.pass_period_end(2 * _HOUR_SECONDS))["latest_invoice"]
    await stage.awaited(lambda: stage.event_since(before, "invoice.payment_succeeded", invoice["id"]))
    asked = {
        "customer.subscription.updated",
        "invoice.created",
        "invoice.finalized",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice.paid",
        "invoice.payment_succeeded",
    }
    told = [event.type for event in await stage.events_since(before)]
    return {"order": [one for one in dict.fromkeys(told) if one in asked]}


@questions.on(
    _RETRIES, status="past_due", invoice="open", attempts=1, will_retry=True, events=["invoice.payment_failed"]
)
async def a_renewal_that_fails_is_past_due(stage: Stage) -> Facts:
    """
    And is tried again later; the account's settings say when.
    """
    renewing, before = await _renewing(stage), await stage.latest_event_id()
    await renewing.pay_with("pm_card_chargeCustomerFail")
    found = await renewing.pass_period_end(2 * _HOUR_SECONDS)
    invoice = found["latest_invoice"]
    await stage.awaited(lambda: stage.event_since(before, "invoice.payment_failed", invoice["id"]))
    told = {event.type for event in await stage.events_since(before) if event.data.object["id"] == invoice["id"]}
    return {
        "status": found["status"],
        "invoice": invoice["status"],
        "attempts": invoice["attempt_count"],
        "will_retry": invoice["next_payment_attempt"] is not None,
        "events": sorted(told & {"invoice.payment_failed", "invoice.paid"}),
    }


@questions.on(_RETRIES, invoice="paid", status="active")
async def paying_what_is_owed_recovers(stage: Stage) -> Facts:
    """
    With another card, by a call.
    """
    renewing = await _renewing(stage)
    await renewing.pay_with("pm_card_chargeCustomerFail")
    failed = await renewing.pass_period_end(2 * _HOUR_SECONDS)
    await renewing.pay_with("pm_card_visa")
    paid = await stage.sdk.v1.invoices.pay_async(failed["latest_invoice"]["id"])
    return {"invoice": paid.status, "status": (await renewing.read())["status"]}


@questions.on(_RETRIES, status="active", invoice="paid", attempts=2)
async def a_retry_takes_the_new_card(stage: Stage) -> Facts:
    """
    A retry charges the default of that time.
    """
    renewing = await _renewing(stage)
    await renewing.pay_with("pm_card_chargeCustomerFail")
    failed = await renewing.pass_period_end(2 * _HOUR_SECONDS)
    await renewing.pay_with("pm_card_visa")
    await stage.advance(renewing.clock, failed["latest_invoice"]["next_payment_attempt"] + _HOUR_SECONDS)
    found = await renewing.read()
    invoice = found["latest_invoice"]
    return {"status": found["status"], "invoice": invoice["status"], "attempts": invoice["attempt_count"]}


@questions.on(
    "docs.stripe.com/billing/subscriptions/overview",
    status="past_due",
    invoice="open",
    intent="requires_payment_method",
    events=["invoice.payment_action_required", "invoice.payment_failed"],
)
async def a_renewal_may_need_the_customer(stage: Stage) -> Facts:
    """
    Nobody is there to authenticate: the payment fails, and the customer must come [K: the intent's state].
    """
    renewing, before = await _renewing(stage), await stage.latest_event_id()
    await renewing.pay_with("pm_card_authenticationRequired")
    found = await renewing.pass_period_end(2 * _HOUR_SECONDS)
    invoice = found["latest_invoice"]
    await stage.awaited(lambda: stage.event_since(before, "invoice.payment_action_required", invoice["id"]))
    told = {event.type for event in await stage.events_since(before) if event.data.object["id"] == invoice["id"]}
    intent_id = await props.intent_of_invoice(stage, invoice["id"])
    return {
        "status": found["status"],
        "invoice": invoice["status"],
        "intent": (await stage.sdk.v1.payment_intents.retrieve_async(intent_id)).status,
        "events": sorted(told & {"invoice.payment_action_required", "invoice.payment_failed", "invoice.paid"}),
    }


@questions.on(_RETRIES, last="past_due", then="canceled", reason="payment_failed")
async def after_the_last_retry_it_is_canceled(stage: Stage) -> Facts:
    """
    When the account's settings say so; they may also say unpaid or past_due.
    """
    renewing = await _renewing(stage)
    await renewing.pay_with("pm_card_chargeCustomerFail")
    found = await renewing.pass_period_end(2 * _HOUR_SECONDS)
    statuses = [found["status"]]
    while (at := found["latest_invoice"]["next_payment_attempt"]) is not None and found["status"] == "past_due":
        await stage.advance(renewing.clock, at + _HOUR_SECONDS)
        found = await renewing.read()
        statuses.append(found["status"])
    return {"last": statuses[-2], "then": statuses[-1], "reason": found["cancellation_details"]["reason"]}


@questions.on("docs.stripe.com/billing/subscriptions/billing-cycle", ends=["2027-02-28", "2027-03-31"])
async def an_anchor_of_the_31st_comes_back(stage: Stage) -> Facts:
    """
    Shorter months end on their last day, the next one on the 31st again.
    """
    renewing = await _renewing(stage, _JAN_31)
    ends = [_period(await renewing.read())[1], _period(await renewing.pass_period_end(_DAY_SECONDS))[1]]
    return {"ends": [datetime.fromtimestamp(end, UTC).date().isoformat() for end in ends]}


@questions.on(_CANCEL, status="canceled", ended_at_end=True, invoices=1, asked_first=True)
async def an_end_with_the_period_comes_without_an_invoice(stage: Stage) -> Facts:
    """
    `ended_at` is the period's end, `canceled_at` stays the time of the request.
    """
    renewing = await _renewing(stage)
    await stage.sdk.v1.subscriptions.update_async(renewing.id, {"cancel_at_period_end": True})
    end = _period(await renewing.read())[1]
    found = await renewing.pass_period_end(2 * _HOUR_SECONDS)
    invoices = await stage.sdk.v1.invoices.list_async({"customer": renewing.customer_id})
    return {
        "status": found["status"],
        "ended_at_end": found["ended_at"] == end,
        "invoices": len(invoices.data),
        "asked_first": found["canceled_at"] == STARTS_AT,
    }


@questions.on("docs.stripe.com/billing/subscriptions/trials", before="trialing", after="active", total=2900)
async def a_trial_ends_in_a_renewal(stage: Stage) -> Facts:
    """
    The first period that costs something is drafted and charged like any other.
    """
    clock = await stage.clock(STARTS_AT)
    customer = await props.paying_customer(stage, test_clock=clock)
    made = await props.subscription(stage, customer.id, trial_period_days=7)
    renewing = _Renewing(stage, clock, made.id, customer.id)
    before = await renewing.read()
    after = await renewing.pass_period_end(2 * _HOUR_SECONDS)
    return {"before": before["status"], "after": after["status"], "total": after["latest_invoice"]["amount_paid"]}
