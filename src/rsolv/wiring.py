"""
What the entry points have in common: who hears of which event, what may hold a charge, and the gateway to Stripe.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from rsolv import (
    card_setups,
    charges,
    disputes,
    fixes,
    payment_methods,
    reconciliation,
    refunds,
    reversals,
    spending_caps,
    standing,
    subscriptions,
)
from rsolv.db import Connection
from rsolv.kernel.events import EventBus
from rsolv.settings import Settings
from rsolv.spending_caps import SafetyCaps
from rsolv.stripe_gateway import StripeGateway
from rsolv.stripe_gateway.client import GatewayOptions, Limits, open_gateway

if TYPE_CHECKING:
    import httpx

log = structlog.get_logger()

SANDBOX_CALLS_PER_SECOND = 22
"""
The most that is asked of a sandbox of Stripe's, which allows 25 in all (docs.stripe.com/rate-limits).
"""

_OF_THE_WORKERS = 0.75
_WEB_CALLS_PER_SECOND_PER_ENDPOINT = 2
_WEB_CALLS_AT_ONCE = 16


def wired_bus(*, billing_enabled: bool = True, public_url: str = "") -> EventBus:
    """
    Return the bus with everybody who wants to know subscribed. While billing is off, fixes are recorded only.

    Links to our pages begin with *public_url*.
    """
    bus = EventBus()
    bus.subscribe(fixes.PhaseCompleted, standing.refuse_new_work(public_url=public_url))
    bus.subscribe(fixes.PhaseCompleted, fixes.note_first_scan)
    bus.subscribe(fixes.PhaseCompleted, fixes.meter_fix if billing_enabled else fixes.record_unbilled_fix)
    bus.subscribe(payment_methods.ConsentWithdrawn, card_setups.note_withdrawal)
    bus.subscribe(payment_methods.PaymentMethodAdded, charges.retry_with_new_card)
    bus.subscribe(payment_methods.PaymentMethodRemoving, charges.refuse_removal_while_owing)
    bus.subscribe(payment_methods.PaymentMethodRemoving, subscriptions.refuse_removal_while_subscribed)
    bus.subscribe(payment_methods.DefaultPaymentMethodChanged, subscriptions.follow_default_card)
    bus.subscribe(payment_methods.ConsentGiven, charges.retry_with_new_consent)
    bus.subscribe(charges.ChargeSettled, fixes.settle_charged_fix)
    bus.subscribe(charges.ChargePaidAfterEnd, refunds.refund_late_payment)
    bus.subscribe(reversals.ChargeReversed, spending_caps.retry_after_reversal)
    return bus


def safety_caps(settings: Settings) -> SafetyCaps:
    """
    Return the most that a machine may charge one customer.
    """
    return SafetyCaps(
        per_hour_max_cents=settings.charges_per_hour_max_cents,
        per_day_max_cents=settings.charges_per_day_max_cents,
    )


def limits_of_a_web_process(settings: Settings) -> Limits:
    """
    Return what one web process may ask of Stripe: its part of a quarter of the whole, and two of an endpoint.

    Payments are made by workers; here they are confirmed only for customers who are there, by a link.
    """
    return Limits(
        per_second=_calls_per_second(settings) * (1 - _OF_THE_WORKERS) / settings.web_workers,
        per_second_per_endpoint=_WEB_CALLS_PER_SECOND_PER_ENDPOINT / settings.web_workers,
        at_once=_WEB_CALLS_AT_ONCE,
    )


def limits_of_a_worker(settings: Settings) -> Limits:
    """
    Return what one worker may ask of Stripe: its part of three quarters of the whole, and of each endpoint.
    """
    return Limits(
        per_second=_calls_per_second(settings) * _OF_THE_WORKERS / settings.workers,
        per_second_per_endpoint=settings.stripe_calls_per_second_per_endpoint / settings.workers,
        at_once=settings.jobs_at_once,
    )


def _calls_per_second(settings: Settings) -> int:
    is_sandbox = not settings.is_production and settings.stripe_api_base is None
    asked = settings.stripe_calls_per_second
    return min(asked, SANDBOX_CALLS_PER_SECOND) if is_sandbox else asked


def charge_holds(safety: SafetyCaps) -> charges.Cap:
    """
    Return what may hold a charge in its last look, in this order: a restore, a dispute, the customer's cap, ours.
    """
    asked = (reconciliation.hold_restored, disputes.hold_disputed, spending_caps.cap_charges(safety))

    async def ask(connection: Connection, intent: charges.Intent, now: datetime) -> charges.Held | None:
        for cap in asked:
            held = await cap(connection, intent, now)
            if held is not None:
                return held
        return None

    return ask


@asynccontextmanager
async def configured_gateway(
    settings: Settings, limits: Limits, transport: "httpx.AsyncBaseTransport | None" = None
) -> AsyncIterator[StripeGateway | None]:
    """
    Lend the gateway until the block ends; None where no key of Stripe's is set.

    *transport* carries the requests in place of the network, for tests.
    """
    if settings.stripe_api_key is None:
        log.warning("stripe_not_configured", consequence="nobody can add a card, and Stripe's jobs stay in the queue")
        yield None
        return
    options = GatewayOptions(api_key=settings.stripe_api_key, base_url=settings.stripe_api_base, limits=limits)
    async with open_gateway(options, transport) as gateway:
        yield gateway
