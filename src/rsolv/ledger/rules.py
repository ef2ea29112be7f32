"""
Values and pure decisions of the ledger.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

ASSET = "credit"


@dataclass(frozen=True, slots=True)
class Cause:
    """
    What makes a posting happen. It posts at most once for ever, per *leg* where one cause has several postings.
    """

    kind: str
    id: str
    leg: str = "main"


@dataclass(frozen=True, slots=True)
class Basis:
    """
    What a posting was decided from, kept with it so that every move can be explained later.
    """

    catalog_version_id: int | None = None
    price_cents: int | None = None
    consent_id: int | None = None
    api_key_id: int | None = None
    fix_id: int | None = None


NO_BASIS = Basis()


@dataclass(frozen=True, slots=True)
class Posted:
    """
    One posting as it moved the customer's available credits. `repeated`: an earlier call had made it.
    """

    posting_id: int
    credits: int
    balance_after: int
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class MoneyPosted:
    """
    One posting that moved money. `repeated`: an earlier call had made it.
    """

    posting_id: int
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Reversed:
    """
    What a reversal moved. `shortfall_credits` were granted by the reversed posting but are spent already.
    """

    posting_id: int
    credits: int
    balance_after: int
    shortfall_credits: int = 0
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class TakenBack:
    """
    What was taken back of a grant. `shortfall_credits` were due and are spent; nothing taken, no posting.
    """

    posting_id: int | None
    credits: int
    shortfall_credits: int
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Bucket:
    """
    A grant with what it held at first and what it holds now.
    """

    grant_id: int
    credits: int
    remaining: int


@dataclass(frozen=True, slots=True)
class Account:
    """
    One account of a customer with its balance in whole credits.
    """

    id: int
    kind: str
    balance: int
    entries: int


@dataclass(frozen=True, slots=True)
class CreditTransaction:
    """
    One move of the available credits, as customers and operators see it.
    """

    id: int
    seq: int
    amount: int
    balance_after: int
    source: str
    metadata: dict[str, object]
    inserted_at: datetime
    posting_id: int


@dataclass(frozen=True, slots=True)
class PostedEntry:
    """
    One entry of a posting, as a reversal needs it.
    """

    account_kind: str
    grant_id: int | None
    amount: int
    grant_remaining: int | None


@dataclass(frozen=True, slots=True)
class EntryToPost:
    """
    One entry about to be posted: which account moves, by how much, out of or into which grant.
    """

    account_kind: str
    amount: int
    grant_id: int | None = None


@dataclass(frozen=True, slots=True)
class Invariant:
    """
    Something that must hold of the books; `sql` yields one row: checked, breaches, example.
    """

    id: str
    promise: str
    sql: str


@dataclass(frozen=True, slots=True)
class Finding:
    """
    How an invariant stands: how many things were looked at, how many breach it, and one of them.
    """

    id: str
    promise: str
    checked: int
    breaches: int
    example: str | None = field(default=None)


def breached(findings: Iterable[Finding]) -> list[Finding]:
    """
    Return those that do not hold.
    """
    return [finding for finding in findings if finding.breaches]


def entries_undoing(entries: Iterable[PostedEntry]) -> list[EntryToPost]:
    """
    Say which entries undo a posting.

    A consumption flows back into the very grants it came from. A grant is taken back into `reversed`, and only as
    far as it is still unspent: what is spent already stays spent and is the caller's shortfall.
    """
    moves = list(entries)
    if any(entry.account_kind == "issued" for entry in moves):
        return _taking_back(moves)
    return [EntryToPost(entry.account_kind, -entry.amount, entry.grant_id) for entry in moves]


def _taking_back(entries: list[PostedEntry]) -> list[EntryToPost]:
    taken = [
        EntryToPost(entry.account_kind, -entry.grant_remaining, entry.grant_id)
        for entry in entries
        if entry.account_kind == "available" and entry.grant_remaining
    ]
    if not taken:
        return []
    return [*taken, EntryToPost("reversed", -sum(entry.amount for entry in taken))]


def shortage_in_undoing(undoing: Iterable[EntryToPost], entries: Iterable[PostedEntry]) -> tuple[int, int] | None:
    """
    Say (credits needed, credits left) where undoing draws more from a grant than it still holds, else None.

    Only undoing a reversal can: the credits it had given back may have been spent since.
    """
    held = {entry.grant_id: entry.grant_remaining or 0 for entry in entries if entry.grant_id is not None}
    drawn = {entry.grant_id: -entry.amount for entry in undoing if entry.grant_id is not None}
    if all(credits_drawn <= held[grant_id] for grant_id, credits_drawn in drawn.items()):
        return None
    return sum(drawn.values()), sum(held.values())


def draws_taking(credits_taken: int, buckets: Iterable[tuple[int, int]]) -> list[EntryToPost]:
    """
    Say what to draw from each bucket (grant id, remaining), in the given order, until enough is taken.
    """
    draws = []
    for grant_id, remaining in buckets:
        drawn = min(remaining, credits_taken)
        if drawn > 0:
            draws.append(EntryToPost("available", -drawn, grant_id))
            credits_taken -= drawn
    return draws
