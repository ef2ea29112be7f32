"""
What a refund is, and what is decided about it without asking anybody.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from rsolv import stripe_gateway
from rsolv.jobs import Job
from rsolv.reversals import Paid, paid_by
from rsolv.stripe_gateway import CUSTOMER_KEY

RefundState = Literal["asked", "pending", "succeeded", "failed", "canceled"]
JOB = "refund.advance"
REFUND_KEY = "rsolv_refund_id"
NONCE_KEY = "rsolv_refund_nonce"
STRIPE = "stripe"
MADE_AT_STRIPE = "Made at Stripe."

LEASE = timedelta(seconds=45)
"""
How long a worker may be silent before another one goes on: twice the longest call to Stripe.
"""

KEY_TRUSTED_FOR = timedelta(hours=23)
SERVER_ERRORS_TRUSTED = 3
UNRESOLVED_AFTER = timedelta(days=3)
"""
How long a refund may be without an end before somebody is told. Banks that take their time need days.
"""

UNRESOLVED = "unresolved"
REFUSED_BY_STRIPE = "refused_by_stripe"
EXCEEDS_PAYMENT = "exceeds_payment"
SEVERAL_GRANTS = "several_grants"
_DIGITS_MAX = 18
_FIRST_PAUSE = timedelta(seconds=10)
_LONGEST_PAUSE = timedelta(hours=1)

FINAL: frozenset[RefundState] = frozenset({"succeeded", "failed", "canceled"})
NO_MONEY_BACK: frozenset[RefundState] = frozenset({"failed", "canceled"})
_PLACE: Mapping[RefundState, int] = {"asked": 0, "pending": 1, "succeeded": 2, "failed": 3, "canceled": 3}

# What Stripe will never do, however often it is asked.
_NEVER = frozenset({"charge_already_refunded", "charge_disputed"})

POINTS: Mapping[str, str] = {
    "R1": "in the claiming transaction, before its commit",
    "R2": "claimed, before Stripe is asked",
    "R3": "the refund is made, and nothing of it is known here",
    "R4": "in the settling transaction, before its commit",
    "R5": "settled, as if the answer to the commit had been lost",
}
"""
Where a worker can die on its way, for tests that have it die there.
"""


def nothing(_point: str) -> None:
    """
    Live on.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """
    A refund as it stands. `parked_reason` says why somebody should look, `wake_at` when it goes on by itself.
    """

    id: int
    customer_id: int
    charge_id: int | None
    invoice_id: int | None
    nonce: str
    amount_cents: int
    currency: str
    reason: str
    stripe_reason: stripe_gateway.RefundReason | None
    asked_by: str
    act: str | None
    state: RefundState
    key_number: int
    tries: int
    server_errors: int
    sent_at: datetime | None
    wake_at: datetime | None
    parked_reason: str | None
    stripe_refund_id: str | None
    failure_reason: str | None
    asked_at: datetime
    moved_at: datetime

    @property
    def paid(self) -> Paid:
        """
        Return what it gives back a part of.
        """
        return paid_by(charge_id=self.charge_id, invoice_id=self.invoice_id)


def metadata_of(refund: Refund) -> dict[str, str]:
    """
    Return what stands on the refund at Stripe: by it we know our own again.
    """
    return {CUSTOMER_KEY: str(refund.customer_id), REFUND_KEY: str(refund.id), NONCE_KEY: refund.nonce}


def key_of(refund: Refund) -> str:
    """
    Return the idempotency key under which Stripe is asked now.
    """
    return f"rf:{refund.customer_id}-{refund.id}-{refund.nonce}:{refund.key_number}"


def named_by(theirs: stripe_gateway.Refund) -> int | None:
    """
    Return which refund of ours one at Stripe says to be.
    """
    named = theirs.metadata.get(REFUND_KEY, "")
    return int(named) if named.isascii() and named.isdigit() and len(named) <= _DIGITS_MAX else None


def is_of(refund: Refund, theirs: stripe_gateway.Refund) -> bool:
    """
    Say whether a refund at Stripe was made for this one.
    """
    return metadata_of(refund).items() <= theirs.metadata.items()


def difference(refund: Refund, theirs: stripe_gateway.Refund) -> str | None:
    """
    Name what a refund at Stripe says otherwise than we do.
    """
    if theirs.amount_cents != refund.amount_cents:
        return "amount"
    return "currency" if theirs.currency != refund.currency else None


def believed_state(theirs: stripe_gateway.Refund) -> RefundState:
    """
    Return what the state at Stripe means here; what we do not know is not over.
    """
    if theirs.state in ("succeeded", "failed", "canceled"):
        return theirs.state
    return "pending"


def is_news(refund: Refund, state: RefundState) -> bool:
    """
    Say whether a refund has come further than we knew: what was read earlier and heard later is none.
    """
    return _PLACE[state] > _PLACE[refund.state]


def in_order(theirs: Iterable[stripe_gateway.Refund]) -> list[stripe_gateway.Refund]:
    """
    Return a payment's refunds so that those which failed make room before others take it; then the oldest first.
    """
    return sorted(theirs, key=lambda each: (believed_state(each) not in NO_MONEY_BACK, each.created_at, each.id))


def may_repeat(refund: Refund, *, now: datetime) -> bool:
    """
    Say whether the present key may be sent again: Stripe remembers it, and not an error of its own.
    """
    assert refund.sent_at is not None, "sent before"
    return now < refund.sent_at + KEY_TRUSTED_FOR and refund.server_errors < SERVER_ERRORS_TRUSTED


def is_never(*, code: str | None, param: str | None) -> bool:
    """
    Say whether Stripe refused for good: nothing is left, or the bank has the money.
    """
    return code in _NEVER or param == "amount"


def pause(refund: Refund, *, now: datetime) -> timedelta:
    """
    Return how long to rest before looking again: half of the time it has taken already, an hour at most.
    """
    return min(max((now - refund.asked_at) // 2, _FIRST_PAUSE), _LONGEST_PAUSE)


def left_cents(paid_cents: int, *, taken_back_cents: int, asked_cents: int) -> int:
    """
    Return what may still be asked for, beside what went back and what is on its way.
    """
    return paid_cents - taken_back_cents - asked_cents


def advance_job(*, customer_id: int, refund_id: int, wake_at: datetime, now: datetime, why: str) -> Job:
    """
    Return the job that goes on with a refund at its time.

    The time is in the key, since the job that runs now still holds its own.
    """
    return Job(
        kind=JOB,
        ids={"customer_id": customer_id, "refund_id": refund_id},
        run_after=max(wake_at - now, timedelta(0)),
        dedupe_key=f"{JOB}:{customer_id}:{refund_id}:{int(wake_at.timestamp() * 1000)}:{why}",
    )


def notice_job(refund: Refund, notice: str) -> Job:
    """
    Return the promise to tell the customer what became of a refund.
    """
    return Job(
        kind="mail.send_refund_notice",
        ids={"customer_id": refund.customer_id, "refund_id": refund.id, "notice": notice},
        dedupe_key=f"mail.send_refund_notice:{refund.customer_id}:{refund.id}:{notice}",
    )
