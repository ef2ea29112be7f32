"""
What must hold between reversals, what was paid and the ledger; checked by `rsolv ledger verify` beside the others.
"""

from rsolv.ledger import Invariant

INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "R-1",
        "refunds and disputes never take more than was paid, and charge and invoice say how much they took",
        """
        WITH paid AS (
            SELECT 'charge' AS kind, i.customer_id, i.id, coalesce(i.late_cents, d.amount_cents) AS paid_cents,
                   i.amount_refunded_cents, i.amount_disputed_cents
            FROM charge_intents i
            JOIN charge_debts d ON d.customer_id = i.customer_id AND d.id = i.debt_id
            UNION ALL
            SELECT 'invoice', customer_id, id, amount_paid_cents, amount_refunded_cents, amount_disputed_cents
            FROM subscription_invoices
        ), taken AS (
            SELECT p.kind || ' ' || p.id AS name, p.paid_cents, p.amount_refunded_cents, p.amount_disputed_cents,
                   max(r.paid_cents) AS reversible_cents,
                   coalesce(sum(r.amount_cents) FILTER (WHERE r.kind = 'refund'), 0) AS refunded_cents,
                   coalesce(sum(r.amount_cents) FILTER (WHERE r.kind = 'dispute'), 0) AS disputed_cents
            FROM paid p
            LEFT JOIN reversals r ON r.customer_id = p.customer_id AND r.source_kind = p.kind AND r.source_id = p.id
              AND r.state = 'taken'
            GROUP BY p.kind, p.customer_id, p.id, p.paid_cents, p.amount_refunded_cents, p.amount_disputed_cents
        ), wrong AS (
            SELECT name FROM taken
            WHERE refunded_cents + disputed_cents > paid_cents OR reversible_cents <> paid_cents
               OR (refunded_cents, disputed_cents) <> (amount_refunded_cents, amount_disputed_cents)
        )
        SELECT (SELECT count(*) FROM taken) AS checked, (SELECT count(*) FROM wrong) AS breaches,
               (SELECT min(name) FROM wrong) AS example
        """,
    ),
    Invariant(
        "R-2",
        "what a reversal took stands in the books: its money once, its credits, and what is owed for spent ones",
        """
        WITH posted AS (
            SELECT r.customer_id, r.id, r.state, r.amount_cents, r.receivable_cents, r.credits_taken,
                   coalesce(sum(e.amount) FILTER (WHERE a.kind = 'processor' AND a.asset = r.currency), 0) AS processor,
                   coalesce(sum(e.amount) FILTER (WHERE a.kind = 'receivable' AND a.asset = r.currency), 0) AS owed,
                   coalesce(sum(e.amount) FILTER (WHERE a.kind = 'reversed'), 0) AS credits,
                   count(DISTINCT p.id) FILTER (WHERE p.leg = 'money') AS postings
            FROM reversals r
            LEFT JOIN ledger_postings p ON p.customer_id = r.customer_id AND p.cause_kind = r.kind
              AND p.cause_id = r.stripe_object_id
            LEFT JOIN ledger_entries e ON e.customer_id = p.customer_id AND e.posting_id = p.id
            LEFT JOIN ledger_accounts a ON a.customer_id = e.customer_id AND a.id = e.account_id
            GROUP BY r.customer_id, r.id
        ), wrong AS (
            SELECT id FROM posted
            WHERE processor <> CASE state WHEN 'taken' THEN -amount_cents ELSE 0 END
               OR owed <> receivable_cents OR credits <> credits_taken OR postings <> 1
        )
        SELECT (SELECT count(*) FROM posted) AS checked, (SELECT count(*) FROM wrong) AS breaches,
               (SELECT 'reversal ' || min(id) FROM wrong) AS example
        """,
    ),
    Invariant(
        "R-3",
        "the credits due for all that was taken back of a payment are its share of those bought, rounded down",
        """
        WITH source AS (
            SELECT source_kind, source_id,
                   sum(credits_due) AS due, max(credits_granted) * sum(amount_cents) / max(paid_cents) AS share
            FROM reversals WHERE state = 'taken' GROUP BY customer_id, source_kind, source_id
        ), wrong AS (SELECT source_kind || ' ' || source_id AS name FROM source WHERE due <> floor(share))
        SELECT (SELECT count(*) FROM source) AS checked, (SELECT count(*) FROM wrong) AS breaches,
               (SELECT min(name) FROM wrong) AS example
        """,
    ),
)
