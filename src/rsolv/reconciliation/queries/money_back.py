"""
What we have of refunds and disputes at Stripe.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from rsolv.db import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class OurRefund:
    """
    A refund as it is compared. `posted_cents` is what our books have taken back for it.
    """

    customer_id: int
    id: int
    stripe_refund_id: str
    stripe_payment_ids: Sequence[str]
    state: str
    amount_cents: int
    currency: str
    posted_cents: int

    @property
    def words(self) -> str:
        """
        Say it in a few words.
        """
        return f"refund {self.id}, {self.state}, {self.amount_cents} {self.currency}, taken back {self.posted_cents}"

    @property
    def cents(self) -> int:
        """
        Return the money that would be wrong if Stripe had nothing of it.
        """
        return self.amount_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class OurDispute:
    """
    A dispute as it is compared. `is_taken` says whether our books have taken the money back.
    """

    customer_id: int
    id: int
    stripe_dispute_id: str
    stripe_payment_ids: Sequence[str]
    stage: str
    is_withdrawn: bool
    movements: int
    is_taken: bool
    amount_cents: int
    currency: str

    @property
    def words(self) -> str:
        """
        Say it in a few words.
        """
        where = "taken back" if self.is_taken else "not taken back"
        return f"dispute {self.id}, {self.stage}, {self.amount_cents} {self.currency}, {where}"

    @property
    def cents(self) -> int:
        """
        Return the money that would be wrong if Stripe had nothing of it.
        """
        return self.amount_cents


_REFUNDS = """
    SELECT r.customer_id, r.id, r.stripe_refund_id, r.state, r.amount_cents, r.currency,
           CASE WHEN r.charge_id IS NULL
                THEN ARRAY(SELECT p.stripe_payment_id FROM stripe_invoice_payments AS p
                           WHERE p.customer_id = r.customer_id AND p.invoice_id = r.invoice_id)
                ELSE ARRAY(SELECT i.stripe_payment_id FROM charge_intents AS i
                           WHERE i.customer_id = r.customer_id AND i.id = r.charge_id) END AS stripe_payment_ids,
           coalesce((SELECT v.amount_cents FROM reversals AS v
                     WHERE v.customer_id = r.customer_id AND v.stripe_object_id = r.stripe_refund_id
                       AND v.state = 'taken'), 0) AS posted_cents
    FROM refunds AS r
"""
_REFUNDS_BY_ID = (
    _REFUNDS
    + """
    JOIN stripe_refunds AS s ON s.customer_id = r.customer_id AND s.refund_id = r.id
    WHERE s.stripe_refund_id = ANY ($1::text[])
    """
)
_REFUNDS_SINCE = (
    _REFUNDS
    + """
    WHERE r.stripe_refund_id IS NOT NULL AND r.state IN ('pending', 'succeeded') AND r.asked_at >= $1 AND r.id > $2
    ORDER BY r.id LIMIT $3
    """
)
_DISPUTES = """
    SELECT d.customer_id, d.id, d.stripe_dispute_id, d.stage, d.is_withdrawn, d.movements,
           CASE WHEN d.charge_id IS NULL
                THEN ARRAY(SELECT p.stripe_payment_id FROM stripe_invoice_payments AS p
                           WHERE p.customer_id = d.customer_id AND p.invoice_id = d.invoice_id)
                ELSE ARRAY(SELECT i.stripe_payment_id FROM charge_intents AS i
                           WHERE i.customer_id = d.customer_id AND i.id = d.charge_id) END AS stripe_payment_ids,
           d.money = 'taken' AS is_taken, d.amount_cents, d.currency
    FROM disputes AS d
"""
_DISPUTES_BY_ID = (
    _DISPUTES
    + """
    JOIN stripe_disputes AS s ON s.customer_id = d.customer_id AND s.dispute_id = d.id
    WHERE s.stripe_dispute_id = ANY ($1::text[])
    """
)
_DISPUTES_SINCE = _DISPUTES + " WHERE d.opened_at >= $1 AND d.id > $2 ORDER BY d.id LIMIT $3"


async def find_refunds_for_operator(connection: Connection, ids: Sequence[str]) -> dict[str, OurRefund]:
    """
    Return whatever we have under these ids of refunds.
    """
    rows = await connection.fetch(_REFUNDS_BY_ID, ids)
    return {row["stripe_refund_id"]: OurRefund(**row) for row in rows}


async def list_refunds_for_operator(
    connection: Connection, *, since: datetime, after_id: int, limit: int
) -> list[OurRefund]:
    """
    Return the refunds since a time that took money back, in the order of their ids.
    """
    return [OurRefund(**row) for row in await connection.fetch(_REFUNDS_SINCE, since, after_id, limit)]


async def find_made_for_operator(
    connection: Connection, marks: Mapping[str, tuple[int, int, str]]
) -> dict[str, str | None]:
    """
    Return, by the id of a refund at Stripe, which one at Stripe our refund is that it says to be: customer, id, nonce.
    """
    rows = await connection.fetch(
        """
        SELECT m.stripe_refund_id, r.stripe_refund_id AS made
        FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[])
          AS m (stripe_refund_id, customer_id, refund_id, nonce)
        JOIN refunds AS r ON r.customer_id = m.customer_id AND r.id = m.refund_id AND r.nonce = m.nonce
        """,
        list(marks),
        [customer_id for customer_id, _, _ in marks.values()],
        [refund_id for _, refund_id, _ in marks.values()],
        [nonce for _, _, nonce in marks.values()],
    )
    return {row["stripe_refund_id"]: row["made"] for row in rows}


async def find_disputes_for_operator(connection: Connection, ids: Sequence[str]) -> dict[str, OurDispute]:
    """
    Return whatever we have under these ids of disputes.
    """
    rows = await connection.fetch(_DISPUTES_BY_ID, ids)
    return {row["stripe_dispute_id"]: OurDispute(**row) for row in rows}


async def list_disputes_for_operator(
    connection: Connection, *, since: datetime, after_id: int, limit: int
) -> list[OurDispute]:
    """
    Return the disputes that were opened since a time, in the order of their ids.
    """
    return [OurDispute(**row) for row in await connection.fetch(_DISPUTES_SINCE, since, after_id, limit)]


async def find_owners_for_operator(connection: Connection, payment_ids: Sequence[str]) -> dict[str, int]:
    """
    Return whose payments these at Stripe are, of charges and of invoices; those of nobody here are left out.
    """
    rows = await connection.fetch(
        """
        SELECT stripe_payment_id, customer_id FROM stripe_payments WHERE stripe_payment_id = ANY ($1::text[])
        UNION ALL
        SELECT stripe_payment_id, customer_id FROM stripe_invoice_payments WHERE stripe_payment_id = ANY ($1::text[])
        """,
        payment_ids,
    )
    return {row["stripe_payment_id"]: row["customer_id"] for row in rows}
