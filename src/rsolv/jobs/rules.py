"""
What a job is, and how long a failing one waits.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

TRIES_MAX = 10
_FIRST_PAUSE = timedelta(seconds=2)
_LONGEST_PAUSE = timedelta(hours=1)
_LONGEST_PAUSE_IN_AN_OUTAGE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Job:
    """
    A promise of work: its kind, and the ids it is about (never a secret, never a person's data).

    It becomes due *run_after* the transaction began. Of several queued jobs with one *dedupe_key* the first stays.
    """

    kind: str
    ids: Mapping[str, int | str] = field(default_factory=dict)
    run_after: timedelta = timedelta(0)
    dedupe_key: str | None = None


@dataclass(frozen=True, slots=True)
class JobCall:
    """
    One try at a job. `tries` counts the earlier ones.
    """

    job_id: int
    ids: Mapping[str, int | str]
    tries: int


Handler = Callable[[JobCall], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Schedule:
    """
    Work that comes back by the clock: once per tick over all workers, by the database's time.
    """

    name: str
    cron: str
    run: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class WaitingJobs:
    """
    How many jobs of a kind wait to become due or to be claimed, and how many are held after failing.
    """

    kind: str
    queued: int
    held: int


def pause_before_retry(tries: int, *, passes_by_itself: bool = False, at_least_seconds: float = 0) -> timedelta | None:
    """
    Return how long a job rests that has failed *tries* times, or None when it is to be held.

    Doubles from two seconds to an hour. Trouble that *passes by itself* (somebody else's system is away) is no fault of
    the job, so that one is tried for ever, every ten minutes in the end. Who is busy may ask for *at_least* so long,
    up to the same ten minutes.
    """
    pause = max(_FIRST_PAUSE * (1 << min(tries - 1, TRIES_MAX)), timedelta(seconds=at_least_seconds))
    if passes_by_itself:
        return min(pause, _LONGEST_PAUSE_IN_AN_OUTAGE)
    return min(pause, _LONGEST_PAUSE) if tries < TRIES_MAX else None
