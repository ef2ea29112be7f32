"""
The statements about what was paid, and how much of it has been taken back.
"""

from dataclasses import dataclass

from rsolv.charges.rules import DisputeState
from rsolv.db import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidCharge:
    """
    What a charge took, and what that bought: money that came after its end bought nothing (`grant_posting_id` None).
    """

    id: int
    fix_id: int
    amount_cents: int
    currency: str
    stripe_payment_id: str
    grant_posting_id: int | None
    credits: int
    amount_refunded_cents: int
    amount_disputed_cents: int
    dispute_state: DisputeState


async def lock_paid(connection: Connection, *, customer_id: int, charge_id: int) -> PaidCharge | None:
    """
    Lock a charge with its debt until the transaction ends; what it took and what that bought, None when unpaid.
    """
    row = await connection.fetchrow(
        """
        SELECT i.id, d.fix_id, coalesce(i.late_cents, d.amount_cents) AS amount_cents, d.currency,
               i.stripe_payment_id, i.credits_posting_id AS grant_posting_id, i.amount_refunded_cents,
               i.amount_disputed_cents, i.dispute_state,
               coalesce((SELECT g.credits FROM ledger_grants AS g
                         WHERE g.customer_id = i.customer_id AND g.posting_id = i.credits_posting_id), 0) AS credits
        FROM charge_debts AS d JOIN charge_intents AS i ON i.customer_id = d.customer_id AND i.debt_id = d.id
        WHERE i.customer_id = $1 AND i.id = $2 AND (i.state = 'succeeded' OR i.late_posting_id IS NOT NULL)
        FOR NO KEY UPDATE OF d, i
        """,
        customer_id,
        charge_id,
    )
    return row and PaidCharge(**row)


async def note_late_payment(
    connection: Connection, *, customer_id: int, charge_id: int, late_cents: int, late_posting_id: int
) -> None:
    """
    Note what was paid after a charge had ended.
    """
    await connection.execute(
        "UPDATE charge_intents SET late_cents = $3, late_posting_id = $4 WHERE customer_id = $1 AND id = $2",
        customer_id,
        charge_id,
        late_cents,
        late_posting_id,
    )


async def set_taken_back(
    connection: Connection, *, customer_id: int, charge_id: int, refunded_cents: int, disputed_cents: int
) -> None:
    """
    Set how much of a charge has been taken back.
    """
    await connection.execute(
        """
        UPDATE charge_intents SET amount_refunded_cents = $3, amount_disputed_cents = $4
        WHERE customer_id = $1 AND id = $2
        """,
        customer_id,
        charge_id,
        refunded_cents,
        disputed_cents,
    )


async def set_dispute_state(
    connection: Connection, *, customer_id: int, charge_id: int, dispute_state: DisputeState
) -> bool:
    """
    Set how a charge stands in dispute; False when there is no such charge.
    """
    found = await connection.fetchval(
        "UPDATE charge_intents SET dispute_state = $3 WHERE customer_id = $1 AND id = $2 RETURNING id",
        customer_id,
        charge_id,
        dispute_state,
    )
    return found is not None
