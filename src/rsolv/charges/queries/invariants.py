"""
What must hold between charges and the ledger; checked by `rsolv ledger verify` beside the ledger's own.
"""

from rsolv.ledger import Invariant

INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "C-7",
        "a charge has succeeded exactly when one posting of its money says so, of the amount owed",
        """
        WITH charge AS (
            SELECT i.id, i.state, i.money_posting_id, d.amount_cents, d.currency,
                   count(p.id) AS postings, min(p.id) AS posting_id,
                   sum(e.amount) FILTER (WHERE a.kind = 'processor' AND a.asset = d.currency) AS received
            FROM charge_intents i
            JOIN charge_debts d ON d.customer_id = i.customer_id AND d.id = i.debt_id
            LEFT JOIN ledger_postings p ON p.customer_id = i.customer_id AND p.cause_kind = 'charge'
              AND p.cause_id = i.id::text AND p.leg = 'money'
            LEFT JOIN ledger_entries e ON e.customer_id = p.customer_id AND e.posting_id = p.id AND e.amount > 0
            LEFT JOIN ledger_accounts a ON a.customer_id = e.customer_id AND a.id = e.account_id
            GROUP BY i.customer_id, i.id, i.state, i.money_posting_id, d.amount_cents, d.currency
        ), wrong AS (
            SELECT id FROM charge
            WHERE (state = 'succeeded'
                   AND (postings <> 1 OR posting_id <> money_posting_id OR received IS DISTINCT FROM amount_cents))
               OR (state <> 'succeeded' AND postings <> 0)
        )
        SELECT (SELECT count(*) FROM charge) AS checked, (SELECT count(*) FROM wrong) AS breaches,
               (SELECT 'charge ' || min(id) FROM wrong) AS example
        """,
    ),
    Invariant(
        "C-2",
        "a debt is paid exactly when one charge for it has succeeded",
        """
        WITH debt AS (
            SELECT d.id, d.state, count(i.id) FILTER (WHERE i.state = 'succeeded') AS paid
            FROM charge_debts d
            LEFT JOIN charge_intents i ON i.customer_id = d.customer_id AND i.debt_id = d.id
            GROUP BY d.customer_id, d.id, d.state
        )
        SELECT count(*) AS checked,
               count(*) FILTER (WHERE paid <> CASE state WHEN 'paid' THEN 1 ELSE 0 END) AS breaches,
               'debt ' || min(id) FILTER (WHERE paid <> CASE state WHEN 'paid' THEN 1 ELSE 0 END) AS example
        FROM debt
        """,
    ),
    Invariant(
        "C-9",
        "every charge that has not ended will go on by itself, or is parked with its reason",
        """
        SELECT count(*) AS checked,
               count(*) FILTER (WHERE wake_at IS NULL AND parked_reason IS NULL) AS breaches,
               'charge ' || min(id) FILTER (WHERE wake_at IS NULL AND parked_reason IS NULL) AS example
        FROM charge_intents WHERE state NOT IN ('succeeded', 'canceled', 'uncollectible')
        """,
    ),
    Invariant(
        "C-3",
        "a charge and its payment at Stripe know each other, and it is of whom Stripe knows as its customer",
        """
        WITH charge AS (
            SELECT i.id, p.intent_id = i.id AND s.stripe_customer_id = i.stripe_customer_id AS is_known
            FROM charge_intents i
            LEFT JOIN stripe_payments p ON p.stripe_payment_id = i.stripe_payment_id AND p.customer_id = i.customer_id
            LEFT JOIN stripe_customers s ON s.customer_id = i.customer_id
            WHERE i.stripe_payment_id IS NOT NULL
        )
        SELECT count(*) AS checked, count(*) FILTER (WHERE is_known IS NOT TRUE) AS breaches,
               'charge ' || min(id) FILTER (WHERE is_known IS NOT TRUE) AS example
        FROM charge
        """,
    ),
)
