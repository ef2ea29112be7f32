"""
Entry point of the worker process: build the parts from settings, then run jobs and schedules until told to stop.
"""

import asyncio
import os
import signal
from collections.abc import Callable

import structlog

from rsolv import idempotency
from rsolv.billing_events.jobs import handle_billing_event, poll_schedule
from rsolv.billing_events.jobs import wake_schedule as wake_events_schedule
from rsolv.card_setups.jobs import look_at_setup
from rsolv.charges.jobs import advance_charge, sweep_charge, wake_schedule
from rsolv.db import Database
from rsolv.disputes.jobs import dispute_schedule, look_at_disputes, retry_disputed_charges
from rsolv.fixes.jobs import recorded_fixes_schedule
from rsolv.jobs import Handler, Schedule, work
from rsolv.kernel.events import EventBus
from rsolv.logs import set_up_logging
from rsolv.payment_methods.jobs import detach_payment_method, make_default
from rsolv.provisioning.jobs import create_stripe_customer
from rsolv.reconciliation.jobs import reconcile_schedules, unless_restored
from rsolv.refunds.jobs import advance_refund, refund_schedule
from rsolv.settings import load_settings
from rsolv.spending_caps import SafetyCaps
from rsolv.spending_caps.jobs import retry_capped_charges
from rsolv.stripe_gateway import StripeGateway
from rsolv.subscriptions.jobs import look_at_subscription, look_schedule, pay_invoice, set_card
from rsolv.wiring import charge_holds, configured_gateway, limits_of_a_worker, safety_caps, wired_bus

log = structlog.get_logger()


async def run(ready: Callable[[list[str]], None] = lambda _kinds: None) -> None:
    """
    Work until SIGTERM or SIGINT, then let what is running end. *ready* is told the kinds of jobs once work begins.

    Kinds that are promised but handled by nobody stay queued; `/ready` counts them.

    Raises:
        SettingsInvalid: a setting is missing or wrong.
        Unavailable: the database cannot be reached.
    """
    settings = load_settings(os.environ)
    set_up_logging(level=settings.log_level, as_json=not os.isatty(2))
    url = settings.needed_to_work().reveal()
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    database = await Database.open(url, application="worker", pool_size=settings.database_pool_size)
    try:
        async with configured_gateway(settings, limits_of_a_worker(settings)) as gateway:
            bus = wired_bus(billing_enabled=settings.billing_enabled)
            handlers = handled_jobs(
                database,
                gateway,
                bus,
                billing_enabled=settings.billing_enabled,
                livemode=settings.stripe_livemode,
                safety_caps=safety_caps(settings),
            )
            log.info("worker_started", kinds=sorted(handlers))
            ready(sorted(handlers))
            schedules = _schedules(database, gateway, bus, billing_enabled=settings.billing_enabled)
            await work(url, handlers=handlers, schedules=schedules, at_once=settings.jobs_at_once, stop=stop)
    finally:
        await database.close()


def handled_jobs(
    database: Database,
    gateway: StripeGateway | None,
    bus: EventBus,
    *,
    billing_enabled: bool = True,
    livemode: bool = False,
    safety_caps: SafetyCaps | None = None,
) -> dict[str, Handler]:
    """
    Return the kinds of jobs and who handles them; without a gateway, Stripe's are nobody's.
    """
    if gateway is None:
        return {}
    cap = charge_holds(safety_caps or SafetyCaps())
    return {
        "stripe.create_customer": create_stripe_customer(database, gateway),
        "charge.advance": unless_restored(
            database, advance_charge(database, gateway, bus, billing_enabled=billing_enabled, cap=cap)
        ),
        "refund.advance": unless_restored(database, advance_refund(database, gateway, bus)),
        "charge.sweep": sweep_charge(database, gateway),
        "dispute.look": look_at_disputes(database, gateway, bus),
        "dispute.retry_held": retry_disputed_charges(database),
        "billing_event.handle": handle_billing_event(database, gateway, bus, livemode=livemode),
        "spending_cap.retry": retry_capped_charges(database),
        "card_setup.look": look_at_setup(database, gateway, bus),
        "subscription.look": look_at_subscription(database, gateway, bus),
        "subscription.set_card": set_card(database, gateway),
        "subscription.pay_invoice": pay_invoice(database, gateway, bus, billing_enabled=billing_enabled),
        "payment_method.detach": detach_payment_method(database, gateway),
        "payment_method.make_default": make_default(database, gateway),
    }


def _schedules(
    database: Database, gateway: StripeGateway | None, bus: EventBus, *, billing_enabled: bool
) -> list[Schedule]:
    async def purge_answers() -> None:
        log.info("idempotent_answers_purged", count=await idempotency.purge_expired(database))

    always = [
        Schedule("idempotency.purge_expired", "17 * * * *", purge_answers),
        wake_schedule(database),
        refund_schedule(database),
        dispute_schedule(database),
        look_schedule(database),
    ]
    if gateway is not None:
        always += [poll_schedule(database, gateway), wake_events_schedule(database)]
        always += reconcile_schedules(database, gateway, bus)
    return [*always, recorded_fixes_schedule(database)] if billing_enabled else always
