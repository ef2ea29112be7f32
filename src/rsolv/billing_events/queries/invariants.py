"""
What must hold of Stripe's events; checked by `rsolv ledger verify`.
"""

from rsolv.ledger import Invariant

INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "W-1",
        "every stored event is processed, ignored by a rule or parked with its reason, or comes back by itself",
        """
        WITH judged AS (
            SELECT id, CASE outcome
                           WHEN 'waiting' THEN wake_at IS NOT NULL
                           WHEN 'processed' THEN wake_at IS NULL AND handled_at IS NOT NULL
                           ELSE wake_at IS NULL AND handled_at IS NOT NULL AND reason IS NOT NULL
                       END AS is_sound
            FROM billing_events
        )
        SELECT count(*) AS checked, count(*) FILTER (WHERE NOT is_sound) AS breaches,
               'billing event ' || min(id) FILTER (WHERE NOT is_sound) AS example
        FROM judged
        """,
    ),
    Invariant(
        "W-3",
        "an event is processed exactly when its effect is committed: payments settled, setups ended, money back known, "
        "invoices paid, subscriptions over",
        """
        WITH told AS (
            SELECT e.id,
                   CASE split_part(e.type, '.', 1)
                       WHEN 'payment_intent'
                           THEN i.state IN ('succeeded', 'canceled', 'uncollectible') OR i.parked_reason IS NOT NULL
                       WHEN 'refund' THEN r.refund_id IS NOT NULL
                       WHEN 'charge' THEN d.dispute_id IS NOT NULL
                       WHEN 'invoice' THEN v.state = 'paid'
                       WHEN 'customer' THEN u.ended_at IS NOT NULL
                       ELSE s.state <> 'open'
                   END AS is_true_here
            FROM billing_events e
            LEFT JOIN stripe_payments p ON p.stripe_payment_id = e.object_id
            LEFT JOIN charge_intents i ON i.customer_id = p.customer_id AND i.id = p.intent_id
            LEFT JOIN stripe_refunds r ON r.stripe_refund_id = e.object_id
            LEFT JOIN stripe_disputes d ON d.stripe_dispute_id = e.object_id
            LEFT JOIN stripe_card_setups k ON k.stripe_card_setup_id = e.object_id
            LEFT JOIN card_setups s ON s.customer_id = k.customer_id AND s.id = k.card_setup_id
            LEFT JOIN subscription_invoices v ON v.customer_id = e.customer_id AND v.stripe_invoice_id = e.object_id
            LEFT JOIN stripe_subscriptions b ON b.stripe_subscription_id = e.object_id
            LEFT JOIN subscriptions u ON u.customer_id = b.customer_id AND u.id = b.subscription_id
            WHERE e.outcome = 'processed'
              AND (e.type IN ('payment_intent.succeeded', 'checkout.session.completed', 'checkout.session.expired',
                              'invoice.paid', 'invoice.payment_succeeded', 'customer.subscription.deleted')
                   OR e.type LIKE 'refund.%' OR e.type LIKE 'charge.dispute.%')
        )
        SELECT count(*) AS checked, count(*) FILTER (WHERE is_true_here IS NOT TRUE) AS breaches,
               'billing event ' || min(id) FILTER (WHERE is_true_here IS NOT TRUE) AS example
        FROM told
        """,
    ),
)
