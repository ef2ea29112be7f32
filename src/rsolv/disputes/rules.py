"""
What a dispute is, which reading of it is the newer one, and what follows for books, charges and people.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from rsolv.charges import DisputeState
from rsolv.jobs import Job
from rsolv.reversals import Paid, paid_by
from rsolv.stripe_gateway import Dispute as TheirDispute
from rsolv.stripe_gateway import DisputeStage

Money = Literal["untouched", "taken", "restored"]
Move = Literal["take", "restore"]

DISPUTED = "disputed"
"""
Why a charge waits whose customer has taken another one back.
"""

REASON_LENGTH_MAX = 500
LOOK_JOB = "dispute.look"
RETRY_JOB = "dispute.retry_held"
NOT_PAID_HERE = "charge_not_paid"
MORE_THAN_CAPTURED = "more_than_captured"
SEVERAL_GRANTS = "several_grants"
MISSING_AT_STRIPE = "missing_at_stripe"
_BY_WEIGHT: tuple[DisputeState, ...] = ("disputed", "lost", "inquiry", "won", "none")
_WORDS: Mapping[DisputeStage, DisputeState] = {
    "inquiry": "inquiry",
    "prevented": "none",
    "open": "disputed",
    "won": "won",
    "lost": "lost",
    "unknown": "disputed",
}
_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE, _LONGEST_PAUSE_WHEN_PARKED = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disputed:
    """
    What has to agree between a dispute and the charge or the invoice it is about; of an invoice the mode is not kept.
    """

    customer_id: int
    paid: Paid
    amount_cents: int
    currency: str
    livemode: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """
    A dispute as we last read it, what our books have of it, and whether it freezes its customer's charges.
    """

    customer_id: int
    id: int
    charge_id: int | None
    invoice_id: int | None
    stripe_dispute_id: str
    stage: DisputeStage
    stripe_state: str
    movements: int
    is_withdrawn: bool
    money: Money
    taken_at_movement: int | None
    freezes_charges: bool
    parked_reason: str | None
    amount_cents: int
    currency: str
    reason: str
    respond_by: datetime | None
    wake_at: datetime | None
    opened_at: datetime
    changed_at: datetime
    closed_at: datetime | None
    released_at: datetime | None
    released_by: str | None
    release_reason: str | None

    @property
    def paid(self) -> Paid:
        """
        Return what it is about.
        """
        return paid_by(charge_id=self.charge_id, invoice_id=self.invoice_id)


def difference(disputed: Disputed, known: Dispute, theirs: TheirDispute) -> str | None:
    """
    Name what a dispute says otherwise than what was paid, or than itself before; None when all agrees.

    What is taken back was so much and stays so much. Money moves away and back in turn: so an odd number of movements
    leaves it away, and anything else is more than we understand.
    """
    differs = {
        "livemode": disputed.livemode not in (None, theirs.livemode),
        "currency": theirs.currency != disputed.currency,
        "amount": not 0 < theirs.amount_cents <= disputed.amount_cents
        or (known.money == "taken" and theirs.amount_cents != known.amount_cents),
        "movements": theirs.is_withdrawn != bool(theirs.movements % 2),
    }
    return next((f"{what}_differs" for what, is_different in differs.items() if is_different), None)


def is_older(known: Dispute, theirs: TheirDispute) -> bool:
    """
    Say whether a reading is older than the one we have: movements of money are added at Stripe and never taken away.

    So where two agree in their number they agree in where the money is, and only the stage may be the older.
    """
    return theirs.movements < known.movements


def move_of(known: Dispute, theirs: TheirDispute) -> Move | None:
    """
    Say what our books have to do so that they have the money where Stripe has it.
    """
    if theirs.is_withdrawn:
        return None if known.money == "taken" else "take"
    return "restore" if known.money == "taken" else None


def reversal_of(stripe_dispute_id: str, *, movement: int) -> str:
    """
    Return under which id a withdrawal is taken back: the dispute's own, unless the money had been back before.
    """
    return stripe_dispute_id if movement == 1 else f"{stripe_dispute_id}_{movement}"


def state_of_paid(disputes: Iterable[Dispute]) -> DisputeState:
    """
    Say in one word how a charge or an invoice stands by all its disputes: what weighs most.
    """
    words = {_WORDS[dispute.stage] for dispute in disputes}
    return next(word for word in _BY_WEIGHT if word in words | {"none"})


def freezes(known: Dispute, theirs: TheirDispute) -> bool:
    """
    Say whether a dispute freezes its customer's charges: from each withdrawal until the money is back.

    An operator may lift it before; it then stays lifted until money goes once more.
    """
    is_new = theirs.movements > known.movements
    return theirs.is_withdrawn and (is_new or known.freezes_charges)


def is_over(theirs: TheirDispute) -> bool:
    """
    Say whether nothing more is to be expected: decided, and the money where the decision puts it.
    """
    if theirs.stage == "lost":
        return theirs.is_withdrawn
    is_ended = theirs.stage in ("won", "prevented") or theirs.stripe_state == "warning_closed"
    return is_ended and not theirs.is_withdrawn


def pause_before_look(*, changed_at: datetime, is_parked: bool, now: datetime) -> timedelta:
    """
    Return how long to wait before reading a dispute again: as long as nothing has changed, within bounds.
    """
    longest = _LONGEST_PAUSE_WHEN_PARKED if is_parked else _LONGEST_PAUSE
    return min(max(now - changed_at, _FIRST_PAUSE), longest)


def next_look(*, changed_at: datetime, is_over: bool, is_parked: bool, now: datetime) -> datetime | None:
    """
    Say when to read a dispute again; None: no more.

    Who changes anything promises one more look: had their reading been older than what they changed, that one finds it.
    """
    if is_over and not is_parked and now > changed_at:
        return None
    return now + pause_before_look(changed_at=changed_at, is_parked=is_parked, now=now)


def look_job(stripe_dispute_id: str, *, why: str = "") -> Job:
    """
    Return the promise to read a dispute and believe it. Also for one that we have not heard of.
    """
    return Job(
        kind=LOOK_JOB,
        ids={"stripe_dispute_id": stripe_dispute_id},
        dedupe_key=f"{LOOK_JOB}:{stripe_dispute_id}:{why}",
    )


def retry_job(customer_id: int) -> Job:
    """
    Return the promise to go on with the charges that waited for a freeze to be lifted.

    Without a dedupe key: a job that runs already may have looked before the change that this one is promised for.
    """
    return Job(kind=RETRY_JOB, ids={"customer_id": customer_id})


def notice_job(known: Dispute, notice: str) -> Job:
    """
    Return the promise to tell the operators what became of a dispute.
    """
    return Job(
        kind="mail.send_dispute_notice",
        ids={"customer_id": known.customer_id, "dispute_id": known.id, "notice": notice},
        dedupe_key=f"mail.send_dispute_notice:{known.customer_id}:{known.id}:{notice}",
    )
