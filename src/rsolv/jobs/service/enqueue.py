"""
Promise work.
"""

from typing import Any, cast

import msgspec
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.queries import Queries

from rsolv.db import Connection
from rsolv.jobs.rules import Job


class EnqueuedOutsideTransaction(AssertionError):
    """
    Our own mistake: a job outside a transaction may exist without the write that promised it.
    """


async def enqueue(connection: Connection, *jobs: Job) -> None:
    """
    Write jobs in the caller's transaction: they exist if and only if it commits.

    Raises:
        EnqueuedOutsideTransaction: *connection* has no open transaction; nothing was written.
    """
    if not connection.is_in_transaction():
        raise EnqueuedOutsideTransaction(", ".join(job.kind for job in jobs))
    queue = Queries(AsyncpgDriver(cast("Any", connection)))
    await queue.enqueue(
        [job.kind for job in jobs],
        [msgspec.json.encode(job.ids) for job in jobs],
        [0 for _ in jobs],
        execute_after=[job.run_after for job in jobs],
        dedupe_key=[job.dedupe_key for job in jobs],
        on_conflict="skip",
    )
