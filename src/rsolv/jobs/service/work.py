"""
Run jobs and schedules in this process.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta

import msgspec
import structlog
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.core.applications import PgQueuer
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Job as QueuedJob
from pgqueuer.domain.models import Schedule as QueuedSchedule

from rsolv.db import APPLICATION_ROLE, connected
from rsolv.jobs.rules import Handler, JobCall, Schedule, pause_before_retry

HEARTBEAT_TIMEOUT = timedelta(seconds=20)
POLL_EVERY = timedelta(seconds=5)
JOBS_AT_ONCE = 32
_CLAIMED_TOGETHER_MAX = 10

log = structlog.get_logger()


class JobHeld(Exception):
    """
    A job failed for the last time; says by which type of error.
    """


async def work(
    database_url: str,
    *,
    handlers: Mapping[str, Handler],
    schedules: Iterable[Schedule] = (),
    at_once: int = JOBS_AT_ONCE,
    stop: asyncio.Event,
) -> None:
    """
    Claim and run jobs of the kinds that have a handler, and the schedules, until *stop* is set; then let them end.

    No more than *at_once* jobs (two at least) are claimed at a time; the others wait for this worker or for another.
    Kinds without a handler stay queued. A handler that raises is tried again after a growing pause, then held. A worker
    that dies hands its jobs on once its heartbeat is twenty seconds old.
    """
    async with connected(database_url, application="worker queue", role=APPLICATION_ROLE) as connection:
        queue = PgQueuer(AsyncpgDriver(connection))
        for kind, handler in handlers.items():
            queue.entrypoint(kind, on_failure="hold")(_tried(kind, handler))
        for schedule in schedules:
            queue.schedule(schedule.name, schedule.cron)(_ticking(schedule))
        stopping = asyncio.create_task(_stop_when_set(stop, queue))
        try:
            if handlers:
                await queue.run(
                    dequeue_timeout=POLL_EVERY,
                    heartbeat_timeout=HEARTBEAT_TIMEOUT,
                    batch_size=min(at_once // 2, _CLAIMED_TOGETHER_MAX),
                    max_concurrent_tasks=at_once,
                )
            else:
                # Without a kind to look for, every notification would have the whole queue read in vain: after some
                # thousand sign-ups that held one of two cores for half a minute (measured by `make bench`).
                await queue.sm.run()
        finally:
            stopping.cancel()


async def _stop_when_set(stop: asyncio.Event, queue: PgQueuer) -> None:
    await stop.wait()
    queue.shutdown.set()


def _tried(kind: str, handler: Handler) -> Callable[[QueuedJob], Awaitable[None]]:
    async def run(job: QueuedJob) -> None:
        call = JobCall(job_id=int(job.id), ids=msgspec.json.decode(job.payload or b"{}"), tries=job.attempts)
        try:
            await handler(call)
        except Exception as error:
            tries, reason = call.tries + 1, type(error).__name__
            log.warning("job_failed", kind=kind, job_id=call.job_id, tries=tries, error=reason)
            pause = pause_before_retry(
                tries,
                passes_by_itself=getattr(error, "passes_by_itself", False),
                at_least_seconds=getattr(error, "retry_after_seconds", None) or 0,
            )
            # From None: the queue keeps what it is told of a failure, and messages may quote secrets and people.
            if pause is None:
                raise JobHeld(reason) from None
            raise RetryRequested(pause, reason) from None

    return run


def _ticking(schedule: Schedule) -> Callable[[QueuedSchedule], Awaitable[None]]:
    async def run(_: QueuedSchedule) -> None:
        await schedule.run()

    return run
