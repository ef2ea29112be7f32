"""
Work on fixes that comes back by the clock.
"""

import structlog

from rsolv.db import Database
from rsolv.fixes.service.bill_recorded import bill_next_recorded
from rsolv.jobs import Schedule
from rsolv.kernel import clock

log = structlog.get_logger()


def recorded_fixes_schedule(database: Database) -> Schedule:
    """
    Return the schedule that bills, each minute, what was recorded while billing was off; for when it is on.
    """

    async def run() -> None:
        billed, last_id = 0, 0
        while True:
            async with database.transaction() as connection:
                fix_id = await bill_next_recorded(connection, after_id=last_id, now=clock.now())
            if fix_id is None:
                break
            billed, last_id = billed + 1, fix_id
        if billed:
            log.info("recorded_fixes_billed", count=billed)

    return Schedule("fixes.bill_recorded", "* * * * *", run)
