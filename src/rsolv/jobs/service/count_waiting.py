"""
Say what waits.
"""

from rsolv.db import Connection
from rsolv.jobs import queries
from rsolv.jobs.rules import WaitingJobs

KINDS_AT_MOST = 200


async def count_waiting(connection: Connection) -> list[WaitingJobs]:
    """
    Count the jobs that wait or are held, by kind; kinds that nobody handles yet are among them.
    """
    return await queries.list_waiting(connection, limit=KINDS_AT_MOST)
