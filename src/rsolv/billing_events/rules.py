"""
What a billing event is, and what is decided about it without asking anybody.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from rsolv.jobs import Job, pause_before_retry
from rsolv.stripe_gateway import API_VERSION, NotAnEvent, StripeEvent

Source = Literal["webhook", "poll"]
Outcome = Literal["waiting", "processed", "ignored", "parked"]
OUTCOMES: tuple[Outcome, ...] = ("waiting", "processed", "ignored", "parked")
JOB = "billing_event.handle"

LEASE = timedelta(minutes=2)
"""
How long a worker may be silent about an event before another one begins anew: far longer than reading takes.
"""

POLLED_AGAIN = timedelta(hours=2)
"""
How far before the last poll's end the next one begins: events may be listed late, and clocks differ.
"""

REMEMBERED_BY_STRIPE = timedelta(days=30)

NO_HANDLER = "no_handler"
NOT_OURS = "not_ours"
NOTHING_YET = "nothing_yet"
WRONG_MODE = "livemode_differs"
WRONG_VERSION = "api_version_differs"
MISSING_AT_STRIPE = "missing_at_stripe"
UNKNOWN_CHARGE = "unknown_charge"
UNKNOWN_SUBSCRIPTION = "unknown_subscription"
SUBSCRIPTION_MIXED_UP = "subscription_mixed_up"
NOT_FINALIZED = "invoice_not_finalized"
INVOICE_NOT_PAID = "invoice_not_paid"
PAYMENT_OWED = "payment_owed"
SUBSCRIBED = "subscribed"
CUSTOMER_DELETED = "customer_deleted_at_stripe"
WORKER_DIED = "worker_died"

_ID = re.compile(r"[0-9A-Za-z_]{1,255}")
_WORD = re.compile(r"[0-9A-Za-z_.\-]{1,255}")
_TYPE = re.compile(r"[0-9A-Za-z_.]{1,255}")
_AMOUNTS = ("amount", "amount_due", "amount_total")
_BIGINT_MAX = 2**63 - 1

POINTS: Mapping[str, str] = {
    "E1": "in the claiming transaction, before its commit",
    "E2": "claimed, before Stripe is asked",
    "E3": "Stripe was asked, before the settling transaction",
    "E4": "in the settling transaction, before its commit",
    "E5": "settled, before the job is finished",
}
"""
Where a worker can die on its way, for tests that have it die there.
"""


def nothing(_point: str) -> None:
    """
    Live on.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """
    An event as it is about to be stored: every word in it checked, so that nothing in it can be refused later.
    """

    stripe_event_id: str
    type: str
    api_version: str | None
    is_thin: bool
    livemode: bool
    happened_at: datetime
    source: Source
    object_id: str | None
    object_kind: str | None
    stripe_customer_id: str | None
    amount_cents: int | None
    currency: str | None
    payload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingEvent:
    """
    An event of Stripe's as it is stored, and what became of it.

    `reason` says why it was ignored or parked, or what went wrong last. `failures` are the attempts that count
    towards parking. `payload` is None once it was erased.
    """

    id: int
    stripe_event_id: str
    type: str
    api_version: str | None
    is_thin: bool
    livemode: bool
    happened_at: datetime
    received_at: datetime
    source: Source
    object_id: str | None
    object_kind: str | None
    stripe_customer_id: str | None
    amount_cents: int | None
    currency: str | None
    payload: str | None
    customer_id: int | None
    outcome: Outcome
    reason: str | None
    attempts: int
    failures: int
    wake_at: datetime | None
    handled_at: datetime | None
    duration_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """
    Which events an operator means; what is None does not matter.
    """

    outcome: Outcome | None = None
    type: str | None = None
    customer_id: int | None = None

    @property
    def is_all(self) -> bool:
        """
        Say whether every event is meant.
        """
        return self == EventFilter()


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What became of an event, why, and whom it was about where that is known.
    """

    outcome: Outcome
    reason: str | None = None
    customer_id: int | None = None


def processed(customer_id: int | None = None) -> Verdict:
    """
    Say that what an event told is true here as well.
    """
    return Verdict("processed", None, customer_id)


def ignored(reason: str, customer_id: int | None = None) -> Verdict:
    """
    Say by which rule an event changes nothing.
    """
    return Verdict("ignored", reason, customer_id)


def parked(reason: str, customer_id: int | None = None) -> Verdict:
    """
    Say why somebody has to look at an event.
    """
    return Verdict("parked", reason, customer_id)


def arrival_of(event: StripeEvent, *, payload: str, source: Source) -> Arrival:
    """
    Make of an event what is stored of it. Words that Stripe would not use are left out.

    Raises:
        NotAnEvent: its id or its type is no word of Stripe's.
    """
    if not _ID.fullmatch(event.id) or not _TYPE.fullmatch(event.type):
        raise NotAnEvent("an id or a type that is none")
    amount_cents, currency = _amount_in(event.raw)
    return Arrival(
        stripe_event_id=event.id,
        type=event.type,
        api_version=_word(event.api_version),
        is_thin=event.is_thin,
        livemode=event.livemode,
        happened_at=event.created_at,
        source=source,
        object_id=_word(event.object_id),
        object_kind=_word(event.object_kind),
        stripe_customer_id=_word(event.stripe_customer_id),
        amount_cents=amount_cents,
        currency=currency,
        payload=payload,
    )


def objection(event: BillingEvent, *, is_handled: bool, livemode: bool) -> Verdict | None:
    """
    Say why an event is not even looked at; None when it is to be handled.

    The version is that of the webhook endpoint, so only what was delivered must have ours: a list shows events in the
    version of the account. A thin event has none.
    """
    if event.livemode is not livemode:
        return parked(WRONG_MODE)
    if not is_handled:
        return ignored(NO_HANDLER)
    if event.source == "webhook" and not event.is_thin and event.api_version != API_VERSION:
        return parked(WRONG_VERSION)
    return None


def pause_after(event: BillingEvent, *, passes_by_itself: bool) -> timedelta | None:
    """
    Return how long an event rests whose handling has failed, or None when it is to be parked.

    From two seconds to an hour, ten times; trouble that passes by itself is waited for, however long it takes.
    """
    tries = event.attempts if passes_by_itself else event.failures
    return pause_before_retry(max(tries, 1), passes_by_itself=passes_by_itself)


def metadata_in(event: BillingEvent) -> Mapping[str, str]:
    """
    Return the metadata that an event says its object has: a hint where to look, nothing to be believed.
    """
    return _words(_part(_raw(event), "data", "object", "metadata"))


def invoiced_subscription_in(event: BillingEvent) -> tuple[str | None, Mapping[str, str]]:
    """
    Return the id and the metadata of the subscription that an event says its invoice is for: hints as well.
    """
    details = _part(_raw(event), "data", "object", "parent", "subscription_details")
    return _word(details.get("subscription")), _words(_part(details, "metadata"))


def word_in(event: BillingEvent, name: str) -> str | None:
    """
    Return a word that an event says its object has, such as the payment's id on a refund: a hint as well.
    """
    return _word(_part(_raw(event), "data", "object").get(name))


def handle_job(event_id: int, *, wake_at: datetime, now: datetime, why: str = "") -> Job:
    """
    Return the job that handles an event at its time, which is in the key: the job that runs still holds its own.
    """
    return Job(
        kind=JOB,
        ids={"billing_event_id": event_id},
        run_after=max(wake_at - now, timedelta(0)),
        dedupe_key=f"{JOB}:{event_id}:{int(wake_at.timestamp() * 1000)}:{why}",
    )


def _raw(event: BillingEvent) -> dict[str, Any]:
    return msgspec.json.decode(event.payload, type=dict[str, Any]) if event.payload is not None else {}


def _amount_in(raw: Mapping[str, Any]) -> tuple[int | None, str | None]:
    subject = _part(raw, "data", "object")
    amount = next((subject[name] for name in _AMOUNTS if type(subject.get(name)) is int), None)
    if amount is None or abs(amount) > _BIGINT_MAX:
        return None, None
    return amount, _word(subject.get("currency"))


def _part(raw: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    found: Any = raw
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _words(found: Mapping[str, Any]) -> Mapping[str, str]:
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _word(found: object) -> str | None:
    return found if isinstance(found, str) and _WORD.fullmatch(found) else None
