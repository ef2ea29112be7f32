"""
What charging came to: by the database's times, by what the twin heard and by its payments.
"""

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from bench.latencies import Percentiles, percentiles
from rsolv import charges, fixes, ledger
from rsolv.db import Connection
from rsolv.stripe_gateway.limiter import endpoint_of


@dataclass(frozen=True)
class Heard:
    """
    What the twin heard of one endpoint: how many calls, how many in the fullest second, how many it refused.
    """

    endpoint: str
    calls: int
    most_in_a_second: int
    refused: int


@dataclass(frozen=True)
class Settled:
    """
    What became of the charges accepted since a moment.
    """

    accepted: int
    settled: int
    seconds: float
    latency: Percentiles

    @property
    def per_second(self) -> float:
        """
        Charges settled a second, from the first acceptance to the last settlement.
        """
        return self.settled / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class Matching:
    """
    Payments that succeeded at the twin against postings of their money here, and what is wrong with the books.
    """

    payments: int
    postings: int
    unmatched: int
    breaches: list[str]

    @property
    def is_exact(self) -> bool:
        """
        Whether every payment has its one posting, every posting its payment, and every invariant holds.
        """
        return self.payments == self.postings and not self.unmatched and not self.breaches


class _Line(msgspec.Struct):
    kind: str
    heard_at: float = 0.0
    method: str = ""
    path: str = ""
    status: int = 0
    answer: msgspec.Raw = msgspec.Raw(b"{}")


class _Payment(msgspec.Struct):
    id: str = ""
    object: str = ""
    status: str = ""


def read_calls(log: Path, *, since: float) -> list[_Line]:
    """
    Read the calls that the twin heard since a moment.
    """
    with log.open("rb") as lines:
        calls = [msgspec.json.decode(line, type=_Line) for line in lines]
    return [call for call in calls if call.kind == "call" and call.heard_at >= since]


def heard(calls: Iterable[_Line]) -> list[Heard]:
    """
    Sum calls up by endpoint.
    """
    by_endpoint: dict[str, list[_Line]] = defaultdict(list)
    for call in calls:
        by_endpoint[endpoint_of(call.method, urlsplit(call.path).path)].append(call)
    return [
        Heard(
            endpoint,
            len(those),
            most_in_a_second(sorted(call.heard_at for call in those)),
            sum(call.status >= 400 for call in those),  # noqa: PLR2004 -- the statuses of refusals
        )
        for endpoint, those in sorted(by_endpoint.items())
    ]


def most_in_a_second(moments: Iterable[float]) -> int:
    """
    Count the ascending moments of the fullest second, wherever it begins.
    """
    window: deque[float] = deque()
    most = 0
    for moment in moments:
        window.append(moment)
        while window[0] <= moment - 1:
            window.popleft()
        most = max(most, len(window))
    return most


async def settled_since(connection: Connection, *, first_charge_id: int) -> Settled:
    """
    Read what became of the charges from *first_charge_id* on; a latency counts from the request to the posting.
    """
    rows = await connection.fetch(
        """
        SELECT i.created_at, min(e.posted_at) AS settled_at
        FROM charge_intents AS i
        LEFT JOIN ledger_postings AS p
          ON p.customer_id = i.customer_id AND p.cause_kind = 'charge' AND p.cause_id = i.id::text AND p.leg = 'money'
        LEFT JOIN ledger_entries AS e ON e.customer_id = p.customer_id AND e.posting_id = p.id
        WHERE i.id >= $1
        GROUP BY i.customer_id, i.id, i.created_at
        """,
        first_charge_id,
    )
    done = [row for row in rows if row["settled_at"] is not None]
    if not done:
        return Settled(len(rows), 0, 0.0, percentiles([]))
    span = max(row["settled_at"] for row in done) - min(row["created_at"] for row in rows)
    taken = [(row["settled_at"] - row["created_at"]).total_seconds() for row in done]
    return Settled(len(rows), len(done), span.total_seconds(), percentiles(taken))


async def match(connection: Connection, calls: Iterable[_Line]) -> Matching:
    """
    Compare all payments that succeeded at the twin with all postings of money, and verify every invariant.
    """
    answers = (msgspec.json.decode(call.answer, type=_Payment) for call in calls)
    paid = {each.id for each in answers if each.object == "payment_intent" and each.status == "succeeded"}
    rows = await connection.fetch(
        """
        SELECT i.stripe_payment_id FROM ledger_postings AS p
        JOIN charge_intents AS i ON i.customer_id = p.customer_id AND i.id::text = p.cause_id
        WHERE p.cause_kind = 'charge' AND p.leg = 'money'
        """
    )
    posted = [row["stripe_payment_id"] for row in rows]
    findings = await ledger.verify(connection, (*ledger.INVARIANTS, *fixes.INVARIANTS, *charges.INVARIANTS))
    return Matching(
        payments=len(paid),
        postings=len(posted),
        unmatched=len(paid.symmetric_difference(posted)) + len(posted) - len(set(posted)),
        breaches=[f"{found.id}: {found.breaches} of {found.checked}" for found in ledger.breached(findings)],
    )
