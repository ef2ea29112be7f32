"""
What a charge is, and what is decided about it without asking anybody.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from rsolv.jobs import Job
from rsolv.stripe_gateway import CUSTOMER_KEY, Payment

Ending = Literal["canceled", "uncollectible"]
_Live = Literal["created", "preparing", "prepared", "confirming", "succeeded", "requires_action", "declined", "unknown"]
ChargeState = Literal[_Live, Ending]
AttemptKind = Literal["create", "confirm"]
Outcome = Literal[
    "made", "succeeded", "declined", "requires_action", "processing", "canceled", "refused", "not_executed", "unknown"
]
DisputeState = Literal["none", "inquiry", "disputed", "won", "lost"]
RefundState = Literal["none", "partly_refunded", "refunded"]
FINAL: frozenset[ChargeState] = frozenset({"succeeded", "canceled", "uncollectible"})
JOB = "charge.advance"
CREDITS_PER_CHARGE = 1
CHARGE_KEY = "rsolv_charge_id"
"""
The metadata key under which our id of a charge stands on its payment at Stripe.
"""

NONCE_KEY = "rsolv_charge_nonce"

LEASE = timedelta(seconds=45)
"""
How long a worker may be silent before another one goes on: twice the longest call to Stripe.
"""

KEY_TRUSTED_FOR = timedelta(hours=23)
"""
How long after it was first sent an attempt may be sent again: Stripe remembers keys for a day.
"""

SERVER_ERRORS_TRUSTED = 3
"""
After so many errors of Stripe's own, it is taken to repeat a stored one, and the truth is read instead.
"""

DUNNING_DAYS = (0, 1, 3, 5, 7)
"""
When a declined card is tried again, in days after its first decline.
"""

UNRESOLVED_ALERT_AFTER = timedelta(days=1)
ACTION_EXPECTED_FOR = timedelta(days=DUNNING_DAYS[-1])
LOOK_FOR_CUSTOMER_EVERY = timedelta(hours=1)
LOOK_AGAIN_WHEN_HELD = timedelta(minutes=10)
_FIRST_PAUSE = timedelta(seconds=2)
_LONGEST_PAUSE = timedelta(minutes=10)

BILLING_OFF = "billing_off"
NO_CONSENT = "no_consent"
NO_PAYMENT_METHOD = "no_payment_method"
CARD_REFUSED = "card_refused"
DUNNING_EXHAUSTED = "dunning_exhausted"
ACTION_EXPIRED = "action_expired"
REFUSED_BY_STRIPE = "refused_by_stripe"
KEY_REUSED = "key_reused"
PARAMETERS_CHANGED = "parameters_changed"
UNRESOLVED = "unresolved"
PAID_AFTER_END = "paid_after_end"
ORPHAN_PAID = "orphan_paid"
ENDED_AT_STRIPE = "ended_at_stripe"
RESTORED = "restored"  # the database is a copy of an earlier time, not yet compared with Stripe
NOT_COLLECTED = frozenset({NO_CONSENT, NO_PAYMENT_METHOD, CARD_REFUSED, DUNNING_EXHAUSTED, ACTION_EXPIRED})
"""
Why a charge may rest through its customer: from then on, as from a decline, its debt is overdue.
"""

_OURS = frozenset({BILLING_OFF, REFUSED_BY_STRIPE, KEY_REUSED, PARAMETERS_CHANGED, UNRESOLVED, ORPHAN_PAID, RESTORED})
CURED_BY_A_NEW_CARD = (
    NO_CONSENT,
    NO_PAYMENT_METHOD,
    CARD_REFUSED,
    DUNNING_EXHAUSTED,
    ACTION_EXPIRED,
    REFUSED_BY_STRIPE,
)
"""
Why a charge may rest that a new card, with its consent, sets going again.
"""

POINTS: Mapping[str, str] = {
    "X3": "in the claiming transaction, before its commit",
    "X4": "claimed, before the payment is created",
    "X5": "the payment is created, and nothing of it is known here",
    "X6": "in the storing transaction, before its commit",
    "X7": "the payment's id is stored",
    "X8": "in the arming transaction, before its commit",
    "X9": "armed, before the payment is confirmed",
    "X10": "the payment is confirmed, and nothing of it is known here",
    "X11": "in the settling transaction, before its commit",
    "X12": "settled, as if the answer to the commit had been lost",
    "X13": "all is done, before the job is finished",
}
"""
Where a worker can die on its way, for tests that have it die there.
"""


def nothing(_point: str) -> None:
    """
    Live on.
    """


@dataclass(frozen=True, slots=True)
class Held:
    """
    Why a charge that could be made is not, and when to look again; None: when somebody says so.
    """

    reason: str
    look_again_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """
    A charge as its customer sees it. `parked_reason` says why it rests, `wake_at` when it goes on by itself.
    """

    id: int
    fix_id: int
    state: ChargeState
    amount_cents: int
    currency: str
    plan: str
    catalog_version_id: int
    api_key_id: int
    description: str
    parked_reason: str | None
    wake_at: datetime | None
    declines: int
    failure_code: str | None
    decline_code: str | None
    link_token: str = field(repr=False)
    stripe_payment_id: str | None
    created_at: datetime
    settled_at: datetime | None
    late_cents: int | None
    amount_refunded_cents: int
    amount_disputed_cents: int
    dispute_state: DisputeState
    rebuilt_at: datetime | None

    @property
    def refund_state(self) -> RefundState:
        """
        Say how much of what was paid has gone back, apart from disputes.
        """
        if self.amount_refunded_cents == 0:
            return "none"
        paid_cents = self.late_cents or self.amount_cents
        return "refunded" if self.amount_refunded_cents == paid_cents else "partly_refunded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent(Charge):
    """
    A charge as the machine needs it, read under its lock.
    """

    customer_id: int
    debt_id: int
    debt_state: str
    nonce: str
    fence: int
    lease_left: timedelta
    ending: Ending | None
    stripe_customer_id: str | None
    livemode: bool | None
    attempts: int
    consent_id: int | None
    payment_method_id: int | None
    dunning_began_at: datetime | None
    unresolved_since: datetime | None
    moved_at: datetime
    repository: str
    issue_number: int
    commit_sha: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """
    A call written down before it was made.
    """

    id: int
    kind: AttemptKind
    number: int
    key: str
    parameter_hash: str
    consent_id: int | None
    payment_method_id: int | None
    customer_present: bool
    seen_before: str
    sent_at: datetime
    tries: int
    server_errors: int
    outcome: Outcome | None
    stripe_request_id: str | None
    answered_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeSettled:
    """
    The event: a charge was paid, in the transaction that posts its money and credits.
    """

    customer_id: int
    charge_id: int
    fix_id: int
    amount_cents: int
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargePaidAfterEnd:
    """
    The event: somebody paid a charge that had ended, in the transaction that posts the money; it is to be given back.
    """

    customer_id: int
    charge_id: int
    amount_cents: int
    occurred_at: datetime


def marks_of(intent: Intent) -> dict[str, str]:
    """
    Return what tells the payment at Stripe of one charge from all others, those of other installations too.
    """
    return {
        CUSTOMER_KEY: str(intent.customer_id),
        CHARGE_KEY: str(intent.id),
        NONCE_KEY: intent.nonce,
        "rsolv_fix_id": str(intent.fix_id),
        "rsolv_amount_cents": str(intent.amount_cents),
        "rsolv_catalog_version": str(intent.catalog_version_id),
    }


def metadata_of(intent: Intent) -> dict[str, str]:
    """
    Return what stands on the payment at Stripe: its marks, and enough to build the charge anew should we lose it.
    """
    return marks_of(intent) | {
        "rsolv_plan": intent.plan,
        "rsolv_api_key_id": str(intent.api_key_id),
        "rsolv_repository": intent.repository,
        "rsolv_issue_number": str(intent.issue_number),
        "rsolv_commit": intent.commit_sha,
    }


def key_of(intent: Intent, kind: AttemptKind, number: int) -> str:
    """
    Return the idempotency key of one attempt.
    """
    return f"ci:{intent.customer_id}-{intent.id}-{intent.nonce}:{kind}:{number}"


def create_hash(intent: Intent) -> str:
    """
    Return a digest of what is asked of Stripe when the payment is created.
    """
    return _digest(intent.customer_id, intent.amount_cents, intent.currency, intent.description, metadata_of(intent))


def confirm_hash(intent: Intent, *, stripe_payment_method_id: str, return_url: str | None) -> str:
    """
    Return a digest of what is asked of Stripe when the payment is confirmed.
    """
    way_back = () if return_url is None else (return_url,)
    return _digest(intent.stripe_payment_id, stripe_payment_method_id, *way_back)


def _digest(*parameters: object) -> str:
    return hashlib.sha256(msgspec.json.encode(parameters, order="deterministic")).hexdigest()


def is_of(intent: Intent, payment: Payment) -> bool:
    """
    Say whether a payment at Stripe was made for this charge.
    """
    return marks_of(intent).items() <= payment.metadata.items()


def difference(intent: Intent, payment: Payment, *, stripe_customer_id: str, livemode: bool) -> str | None:
    """
    Name what a payment at Stripe says otherwise than we do; None when it is the charge's own, whole.
    """
    differs = {
        "payment": intent.stripe_payment_id not in (None, payment.id),
        "amount": payment.amount_cents != intent.amount_cents,
        "received": payment.state == "succeeded" and payment.amount_received_cents != intent.amount_cents,
        "currency": payment.currency != intent.currency,
        "customer": payment.stripe_customer_id != stripe_customer_id,
        "livemode": payment.livemode != livemode,
        # What was rebuilt has an id of its own, and on its payment stands that of the charge which was lost.
        "metadata": intent.rebuilt_at is None and not is_of(intent, payment),
    }
    return next((what for what, is_different in differs.items() if is_different), None)


def looks(payment: Payment | None) -> str:
    """
    Return how the last failure of a payment looks: it looks otherwise after another one.
    """
    if payment is None or (payment.charge_id is None and payment.decline is None):
        return ""
    decline = payment.decline
    words = (payment.charge_id, decline and decline.code, decline and decline.decline_code)
    return "/".join(word or "" for word in words)


def may_repeat(attempt: Attempt, *, now: datetime) -> bool:
    """
    Say whether an attempt whose outcome we do not know may be sent again under its key.
    """
    is_open = attempt.outcome in (None, "unknown", "not_executed")
    is_fresh = now < attempt.sent_at + KEY_TRUSTED_FOR
    return is_open and is_fresh and attempt.server_errors < SERVER_ERRORS_TRUSTED


def pause(*, began_at: datetime, now: datetime, charge_id: int, longest: timedelta = _LONGEST_PAUSE) -> timedelta:
    """
    Return how long to rest before looking again: half of the time it has taken already, within bounds.

    Spread by the charge, so that not all come back at once after an outage.
    """
    rest = min(max((now - began_at) // 2, _FIRST_PAUSE), longest)
    spread_percent = int(hashlib.sha256(f"{charge_id}/{rest}".encode()).hexdigest()[:4], 16) % 25
    return rest + rest * spread_percent // 100


def after_decline(*, declines: int, began_at: datetime, is_hard: bool, goes_on_at_once: bool, now: datetime) -> Held:
    """
    Say when a charge is tried again that was declined so many times since *began_at*, and why it rests if not.

    Where there is another card, or somebody who wants it to end, it goes on at once; a card that may not be tried again
    is not.
    """
    if goes_on_at_once:
        return Held("", now)
    if is_hard:
        return Held(CARD_REFUSED)
    if declines >= len(DUNNING_DAYS):
        return Held(DUNNING_EXHAUSTED)
    return Held("", max(began_at + timedelta(days=DUNNING_DAYS[declines]), now))


def concerns_customer(reason: str) -> bool:
    """
    Say whether a charge rests for something that its customer can change or should know.
    """
    return reason not in _OURS and not reason.endswith("_differs")


def advance_job(*, customer_id: int, charge_id: int, wake_at: datetime, now: datetime, why: str = "") -> Job:
    """
    Return the job that goes on with a charge at its time.

    The time is in the key, since the job that runs now still holds its own.
    """
    return Job(
        kind=JOB,
        ids={"customer_id": customer_id, "charge_id": charge_id},
        run_after=max(wake_at - now, timedelta(0)),
        dedupe_key=f"{JOB}:{customer_id}:{charge_id}:{int(wake_at.timestamp() * 1000)}:{why}",
    )


def notice_job(intent: Intent, notice: str) -> Job:
    """
    Return the promise to tell the customer what became of a charge.
    """
    return Job(
        kind="mail.send_charge_notice",
        ids={"customer_id": intent.customer_id, "charge_id": intent.id, "notice": notice},
        dedupe_key=f"mail.send_charge_notice:{intent.customer_id}:{intent.id}:{notice}:{intent.attempts}",
    )
