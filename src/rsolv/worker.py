"""
Entry point of the worker process: run jobs and schedules until told to stop.
"""

import asyncio
import os
import signal

import structlog

from rsolv import idempotency
from rsolv.db import Database
from rsolv.jobs import Handler, Schedule, work
from rsolv.logs import set_up_logging
from rsolv.settings import SettingsInvalid, load_settings

log = structlog.get_logger()

HANDLERS: dict[str, Handler] = {}
"""
Job kinds and who handles them. Kinds that are promised but not here yet stay queued; `/ready` counts them.
"""


async def run() -> None:
    """
    Work until SIGTERM or SIGINT, then hand back what is running.

    Raises:
        SettingsInvalid: a setting is missing or wrong.
        Unavailable: the database cannot be reached.
    """
    settings = load_settings(os.environ)
    set_up_logging(level=settings.log_level, as_json=not os.isatty(2))
    if settings.database_url is None:
        raise SettingsInvalid(["DATABASE_URL is needed to work"])
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    url = settings.database_url.reveal()
    database = await Database.open(url, application="worker", pool_size=settings.database_pool_size)

    async def purge_answers() -> None:
        log.info("idempotent_answers_purged", count=await idempotency.purge_expired(database))

    try:
        log.info("worker_started", kinds=sorted(HANDLERS))
        await work(
            url,
            handlers=HANDLERS,
            schedules=[Schedule("idempotency.purge_expired", "17 * * * *", purge_answers)],
            stop=stop,
        )
    finally:
        await database.close()
