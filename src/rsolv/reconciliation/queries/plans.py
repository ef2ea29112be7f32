"""
What we have of subscriptions and invoices at Stripe.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from rsolv.db import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class OurInvoice:
    """
    An invoice as it is compared. `twice` is an earlier paid one of the same subscription for the very same period.
    """

    customer_id: int
    id: int
    stripe_invoice_id: str
    stripe_customer_id: str
    state: str
    amount_paid_cents: int
    currency: str
    posted_cents: int
    twice: str | None

    @property
    def words(self) -> str:
        """
        Say it in a few words.
        """
        twice = f", for the same period as {self.twice}" if self.twice else ""
        return f"invoice {self.id}, {self.state}, posted {self.posted_cents} {self.currency}{twice}"

    @property
    def cents(self) -> int:
        """
        Return the money that would be wrong if Stripe had nothing of it.
        """
        return self.posted_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class OurSubscription:
    """
    A subscription as it is compared.
    """

    customer_id: int
    id: int
    stripe_subscription_id: str | None
    stripe_customer_id: str
    stripe_price_id: str
    state: str
    price_cents: int
    currency: str
    period_ends_at: datetime | None
    cancel_at: datetime | None

    @property
    def words(self) -> str:
        """
        Say it in a few words.
        """
        return f"subscription {self.id}, {self.state}, {self.stripe_price_id}"

    @property
    def cents(self) -> int:
        """
        Return the money that would be wrong if Stripe had nothing of it.
        """
        return self.price_cents


_INVOICES = """
    SELECT v.customer_id, v.id, v.stripe_invoice_id, s.stripe_customer_id, v.state, v.amount_paid_cents, v.currency,
           coalesce((SELECT sum(e.amount)::bigint FROM ledger_postings AS p
                     JOIN ledger_entries AS e ON e.customer_id = p.customer_id AND e.posting_id = p.id
                     JOIN ledger_accounts AS a ON a.customer_id = e.customer_id AND a.id = e.account_id
                     WHERE p.customer_id = v.customer_id AND p.cause_kind = 'invoice'
                       AND p.cause_id = v.stripe_invoice_id AND a.kind = 'processor' AND a.asset = v.currency), 0)
             AS posted_cents,
           (SELECT min(o.stripe_invoice_id) FROM subscription_invoices AS o
            JOIN subscription_invoice_lines AS ol ON ol.customer_id = o.customer_id AND ol.invoice_id = o.id
            JOIN subscription_invoice_lines AS vl ON vl.customer_id = v.customer_id AND vl.invoice_id = v.id
            WHERE o.customer_id = v.customer_id AND o.subscription_id = v.subscription_id AND o.id < v.id
              AND v.state = 'paid' AND o.state = 'paid' AND vl.credits > 0 AND ol.credits > 0
              AND ol.period_starts_at = vl.period_starts_at) AS twice
    FROM subscription_invoices AS v
    JOIN subscriptions AS s ON s.customer_id = v.customer_id AND s.id = v.subscription_id
"""
_INVOICES_BY_ID = _INVOICES + " WHERE v.stripe_invoice_id = ANY ($1::text[])"
_INVOICES_SINCE = _INVOICES + " WHERE v.paid_at >= $1 AND v.id > $2 ORDER BY v.id LIMIT $3"
_SUBSCRIPTIONS = """
    SELECT s.customer_id, s.id, s.stripe_subscription_id, s.stripe_customer_id, s.stripe_price_id, s.state,
           s.price_cents, s.currency, s.period_ends_at, s.cancel_at
"""
_SUBSCRIPTIONS_BY_ID = (
    _SUBSCRIPTIONS
    + """
    FROM stripe_subscriptions AS x
    JOIN subscriptions AS s ON s.customer_id = x.customer_id AND s.id = x.subscription_id
    WHERE x.stripe_subscription_id = ANY ($1::text[])
    """
)
_SUBSCRIPTIONS_BY_MARKS = (
    _SUBSCRIPTIONS
    + """, m.stripe_subscription_id AS marked_id
    FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[])
      AS m (stripe_subscription_id, customer_id, subscription_id, nonce)
    JOIN subscriptions AS s ON s.customer_id = m.customer_id AND s.id = m.subscription_id AND s.nonce = m.nonce
    """
)
# A subscription lives for years: in a long look whatever has not ended is compared, whenever it began.
_SUBSCRIPTIONS_LIVE = (
    _SUBSCRIPTIONS
    + """
    FROM subscriptions AS s
    WHERE s.stripe_subscription_id IS NOT NULL AND s.id > $2
      AND (s.asked_at >= $1 OR ($4 AND coalesce(s.ended_at >= $1, true)))
    ORDER BY s.id LIMIT $3
    """
)


async def find_invoices_for_operator(connection: Connection, ids: Sequence[str]) -> dict[str, OurInvoice]:
    """
    Return whatever we have under these ids of invoices.
    """
    rows = await connection.fetch(_INVOICES_BY_ID, ids)
    return {row["stripe_invoice_id"]: OurInvoice(**row) for row in rows}


async def list_invoices_for_operator(
    connection: Connection, *, since: datetime, after_id: int, limit: int
) -> list[OurInvoice]:
    """
    Return the invoices that were paid since a time, in the order of their ids.
    """
    return [OurInvoice(**row) for row in await connection.fetch(_INVOICES_SINCE, since, after_id, limit)]


async def find_subscriptions_for_operator(connection: Connection, ids: Sequence[str]) -> dict[str, OurSubscription]:
    """
    Return whatever we have under these ids of subscriptions.
    """
    rows = await connection.fetch(_SUBSCRIPTIONS_BY_ID, ids)
    return {row["stripe_subscription_id"]: OurSubscription(**row) for row in rows}


async def find_marked_for_operator(
    connection: Connection, marks: Mapping[str, tuple[int, int, str]]
) -> dict[str, OurSubscription]:
    """
    Return by the id of a subscription at Stripe the one that it says to be: customer, subscription, nonce.
    """
    rows = await connection.fetch(
        _SUBSCRIPTIONS_BY_MARKS,
        list(marks),
        [customer_id for customer_id, _, _ in marks.values()],
        [subscription_id for _, subscription_id, _ in marks.values()],
        [nonce for _, _, nonce in marks.values()],
    )
    fields = OurSubscription.__dataclass_fields__
    return {row["marked_id"]: OurSubscription(**{name: row[name] for name in fields}) for row in rows}


async def list_subscriptions_for_operator(
    connection: Connection, *, since: datetime, with_older: bool, after_id: int, limit: int
) -> list[OurSubscription]:
    """
    Return the subscriptions asked for since a time, and *with_older* those that live or ended since, by their ids.
    """
    rows = await connection.fetch(_SUBSCRIPTIONS_LIVE, since, after_id, limit, with_older)
    return [OurSubscription(**row) for row in rows]
