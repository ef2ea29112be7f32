"""
What must hold of Stripe's events, and of all that moves money at Stripe; checked by `rsolv ledger verify`.
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
    Invariant(
        "C-1",
        "charges move only as their table of moves allows, by triggers, an index and rights that stand",
        """
        WITH guard AS (
            SELECT wanted.name,
                   EXISTS (SELECT FROM pg_trigger t WHERE t.tgname = wanted.name AND t.tgenabled = 'O') AS stands
            FROM (VALUES ('charge_intents_begin'), ('charge_intents_obey'), ('charge_intents_stay'),
                         ('charge_debts_obey'), ('charge_debts_stay'), ('charge_attempts_obey'),
                         ('charge_attempts_stay'), ('stripe_payments_only_grow')) AS wanted (name)
            UNION ALL
            SELECT wanted.name, to_regclass(wanted.name) IS NOT NULL
            FROM (VALUES ('charge_intents_one_live_per_debt'), ('charge_intents_money_once')) AS wanted (name)
            UNION ALL
            SELECT 'charge_moves ' || privilege, NOT has_table_privilege('rsolv_app', 'charge_moves', privilege)
            FROM (VALUES ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE')) AS changing (privilege)
            UNION ALL
            SELECT 'charge_moves ' || state, NOT EXISTS (SELECT FROM charge_moves m WHERE m.from_state = state)
            FROM (VALUES ('succeeded'), ('canceled'), ('uncollectible')) AS ended (state)
        )
        SELECT count(*) AS checked, count(*) FILTER (WHERE NOT stands) AS breaches,
               min(name) FILTER (WHERE NOT stands) AS example
        FROM guard
        """,
    ),
    Invariant(
        "C-4",
        "whatever was sent to charge a card was written down with a consent that covers the amount",
        """
        WITH attempt AS (
            SELECT t.id, t.consent_id IS NOT NULL AND t.payment_method_id IS NOT NULL
                         AND c.withdraws_consent_id IS NULL AND c.currency = d.currency
                         AND c.fix_price_cents >= d.amount_cents AS is_covered
            FROM charge_attempts t
            JOIN charge_intents i ON i.customer_id = t.customer_id AND i.id = t.intent_id
            JOIN charge_debts d ON d.customer_id = i.customer_id AND d.id = i.debt_id
            LEFT JOIN consents c ON c.customer_id = t.customer_id AND c.id = t.consent_id
            WHERE t.kind = 'confirm'
        )
        SELECT count(*) AS checked, count(*) FILTER (WHERE is_covered IS NOT TRUE) AS breaches,
               'attempt ' || min(id) FILTER (WHERE is_covered IS NOT TRUE) AS example
        FROM attempt
        """,
    ),
    Invariant(
        "C-5",
        "the attempts of a charge are numbered without a gap, it knows how many they are, and none follows a success",
        """
        WITH charge AS (
            SELECT i.id, i.attempts, count(t.id) AS written, coalesce(max(t.number), 0) AS newest,
                   min(t.number) FILTER (WHERE t.outcome = 'succeeded') AS succeeded
            FROM charge_intents i
            LEFT JOIN charge_attempts t ON t.customer_id = i.customer_id AND t.intent_id = i.id AND t.kind = 'confirm'
            GROUP BY i.customer_id, i.id
        ), wrong AS (SELECT id FROM charge WHERE (written, newest) <> (attempts, attempts) OR succeeded < newest)
        SELECT (SELECT count(*) FROM charge) AS checked, (SELECT count(*) FROM wrong) AS breaches,
               (SELECT 'charge ' || min(id) FROM wrong) AS example
        """,
    ),
    Invariant(
        "L-11",
        "every posting that moved money at Stripe names what moved there, and nothing that moved is named by two",
        """
        WITH moved AS (
            SELECT DISTINCT p.id, p.cause_kind, p.cause_id, p.leg, p.metadata
            FROM ledger_entries e
            JOIN ledger_accounts a ON a.customer_id = e.customer_id AND a.id = e.account_id AND a.kind = 'processor'
            JOIN ledger_postings p ON p.customer_id = e.customer_id AND p.id = e.posting_id
        ), movement AS (
            SELECT id, CASE cause_kind
                           WHEN 'charge' THEN metadata ->> 'stripe_payment_id'
                           WHEN 'invoice' THEN cause_id
                           WHEN 'refund' THEN cause_id || CASE leg WHEN 'money' THEN '' ELSE ' ' || leg END
                           WHEN 'dispute' THEN cause_id || CASE leg WHEN 'money' THEN '' ELSE ' ' || leg END
                       END AS name
            FROM moved
            UNION ALL
            SELECT id, payment FROM moved, jsonb_array_elements_text(metadata -> 'payments') AS payment
            WHERE cause_kind = 'invoice'
        ), named AS (SELECT id, name, count(*) OVER (PARTITION BY name) AS postings FROM movement)
        SELECT count(*) AS checked, count(*) FILTER (WHERE name IS NULL OR postings > 1) AS breaches,
               'posting ' || min(id) FILTER (WHERE name IS NULL OR postings > 1) AS example
        FROM named
        """,
    ),
)
