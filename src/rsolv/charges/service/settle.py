"""
Believe Stripe: the one way in which a payment read there changes a charge here.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import structlog

from rsolv import payment_methods
from rsolv.charges.errors import FenceLost
from rsolv.charges.queries import attempts, debts, intents, reads
from rsolv.charges.rules import (
    ACTION_EXPECTED_FOR,
    ACTION_EXPIRED,
    ENDED_AT_STRIPE,
    FINAL,
    PAID_AFTER_END,
    UNRESOLVED,
    UNRESOLVED_ALERT_AFTER,
    Attempt,
    ChargePaidAfterEnd,
    ChargeSettled,
    ChargeState,
    Held,
    Intent,
    Outcome,
    difference,
    looks,
    notice_job,
    pause,
)
from rsolv.charges.service.decline import decline_charge, wait_for_customer
from rsolv.charges.service.post import post_charge, post_late
from rsolv.charges.service.rest import end, go_on, note, rest
from rsolv.db import Connection
from rsolv.jobs import enqueue
from rsolv.kernel.events import EventBus
from rsolv.stripe_gateway import Payment

log = structlog.get_logger()

Believed = Literal["foreign", "stale", "settled", "already", "moved", "confirmable", "parked"]
"""
What came of it: no charge of ours; held by another; paid now; ended before; moved or waiting; may be confirmed; parked.
"""
_DIRECTLY: frozenset[ChargeState] = frozenset({"confirming", "unknown", "requires_action"})


@dataclass(frozen=True, slots=True)
class Settled:
    """
    What came of believing a payment, and the charge as it is now where somebody goes on with it.
    """

    believed: Believed
    intent: Intent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Truth:
    connection: Connection
    bus: EventBus
    intent: Intent
    attempt: Attempt | None
    payment: Payment
    is_worker: bool
    customer_present: bool
    lease: timedelta | None
    now: datetime


async def settle(
    connection: Connection,
    bus: EventBus,
    payment: Payment,
    *,
    now: datetime,
    fence: int | None = None,
    lease: timedelta | None = None,
    customer_present: bool = False,
) -> Settled:
    """
    Make a charge agree with its payment, as just read at Stripe by its id or answered by a call.

    Paid: money (processor, revenue), one credit purchased and consumed for the fix, `ChargeSettled`, the receipt and
    the record, all in the caller's transaction; any number of times, by whomever, it happens once. Otherwise: declined,
    waiting for the customer or for Stripe, ended, or ready to be confirmed. A payment that differs from what we asked
    for in amount, currency, customer, mode or metadata parks the charge instead.

    Locks the debt and the charge, then the customer's credits. A worker gives its *fence*, and is answered "stale" if
    another has the charge; it keeps it for another *lease* when there is more to do, as there is at once for a
    *customer_present* whom their bank wants. Others (webhook, poll,
    reconciliation) give none, and what they know goes before what a worker believes.
    """
    owner = await reads.find_owner_by_payment(connection, payment.id)
    if owner is None:
        return Settled("foreign")
    intent = await intents.lock_intent(connection, customer_id=owner[0], charge_id=owner[1])
    assert intent is not None, "its payment refers to it"
    if fence is not None and intent.fence != fence:
        return Settled("stale")
    if intent.state in FINAL:
        return await _after_the_end(connection, bus, intent, payment, now=now)
    assert intent.stripe_customer_id is not None, "known with its payment"
    assert intent.livemode is not None, "known with its payment"
    what = difference(intent, payment, stripe_customer_id=intent.stripe_customer_id, livemode=intent.livemode)
    if fence is None and (what is not None or payment.state != "confirmable"):
        intent = await intents.raise_fence(connection, intent)
    if what is not None:
        await rest(connection, intent, Held(f"{what}_differs"), now=now)
        return Settled("parked")
    attempt = await attempts.find_attempt(
        connection, customer_id=intent.customer_id, charge_id=intent.id, kind="confirm"
    )
    truth = _Truth(
        connection=connection,
        bus=bus,
        intent=intent,
        attempt=attempt,
        payment=payment,
        is_worker=fence is not None,
        customer_present=customer_present,
        lease=lease,
        now=now,
    )
    return await _BELIEVE[payment.state](truth)


async def _after_the_end(
    connection: Connection, bus: EventBus, intent: Intent, payment: Payment, *, now: datetime
) -> Settled:
    """
    Post what is paid although we had given it up, and have it given back; all else about an ended charge is no news.
    """
    if intent.state == "succeeded" or payment.state != "succeeded" or intent.parked_reason == PAID_AFTER_END:
        return Settled("already")
    await end(connection, intent, state=intent.state, reason=PAID_AFTER_END, now=now)
    cents = await post_late(connection, intent, payment)
    event = ChargePaidAfterEnd(customer_id=intent.customer_id, charge_id=intent.id, amount_cents=cents, occurred_at=now)
    await bus.publish(connection, event)
    log.error("charge_paid_after_end", customer_id=intent.customer_id, charge_id=intent.id)
    return Settled("parked")


async def _paid(truth: _Truth) -> Settled:
    intent = await _as_unknown(truth) if truth.intent.state not in _DIRECTLY else truth.intent
    await _answer(truth, "succeeded")
    # Before the postings: whoever stores a fix locks the fix and then the credits, and so must we.
    event = ChargeSettled(
        customer_id=intent.customer_id,
        charge_id=intent.id,
        fix_id=intent.fix_id,
        amount_cents=intent.amount_cents,
        occurred_at=truth.now,
    )
    await truth.bus.publish(truth.connection, event)
    posted = await post_charge(truth.connection, intent, truth.payment, now=truth.now)
    is_ours = await intents.succeed_intent(
        truth.connection,
        intent,
        money_posting_id=posted.money_posting_id,
        credits_posting_id=posted.credits_posting_id,
        consumed_posting_id=posted.consumed_posting_id,
        now=truth.now,
    )
    if not is_ours:
        raise FenceLost
    await debts.close_debt(truth.connection, intent, state="paid")
    await enqueue(truth.connection, notice_job(intent, "succeeded"))
    await note(truth.connection, intent, "charge:succeeded", stripe_request_id=truth.payment.request_id)
    return Settled("settled")


async def _canceled(truth: _Truth) -> Settled:
    intent = await _as_unknown(truth) if truth.intent.state == "confirming" else truth.intent
    await _answer(truth, "canceled")
    ending = intent.ending or "canceled"
    reason = None if intent.ending is not None else ENDED_AT_STRIPE
    await end(truth.connection, intent, state=ending, reason=reason, now=truth.now)
    if intent.ending is not None:
        await debts.close_debt(truth.connection, intent, state=ending)
    else:
        log.error("charge_ended_at_stripe", customer_id=intent.customer_id, charge_id=intent.id)
    return Settled("moved")


async def _not_final(truth: _Truth) -> Settled:
    intent = await _as_unknown(truth) if truth.intent.state not in _DIRECTLY else truth.intent
    await _answer(truth, "processing")
    await wait_for_outcome(truth.connection, intent, now=truth.now)
    return Settled("moved")


async def _needs_action(truth: _Truth) -> Settled:
    if truth.intent.state == "requires_action":
        return await _still_waiting(truth)
    intent = await _as_unknown(truth) if truth.intent.state not in _DIRECTLY else truth.intent
    await _answer(truth, "requires_action")
    await wait_for_customer(truth.connection, intent, attempt=truth.attempt, goes_on_at_once=False, now=truth.now)
    return Settled("moved")


async def _confirmable(truth: _Truth) -> Settled:
    """
    Tell whether the last attempt failed or was never made; only a worker goes on from there.
    """
    intent, decline = truth.intent, truth.payment.decline
    failed = decline is not None and truth.attempt is not None and _has_failed(truth.attempt, truth.payment)
    is_held = intent.lease_left > timedelta(0) and not truth.is_worker
    if is_held or (not truth.is_worker and not failed):
        return Settled("moved")
    if intent.state == "unknown" and failed:
        assert decline is not None, "it failed"
        await _declined(truth)
        return Settled("moved")
    if intent.state == "requires_action":
        return await _still_waiting(truth)
    if not truth.is_worker:
        return Settled("moved")
    state: ChargeState = "prepared" if intent.state == "unknown" else intent.state
    return Settled("confirmable", await go_on(truth.connection, intent, state=state, lease=truth.lease, now=truth.now))


def _has_failed(attempt: Attempt, payment: Payment) -> bool:
    """
    Say whether the failure that a payment shows is the attempt's own.

    One that led to the bank's page took the last failure away, and what fails there may look the same each time.
    """
    was_at_bank = attempt.customer_present and attempt.outcome == "requires_action"
    return was_at_bank or looks(payment) != attempt.seen_before


async def _still_waiting(truth: _Truth) -> Settled:
    intent, decline = truth.intent, truth.payment.decline
    is_at_bank = truth.payment.state == "needs_action"
    if decline is not None and not decline.needs_customer and not is_at_bank:
        await _declined(truth)
        return Settled("moved")
    default = await payment_methods.find_default(truth.connection, customer_id=intent.customer_id)
    has_other_card = default is not None and default.id != intent.payment_method_id
    if truth.is_worker and (has_other_card or (truth.customer_present and not is_at_bank)):
        kept = await go_on(truth.connection, intent, state=intent.state, lease=truth.lease, now=truth.now)
        return Settled("confirmable", kept)
    if truth.now >= intent.moved_at + ACTION_EXPECTED_FOR and not truth.customer_present:
        await rest(truth.connection, intent, Held(ACTION_EXPIRED), now=truth.now)
        return Settled("parked")
    await wait_for_customer(truth.connection, intent, attempt=truth.attempt, goes_on_at_once=False, now=truth.now)
    return Settled("moved")


async def _declined(truth: _Truth) -> None:
    assert truth.payment.decline is not None, "looked at before"
    await decline_charge(
        truth.connection,
        truth.intent,
        truth.payment.decline,
        attempt=truth.attempt,
        stripe_request_id=truth.payment.request_id,
        now=truth.now,
    )


async def wait_for_outcome(connection: Connection, intent: Intent, *, now: datetime) -> None:
    """
    Look again later at a charge whose outcome is not known; after a day somebody is told as well.

    Raises:
        FenceLost: the charge has been moved by another since it was read.
    """
    began_at = intent.unresolved_since or now
    reason = UNRESOLVED if now >= began_at + UNRESOLVED_ALERT_AFTER else ""
    wake_at = now + pause(began_at=began_at, now=now, charge_id=intent.id)
    state: ChargeState = "unknown" if intent.state == "confirming" else intent.state
    await rest(connection, intent, Held(reason, wake_at), state=state, now=now)


async def _as_unknown(truth: _Truth) -> Intent:
    """
    Admit that we did not know, where the truth is no move from what we believed.
    """
    return await go_on(truth.connection, truth.intent, state="unknown", lease=truth.lease, now=truth.now)


async def _answer(truth: _Truth, outcome: Outcome) -> None:
    if truth.attempt is not None:
        await attempts.answer_attempt(
            truth.connection,
            truth.attempt,
            customer_id=truth.intent.customer_id,
            outcome=outcome,
            stripe_request_id=truth.payment.request_id,
            is_server_error=False,
            now=truth.now,
        )


_BELIEVE: Mapping[str, Callable[[_Truth], Awaitable[Settled]]] = {
    "succeeded": _paid,
    "canceled": _canceled,
    "processing": _not_final,
    "unknown": _not_final,
    "needs_action": _needs_action,
    "confirmable": _confirmable,
}
