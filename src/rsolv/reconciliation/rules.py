"""
What is compared, what can differ, and which differences our own verbs may settle.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from rsolv.jobs import Job

Kind = Literal["payment", "refund", "dispute", "invoice", "subscription"]
Class = Literal["missing_here", "missing_there", "amount", "currency", "owner", "duplicate", "stale"]
Scope = Literal["hour", "day", "restore", "asked"]
KINDS: tuple[Kind, ...] = ("payment", "invoice", "refund", "dispute", "subscription")
"""
In the order in which they are compared: what was paid before what of it went back.
"""

SAFE: frozenset[Class] = frozenset({"missing_here", "stale"})
"""
What may be settled by reading the object and believing it, as an event of Stripe's would have us do.
"""

BACK: dict[Scope, timedelta] = {"hour": timedelta(hours=3), "day": timedelta(days=35)}
"""
How far back the runs by the clock go.
"""

BEFORE_BACKUP = timedelta(hours=1)
"""
How much earlier than the backup a restored database is compared from: clocks of ours and of Stripe's may differ.
"""

INVOICED_BEFORE = timedelta(days=4)
"""
How long before its payment an invoice can have been made: Stripe may wait 72 hours before it finalizes one
(docs.stripe.com/billing/invoices/subscription).
"""

HELD_AGAIN_AFTER = timedelta(minutes=1)
AGREES_NOW = "Both sides say the same now."
REASON_LENGTH_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """
    That one object is otherwise at Stripe than here. *ours* and *theirs* are what each side says, in a few words.

    `is_ours_to_settle`: our verbs may try to make it true here; whether it then is, is compared once more.
    """

    kind: Kind
    klass: Class
    stripe_object_id: str
    customer_id: int | None
    ours: str
    theirs: str
    amount_cents: int
    currency: str | None
    is_ours_to_settle: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """
    A difference that somebody has to look at, from when it was found until it is closed.
    """

    id: int
    kind: Kind
    klass: Class
    stripe_object_id: str
    customer_id: int | None
    ours: str
    theirs: str
    amount_cents: int
    currency: str | None
    found_at: datetime
    seen_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    close_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """
    That this database is a copy of an earlier time, which has not been made good yet.
    """

    id: int
    backup_made_at: datetime
    restored_at: datetime

    @property
    def since(self) -> datetime:
        """
        Return from when on it has to be compared.
        """
        return self.backup_made_at - BEFORE_BACKUP


@dataclass(slots=True)
class Counts:
    """
    What came of comparing one kind: how many objects, and how many were settled, rebuilt or still differ.

    All others agree. `foreign` are objects at Stripe that are about nobody here; they are not counted as compared.
    """

    compared: int = 0
    settled: int = 0
    rebuilt: int = 0
    differing: int = 0
    foreign: int = 0

    @property
    def agreeing(self) -> int:
        """
        Return how many said the same at once.
        """
        return self.compared - self.settled - self.rebuilt - self.differing


@dataclass(slots=True, kw_only=True)
class Report:
    """
    What a run came to: the counts of each kind, and every difference that is left.
    """

    since: datetime
    kinds: dict[Kind, Counts] = field(default_factory=lambda: {kind: Counts() for kind in KINDS})
    differences: list[Difference] = field(default_factory=list)

    @property
    def total(self) -> Counts:
        """
        Return the sum over all kinds.
        """
        every = self.kinds.values()
        return Counts(
            compared=sum(each.compared for each in every),
            settled=sum(each.settled for each in every),
            rebuilt=sum(each.rebuilt for each in every),
            differing=sum(each.differing for each in every),
            foreign=sum(each.foreign for each in every),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """
    One comparison of everything, as it is remembered; `stopped_by` says what kept it from its end.
    """

    id: int
    scope: Scope
    since: datetime
    began_at: datetime
    ended_at: datetime | None
    stopped_by: str | None
    compared: int
    settled: int
    rebuilt: int
    differing: int


Told = Callable[[Kind, int], None]
"""
Hears how many more objects of a kind have been compared.
"""


def tell_nobody(_kind: Kind, _more: int) -> None:
    """
    Keep progress to oneself.
    """


def notice_job(discrepancy: Discrepancy) -> Job:
    """
    Return the promise to tell the operators of a discrepancy, once.
    """
    return Job(
        kind="mail.send_discrepancy_notice",
        ids={"discrepancy_id": discrepancy.id},
        dedupe_key=f"mail.send_discrepancy_notice:{discrepancy.id}",
    )
