"""
What must hold between disputes, books and charges; checked by `rsolv ledger verify` beside the ledger's own.
"""

from rsolv.ledger import Invariant

INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "D-1",
        "a dispute has one live reversal of its amount exactly when our books say that its money is taken",
        """
        WITH dispute AS (
            SELECT d.id, d.money, count(r.id) AS taken,
                   count(r.id) FILTER (WHERE r.amount_cents = d.amount_cents
                                         AND (r.charge_id, r.invoice_id)
                                             IS NOT DISTINCT FROM (d.charge_id, d.invoice_id)) AS fitting
            FROM disputes d
            LEFT JOIN reversals r ON r.customer_id = d.customer_id AND r.kind = 'dispute' AND r.state = 'taken'
              AND r.stripe_object_id = CASE d.taken_at_movement WHEN 1 THEN d.stripe_dispute_id
                                       ELSE d.stripe_dispute_id || '_' || d.taken_at_movement END
            GROUP BY d.customer_id, d.id, d.money
        ), wrong AS (
            SELECT id FROM dispute WHERE taken <> CASE money WHEN 'taken' THEN 1 ELSE 0 END OR taken <> fitting
        )
        SELECT (SELECT count(*) FROM dispute) AS checked, (SELECT count(*) FROM wrong) AS breaches,
               (SELECT 'dispute ' || min(id) FROM wrong) AS example
        """,
    ),
    Invariant(
        "D-2",
        "a customer's charges are frozen exactly while one of their disputes says so",
        """
        WITH customer AS (
            SELECT c.id, coalesce(f.is_frozen, false) AS is_frozen,
                   EXISTS (SELECT FROM disputes d WHERE d.customer_id = c.id AND d.freezes_charges) AS is_due
            FROM customers c LEFT JOIN charge_freezes f ON f.customer_id = c.id
        )
        SELECT count(*) AS checked, count(*) FILTER (WHERE is_frozen <> is_due) AS breaches,
               'customer ' || min(id) FILTER (WHERE is_frozen <> is_due) AS example
        FROM customer
        """,
    ),
    Invariant(
        "D-3",
        "every live reversal for a dispute is of a dispute that says so",
        """
        WITH reversal AS (
            SELECT r.id, d.id IS NOT NULL AS is_known
            FROM reversals r
            LEFT JOIN disputes d ON d.customer_id = r.customer_id AND d.money = 'taken'
              AND r.stripe_object_id = CASE d.taken_at_movement WHEN 1 THEN d.stripe_dispute_id
                                       ELSE d.stripe_dispute_id || '_' || d.taken_at_movement END
            WHERE r.kind = 'dispute' AND r.state = 'taken'
        )
        SELECT count(*) AS checked, count(*) FILTER (WHERE NOT is_known) AS breaches,
               'reversal ' || min(id) FILTER (WHERE NOT is_known) AS example
        FROM reversal
        """,
    ),
)
