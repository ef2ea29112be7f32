"""
Entry point of the worker process: build the parts from settings, then run jobs and schedules until told to stop.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog

from rsolv import idempotency
from rsolv.db import Database
from rsolv.jobs import Handler, Schedule, work
from rsolv.logs import set_up_logging
from rsolv.provisioning.jobs import create_stripe_customer
from rsolv.settings import Settings, load_settings
from rsolv.stripe_gateway import StripeGateway
from rsolv.stripe_gateway.client import GatewayOptions, open_gateway

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
        async with _gateway(settings) as gateway:
            handlers = handled_jobs(database, gateway)
            log.info("worker_started", kinds=sorted(handlers))
            ready(sorted(handlers))
            await work(url, handlers=handlers, schedules=_schedules(database), stop=stop)
    finally:
        await database.close()


def handled_jobs(database: Database, gateway: StripeGateway | None) -> dict[str, Handler]:
    """
    Return the kinds of jobs and who handles them; without a gateway, Stripe's are nobody's.
    """
    return {} if gateway is None else {"stripe.create_customer": create_stripe_customer(database, gateway)}


@asynccontextmanager
async def _gateway(settings: Settings) -> AsyncIterator[StripeGateway | None]:
    if settings.stripe_api_key is None:
        log.warning("stripe_not_configured", consequence="jobs for Stripe stay in the queue")
        yield None
        return
    options = GatewayOptions(api_key=settings.stripe_api_key, base_url=settings.stripe_api_base)
    async with open_gateway(options) as gateway:
        yield gateway


def _schedules(database: Database) -> list[Schedule]:
    async def purge_answers() -> None:
        log.info("idempotent_answers_purged", count=await idempotency.purge_expired(database))

    return [Schedule("idempotency.purge_expired", "17 * * * *", purge_answers)]
