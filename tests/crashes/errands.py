"""
What a process is sent to do, and what became of it: the words between the tests and the nursery.
"""

from typing import Literal

import msgspec

from crashes.deadlines import ERRAND_SECONDS

Fate = Literal["killed", "frozen", "left", "failed"]
"""
How an errand ended: by SIGKILL; stopped where it was and still there; in order; by an exception.
"""

CommitFate = Literal["answer lost", "never arrived", "on its way"]
"""
What becomes of a commit whose connection is lost: done, not done, or nobody knows.
"""


class Errand(msgspec.Struct, kw_only=True):
    """
    One errand for a process of its own.

    `act` is a name of `acts.ACTS`. At the point `die_at` the process kills itself, at `freeze_at` it stops. Calls to
    Stripe are given up after `patience_seconds`; the process takes the time to be `hours_later`. The act "thaw" lets
    the frozen process `pid` go on to its end. After `seconds` it is given up. The connection that sends the commit
    number `commit_cut` is lost, with the `commit_fate`.
    """

    act: str
    database_url: str
    stripe_url: str
    charges: list[tuple[int, int]] = []
    issue_number: int = 0
    customer_id: int = 0
    api_key_id: int = 0
    die_at: str = ""
    freeze_at: str = ""
    racers: list[str] = []
    seed: int = 0
    patience_seconds: float = 20
    hours_later: int = 0
    pid: int = 0
    seconds: float = ERRAND_SECONDS
    commit_cut: int = 0
    commit_fate: CommitFate = "answer lost"


class Ended(msgspec.Struct, kw_only=True):
    """
    What became of an errand: the process, and in its own words what it did or what it failed with.
    """

    fate: Fate
    pid: int
    said: list[str] = []
