"""
The job queue: rows in PostgreSQL, written in the transaction that promises the work. Knows no domain.

A job exists exactly when its business write committed. It runs at least once, so its handler is idempotent; a job that
keeps failing is held for an operator, never dropped. Behind this port: pgqueuer (docs/decisions/0002-stack.md).
"""

from rsolv.jobs.rules import Handler, Job, JobCall, Schedule, WaitingJobs, pause_before_retry
from rsolv.jobs.service.count_waiting import count_waiting
from rsolv.jobs.service.enqueue import enqueue
from rsolv.jobs.service.work import work

__all__ = [
    "Handler",
    "Job",
    "JobCall",
    "Schedule",
    "WaitingJobs",
    "count_waiting",
    "enqueue",
    "pause_before_retry",
    "work",
]
