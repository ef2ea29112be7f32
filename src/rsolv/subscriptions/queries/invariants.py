"""
What must hold between subscriptions, their invoices and the ledger; checked by `rsolv ledger verify`.
"""

from rsolv.ledger import Invariant

INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "S-1",
        "an invoice is paid exactly when one posting of its money says so, of the amount paid",
        """
        WITH invoice AS (
            SELECT i.id, i.state, i.amount_paid_cents, i.money_posting_id, min(p.id) AS posting_id,
                   count(DISTINCT p.id) AS postings,
                   sum(e.amount) FILTER (WHERE a.kind = 'processor' AND a.asset = i.currency) AS received
            FROM subscription_invoices i
            LEFT JOIN ledger_postings p ON p.customer_id = i.customer_id AND p.cause_kind = 'invoice'
              AND p.cause_id = i.stripe_invoice_id
            LEFT JOIN ledger_entries e ON e.customer_id = p.customer_id AND e.posting_id = p.id
            LEFT JOIN ledger_accounts a ON a.customer_id = e.customer_id AND a.id = e.account_id
            GROUP BY i.customer_id, i.id
        ), wrong AS (
            SELECT id FROM invoice
            WHERE CASE WHEN state = 'paid' AND amount_paid_cents > 0
                       THEN postings <> 1 OR posting_id <> money_posting_id
                            OR received IS DISTINCT FROM amount_paid_cents
                       ELSE postings <> 0 END
        )
        SELECT (SELECT count(*) FROM invoice) AS checked, (SELECT count(*) FROM wrong) AS breaches,
               (SELECT 'invoice ' || min(id) FROM wrong) AS example
        """,
    ),
    Invariant(
        "S-2",
        "a line's credits were granted once, and only when its invoice was paid",
        """
        WITH line AS (
            SELECT l.id, l.credits, l.credits_posting_id, i.state, count(p.id) AS postings, min(p.id) AS posting_id
            FROM subscription_invoice_lines l
            JOIN subscription_invoices i ON i.customer_id = l.customer_id AND i.id = l.invoice_id
            LEFT JOIN ledger_postings p ON p.customer_id = l.customer_id AND p.cause_kind = 'invoice_line'
              AND p.cause_id = l.stripe_line_id
            GROUP BY l.customer_id, l.id, i.state
        ), wrong AS (
            SELECT id FROM line
            WHERE (credits > 0 AND (state <> 'paid' OR postings <> 1 OR posting_id <> credits_posting_id))
               OR (credits = 0 AND postings <> 0)
        )
        SELECT (SELECT count(*) FROM line) AS checked, (SELECT count(*) FROM wrong) AS breaches,
               (SELECT 'invoice line ' || min(id) FROM wrong) AS example
        """,
    ),
    Invariant(
        "S-3",
        "every subscription that has not ended will be looked at again",
        """
        SELECT count(*) AS checked, count(*) FILTER (WHERE look_at IS NULL) AS breaches,
               'subscription ' || min(id) FILTER (WHERE look_at IS NULL) AS example
        FROM subscriptions WHERE ended_at IS NULL
        """,
    ),
    Invariant(
        "S-4",
        "a payment that paid an invoice is of a paid one, and of no charge",
        """
        WITH payment AS (
            SELECT p.stripe_payment_id, i.money_posting_id IS NULL OR c.stripe_payment_id IS NOT NULL AS is_wrong
            FROM stripe_invoice_payments p
            JOIN subscription_invoices i ON i.customer_id = p.customer_id AND i.id = p.invoice_id
            LEFT JOIN stripe_payments c ON c.stripe_payment_id = p.stripe_payment_id
        )
        SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS breaches,
               'payment ' || min(stripe_payment_id) FILTER (WHERE is_wrong) AS example
        FROM payment
        """,
    ),
    Invariant(
        "S-5",
        "a subscription and its id at Stripe know each other",
        """
        WITH known AS (
            SELECT s.id, b.stripe_subscription_id IS NOT DISTINCT FROM s.stripe_subscription_id AS is_sound
            FROM subscriptions s
            LEFT JOIN stripe_subscriptions b ON b.customer_id = s.customer_id AND b.subscription_id = s.id
        )
        SELECT count(*) AS checked, count(*) FILTER (WHERE NOT is_sound) AS breaches,
               'subscription ' || min(id) FILTER (WHERE NOT is_sound) AS example
        FROM known
        """,
    ),
)
