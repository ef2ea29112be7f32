"""
What we have of payments at Stripe: the charges they are of, and the money that was posted for them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from rsolv.db import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class OurPayment:
    """
    A charge as it is compared with a payment. `posted_cents` is what the processor owes us for it, by our books.
    """

    customer_id: int
    charge_id: int
    stripe_payment_id: str | None
    stripe_customer_id: str | None
    amount_cents: int
    currency: str
    is_final: bool
    posted_cents: int

    @property
    def words(self) -> str:
        """
        Say it in a few words.
        """
        return f"charge {self.charge_id}, {self.amount_cents} {self.currency}, posted {self.posted_cents}"

    @property
    def cents(self) -> int:
        """
        Return the money that would be wrong if Stripe had nothing of it.
        """
        return self.posted_cents


_OURS = """
    SELECT i.customer_id, i.id AS charge_id, i.stripe_payment_id, i.stripe_customer_id, d.amount_cents, d.currency,
           i.state IN ('succeeded', 'canceled', 'uncollectible') AS is_final,
           coalesce((SELECT sum(e.amount)::bigint FROM ledger_postings AS p
                     JOIN ledger_entries AS e ON e.customer_id = p.customer_id AND e.posting_id = p.id
                     JOIN ledger_accounts AS a ON a.customer_id = e.customer_id AND a.id = e.account_id
                     WHERE p.customer_id = i.customer_id AND p.cause_kind = 'charge' AND p.cause_id = i.id::text
                       AND p.leg IN ('money', 'late') AND a.kind = 'processor' AND a.asset = d.currency), 0)
             AS posted_cents
"""
_BY_PAYMENT = (
    _OURS
    + """
    FROM stripe_payments AS s
    JOIN charge_intents AS i ON i.customer_id = s.customer_id AND i.id = s.intent_id
    JOIN charge_debts AS d ON d.customer_id = i.customer_id AND d.id = i.debt_id
    WHERE s.stripe_payment_id = ANY ($1::text[])
    """
)
_BY_MARKS = (
    _OURS
    + """, m.stripe_payment_id AS marked_payment_id
    FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[])
      AS m (stripe_payment_id, customer_id, charge_id, nonce)
    JOIN charge_intents AS i ON i.customer_id = m.customer_id AND i.id = m.charge_id AND i.nonce = m.nonce
    JOIN charge_debts AS d ON d.customer_id = i.customer_id AND d.id = i.debt_id
    """
)
_POSTED_SINCE = (
    _OURS
    + """
    FROM charge_intents AS i JOIN charge_debts AS d ON d.customer_id = i.customer_id AND d.id = i.debt_id
    WHERE (i.settled_at >= $1 OR (i.late_posting_id IS NOT NULL AND i.moved_at >= $1)) AND i.id > $2
    ORDER BY i.id LIMIT $3
    """
)


async def find_by_payment_for_operator(connection: Connection, ids: Sequence[str]) -> dict[str, OurPayment]:
    """
    Return whatever we have under these ids of payments, whoever's it is.
    """
    rows = await connection.fetch(_BY_PAYMENT, ids)
    return {row["stripe_payment_id"]: OurPayment(**row) for row in rows}


async def find_by_marks_for_operator(
    connection: Connection, marks: Mapping[str, tuple[int, int, str]]
) -> dict[str, OurPayment]:
    """
    Return by a payment's id the charge which it says to be of: customer, charge and the nonce that only we know.
    """
    rows = await connection.fetch(
        _BY_MARKS,
        list(marks),
        [customer_id for customer_id, _, _ in marks.values()],
        [charge_id for _, charge_id, _ in marks.values()],
        [nonce for _, _, nonce in marks.values()],
    )
    fields = OurPayment.__dataclass_fields__
    return {row["marked_payment_id"]: OurPayment(**{name: row[name] for name in fields}) for row in rows}


async def list_posted_for_operator(
    connection: Connection, *, since: datetime, after_id: int, limit: int
) -> list[OurPayment]:
    """
    Return what was posted as paid since a time, in the order of their ids.
    """
    return [OurPayment(**row) for row in await connection.fetch(_POSTED_SINCE, since, after_id, limit)]


async def find_customers_for_operator(connection: Connection, ids: Sequence[str]) -> dict[str, int]:
    """
    Return which customers of ours these of Stripe's are.
    """
    rows = await connection.fetch(
        "SELECT stripe_customer_id, customer_id FROM stripe_customers WHERE stripe_customer_id = ANY ($1::text[])", ids
    )
    return {row["stripe_customer_id"]: row["customer_id"] for row in rows}


async def knows_origin(connection: Connection, *, customer_id: int, api_key_id: int, catalog_version_id: int) -> bool:
    """
    Say whether the key that reported a lost fix, and the catalogue version that priced it, are still known.
    """
    return bool(
        await connection.fetchval(
            """
            SELECT EXISTS (SELECT FROM api_keys WHERE customer_id = $1 AND id = $2)
               AND EXISTS (SELECT FROM catalog_versions WHERE id = $3)
            """,
            customer_id,
            api_key_id,
            catalog_version_id,
        )
    )
