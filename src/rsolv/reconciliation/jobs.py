"""
The comparisons by the clock, and what waits for them in a restored database.
"""

from datetime import datetime

import structlog

from rsolv.db import Database
from rsolv.jobs import Handler, JobCall, Schedule
from rsolv.kernel import clock
from rsolv.kernel.events import EventBus
from rsolv.reconciliation.rules import BACK, Scope
from rsolv.reconciliation.service.reconcile import reconcile
from rsolv.reconciliation.service.restores import find_awaited_restore
from rsolv.stripe_gateway import GatewayFailure, StripeGateway

log = structlog.get_logger()


def reconcile_schedules(database: Database, gateway: StripeGateway, bus: EventBus) -> list[Schedule]:
    """
    Return the schedules: the last three hours each hour, the last 35 days each day, and at once what was restored.
    """

    async def compare(scope: Scope) -> None:
        now = clock.now()
        await _reconcile(database, gateway, bus, scope=scope, since=now - BACK[scope])

    async def hourly() -> None:
        await compare("hour")

    async def daily() -> None:
        await compare("day")

    async def make_good() -> None:
        async with database.reading() as connection:
            restore = await find_awaited_restore(connection)
        if restore is not None:
            await _reconcile(database, gateway, bus, scope="restore", since=restore.since)

    return [
        Schedule("reconciliation.hour", "23 * * * *", hourly),
        Schedule("reconciliation.day", "41 3 * * *", daily),
        Schedule("reconciliation.restore", "* * * * *", make_good),
    ]


def unless_restored(database: Database, handler: Handler) -> Handler:
    """
    Return a handler that leaves jobs alone while the database is an earlier copy: their schedule promises them anew.
    """

    async def handle(call: JobCall) -> None:
        async with database.reading() as connection:
            restore = await find_awaited_restore(connection)
        if restore is None:
            await handler(call)
        else:
            log.warning("job_waits_for_reconciliation", job_id=call.job_id)

    return handle


async def _reconcile(
    database: Database, gateway: StripeGateway, bus: EventBus, *, scope: Scope, since: datetime
) -> None:
    try:
        await reconcile(database, gateway, bus, scope=scope, since=since, now=clock.now())
    except GatewayFailure as failure:
        log.warning("reconciliation_stopped", scope=scope, error=str(failure))
