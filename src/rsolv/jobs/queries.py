"""
What the jobs room asks of its database besides what pgqueuer asks itself.
"""

from rsolv.db import Connection
from rsolv.jobs.rules import WaitingJobs


async def list_waiting(connection: Connection, *, limit: int) -> list[WaitingJobs]:
    """
    Count the jobs that wait or are held, by kind.
    """
    rows = await connection.fetch(
        """
        SELECT entrypoint AS kind,
               count(*) FILTER (WHERE status = 'queued') AS queued,
               count(*) FILTER (WHERE status = 'failed') AS held
        FROM pgqueuer WHERE status IN ('queued', 'failed')
        GROUP BY entrypoint ORDER BY entrypoint LIMIT $1
        """,
        limit,
    )
    return [WaitingJobs(**row) for row in rows]
