"""
Entry point of the worker process: run jobs and schedules until told to stop.
"""

import asyncio
import os
import signal
from collections.abc import Callable

import structlog

from rsolv import idempotency
from rsolv.db import Database
from rsolv.jobs import Handler, Schedule, work
from rsolv.logs import set_up_logging
from rsolv.settings import load_settings

log = structlog.get_logger()

HANDLERS: dict[str, Handler] = {}
"""
Job kinds and who handles them. Kinds that are promised but not here yet stay queued; `/ready` counts them.
"""


async def run(ready: Callable[[list[str]], None] = lambda _kinds: None) -> None:
    """
    Work until SIGTERM or SIGINT, then let what is running end. *ready* is told the kinds of jobs once work begins.

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

    async def purge_answers() -> None:
        log.info("idempotent_answers_purged", count=await idempotency.purge_expired(database))

    try:
        log.info("worker_started", kinds=sorted(HANDLERS))
        ready(sorted(HANDLERS))
        await work(
            url,
            handlers=HANDLERS,
            schedules=[Schedule("idempotency.purge_expired", "17 * * * *", purge_answers)],
            stop=stop,
        )
    finally:
        await database.close()
