"""
How much of a payment's credits goes back with its money, and what becomes receivable.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rsolv.charges import DisputeState

ReversalKind = Literal["refund", "dispute"]
ReversalState = Literal["taken", "restored"]
SourceKind = Literal["charge", "invoice"]

ACCOUNTS: dict[ReversalKind, str] = {"refund": "refunded", "dispute": "disputed"}
SOURCES: dict[ReversalKind, str] = {"refund": "refund_reversal", "dispute": "dispute_reversal"}


@dataclass(frozen=True, slots=True)
class Paid:
    """
    What was paid and can be taken back: a charge, or an invoice of a subscription, by its id.
    """

    kind: SourceKind
    id: int

    def __str__(self) -> str:
        """
        Return how it is named to people.
        """
        return f"{self.kind} {self.id}"

    @property
    def charge_id(self) -> int | None:
        """
        Return which charge it is, if it is one.
        """
        return self.id if self.kind == "charge" else None

    @property
    def invoice_id(self) -> int | None:
        """
        Return which invoice it is, if it is one.
        """
        return self.id if self.kind == "invoice" else None

    @property
    def facts(self) -> dict[str, object]:
        """
        Return what postings, records and errors say that it is.
        """
        return {f"{self.kind}_id": self.id}


def paid_by(*, charge_id: int | None, invoice_id: int | None) -> Paid:
    """
    Return what was paid, from a row that names one or the other.
    """
    if charge_id is not None:
        return Paid("charge", charge_id)
    assert invoice_id is not None, "a row names one of them"
    return Paid("invoice", invoice_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """
    What is taken back: a payment and the credits it bought, in the bucket of one grant (None: it bought none).
    """

    kind: SourceKind
    id: int
    paid_cents: int
    currency: str
    credits_granted: int
    grant_posting_id: int | None

    @property
    def paid(self) -> Paid:
        """
        Return what it was paid for.
        """
        return Paid(self.kind, self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversible:
    """
    What was paid, by which payments at Stripe, and which grants that brought, as who takes it back holds it.
    """

    paid: Paid
    amount_cents: int
    currency: str
    stripe_payment_ids: tuple[str, ...]
    credits: int
    grant_posting_ids: tuple[int, ...]
    amount_refunded_cents: int
    amount_disputed_cents: int
    dispute_state: DisputeState

    @property
    def source(self) -> Source | None:
        """
        Return the payment with the grant that it bought; None when it bought several, which no rule divides.
        """
        if len(self.grant_posting_ids) > 1:
            return None
        return Source(
            kind=self.paid.kind,
            id=self.paid.id,
            paid_cents=self.amount_cents,
            currency=self.currency,
            credits_granted=self.credits,
            grant_posting_id=next(iter(self.grant_posting_ids), None),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal:
    """
    One refund or dispute as it stands in the books. Restored, it holds nothing any more.
    """

    id: int
    customer_id: int
    kind: ReversalKind
    stripe_object_id: str
    source_kind: SourceKind
    source_id: int
    charge_id: int | None
    paid_cents: int
    credits_granted: int
    grant_posting_id: int | None
    amount_cents: int
    currency: str
    credits_due: int
    credits_taken: int
    receivable_cents: int
    corrections: int
    state: ReversalState
    money_posting_id: int
    taken_at: datetime
    restored_at: datetime | None

    @property
    def shortfall_credits(self) -> int:
        """
        Return how many of the credits due are spent.
        """
        return self.credits_due - self.credits_taken

    @property
    def source(self) -> Source:
        """
        Return what it takes back a part of.
        """
        return Source(
            kind=self.source_kind,
            id=self.source_id,
            paid_cents=self.paid_cents,
            currency=self.currency,
            credits_granted=self.credits_granted,
            grant_posting_id=self.grant_posting_id,
        )


@dataclass(frozen=True, slots=True)
class Share:
    """
    What one reversal takes: credits due, how many of them are still there, and what is owed for the others.
    """

    credits_due: int
    credits_taken: int
    receivable_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeReversed:
    """
    The event: a part of a charge was taken back, or restored, in the transaction that posts it.
    """

    customer_id: int
    charge_id: int
    kind: ReversalKind
    amount_cents: int
    is_restored: bool
    occurred_at: datetime


def credits_due(source: Source, reversed_cents: int) -> int:
    """
    Return how many credits go back with so much of the payment, rounded down: the last cent takes the last one.
    """
    return source.credits_granted * reversed_cents // source.paid_cents


def receivable_cents(amount_cents: int, *, due: int, taken: int) -> int:
    """
    Return the part of an amount given back that stands for credits which are spent, rounded down.
    """
    return amount_cents * (due - taken) // due if due else 0


def shares(source: Source, amounts_cents: Sequence[int], *, credits_takable: int) -> list[Share]:
    """
    Say what each reversal of a payment takes, in the order in which they came, of the credits that can be taken.

    Each is due what it adds to the whole, so that parts sum to what one reversal of the same amount would take. The
    first to come is the first to be satisfied.
    """
    found, before_cents = [], 0
    for amount_cents in amounts_cents:
        after_cents = before_cents + amount_cents
        due = credits_due(source, after_cents) - credits_due(source, before_cents)
        taken = min(due, credits_takable)
        found.append(Share(due, taken, receivable_cents(amount_cents, due=due, taken=taken)))
        before_cents, credits_takable = after_cents, credits_takable - taken
    return found


def money_moves(kind: ReversalKind, *, amount_cents: int, receivable_cents: int) -> dict[str, int]:
    """
    Say what moves on which accounts when so much is given back, of which a part is owed to us for spent credits.
    """
    moves = {
        "processor": -amount_cents,
        "receivable": receivable_cents,
        ACCOUNTS[kind]: amount_cents - receivable_cents,
    }
    return {account: cents for account, cents in moves.items() if cents}


def left_cents(source: Source, live: Iterable[Reversal]) -> int:
    """
    Return what has not been taken back.
    """
    return source.paid_cents - sum(reversal.amount_cents for reversal in live)
