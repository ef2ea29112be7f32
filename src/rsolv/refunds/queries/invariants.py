"""
What must hold between refunds and what they took back; checked by `rsolv ledger verify` beside the ledger's own.
"""

from rsolv.ledger import Invariant

INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "R-4",
        "money goes back in the books exactly while a refund of it is under way or done",
        """
        WITH refund AS (
            SELECT r.id, r.state, r.amount_cents, v.state AS reversal, v.amount_cents AS reversed_cents
            FROM refunds r
            LEFT JOIN reversals v ON v.customer_id = r.customer_id AND v.stripe_object_id = r.stripe_refund_id
        ), wrong AS (
            SELECT id FROM refund
            WHERE (state IN ('pending', 'succeeded')) <> coalesce(reversal = 'taken', false)
               OR reversed_cents <> amount_cents
        )
        SELECT (SELECT count(*) FROM refund) AS checked, (SELECT count(*) FROM wrong) AS breaches,
               (SELECT 'refund ' || min(id) FROM wrong) AS example
        """,
    ),
    Invariant(
        "R-5",
        "every refund that has not ended will go on by itself, or is parked with its reason",
        """
        SELECT count(*) AS checked,
               count(*) FILTER (WHERE wake_at IS NULL AND parked_reason IS NULL) AS breaches,
               'refund ' || min(id) FILTER (WHERE wake_at IS NULL AND parked_reason IS NULL) AS example
        FROM refunds WHERE state IN ('asked', 'pending')
        """,
    ),
    Invariant(
        "C-13",
        "what was paid after the end of a charge is given back: a refund of all of it was asked for",
        """
        WITH late AS (
            SELECT i.id, i.late_cents, count(r.id) AS refunds, coalesce(sum(r.amount_cents), 0) AS asked_cents
            FROM charge_intents i
            LEFT JOIN refunds r ON r.customer_id = i.customer_id AND r.charge_id = i.id
              AND r.state NOT IN ('failed', 'canceled')
            WHERE i.parked_reason = 'paid_after_end'
            GROUP BY i.customer_id, i.id
        )
        SELECT count(*) AS checked, count(*) FILTER (WHERE late_cents IS DISTINCT FROM asked_cents) AS breaches,
               'charge ' || min(id) FILTER (WHERE late_cents IS DISTINCT FROM asked_cents) AS example
        FROM late
        """,
    ),
)
