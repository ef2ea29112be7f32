-- What must hold of the books and of all that goes with them. Written by `rsolv ledger verify --sql`: do not edit.
-- Each statement yields one row: id, promise, checked, breaches, example. All of it holds where no row has breaches.
-- Reads only, in one snapshot: a role that may select is enough, on a replica too.

BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;

SELECT 'L-1' AS id, 'every posting has two entries or more and they sum to zero per asset' AS promise,
       checked, breaches, example::text
FROM (
    WITH posting AS (
        SELECT p.customer_id, p.id, count(e.id) AS entries,
               (SELECT count(*) FROM (
                    SELECT sum(e2.amount) AS total
                    FROM ledger_entries e2
                    JOIN ledger_accounts a ON a.customer_id = e2.customer_id AND a.id = e2.account_id
                    WHERE e2.customer_id = p.customer_id AND e2.posting_id = p.id
                    GROUP BY a.asset
                ) per_asset WHERE total <> 0) AS unbalanced
        FROM ledger_postings p
        LEFT JOIN ledger_entries e ON e.customer_id = p.customer_id AND e.posting_id = p.id
        GROUP BY p.customer_id, p.id
    )
    SELECT count(*) AS checked,
           count(*) FILTER (WHERE entries < 2 OR unbalanced > 0) AS breaches,
           min('posting ' || id) FILTER (WHERE entries < 2 OR unbalanced > 0) AS example
    FROM posting
) AS finding;

SELECT 'L-2' AS id, 'postings and entries are append-only, by trigger and by right' AS promise,
       checked, breaches, example::text
FROM (
    WITH guard AS (
        SELECT wanted.name,
               EXISTS (SELECT FROM pg_trigger t WHERE t.tgname = wanted.name AND t.tgenabled = 'O') AS stands
        FROM (VALUES ('ledger_postings_only_grow'), ('ledger_entries_only_grow'), ('ledger_accounts_stay'),
                     ('ledger_grants_stay'), ('ledger_entries_move_account'), ('ledger_postings_balanced'),
                     ('ledger_accounts_move_only_by_entries'), ('ledger_grants_move_only_by_entries'),
                     ('ledger_accounts_start_empty'), ('ledger_grants_start_empty')) AS wanted (name)
        UNION ALL
        SELECT forbidden.relation || ' UPDATE',
               NOT has_any_column_privilege('rsolv_app', forbidden.relation, 'UPDATE')
        FROM (VALUES ('ledger_postings'), ('ledger_entries')) AS forbidden (relation)
        UNION ALL
        SELECT relation || ' ' || privilege, NOT has_table_privilege('rsolv_app', relation, privilege)
        FROM (VALUES ('ledger_postings'), ('ledger_entries'), ('ledger_accounts'), ('ledger_grants'))
             AS kept (relation)
        CROSS JOIN (VALUES ('DELETE'), ('TRUNCATE')) AS removing (privilege)
    )
    SELECT count(*) AS checked, count(*) FILTER (WHERE NOT stands) AS breaches,
           min(name) FILTER (WHERE NOT stands) AS example
    FROM guard
) AS finding;

SELECT 'L-3' AS id, 'every entry''s balance_after is the running sum of its account, and seq has no gap' AS promise,
       checked, breaches, example::text
FROM (
    WITH running AS (
        SELECT id, seq, balance_after,
               sum(amount) OVER account AS expected_balance,
               row_number() OVER account AS expected_seq
        FROM ledger_entries
        WINDOW account AS (PARTITION BY customer_id, account_id ORDER BY seq)
    )
    SELECT count(*) AS checked,
           count(*) FILTER (WHERE balance_after <> expected_balance OR seq <> expected_seq) AS breaches,
           min('entry ' || id) FILTER (WHERE balance_after <> expected_balance OR seq <> expected_seq) AS example
    FROM running
) AS finding;

SELECT 'L-4' AS id, 'a fix is consumed exactly when one posting consumed a credit for it and none took it back' AS promise,
       checked, breaches, example::text
FROM (
    WITH fix AS (
        SELECT f.id, f.state, count(p.id) - count(c.id) AS consumptions
        FROM fixes f
        LEFT JOIN ledger_postings p
          ON p.customer_id = f.customer_id AND p.fix_id = f.id AND p.source = 'consumed'
        LEFT JOIN ledger_postings c ON c.customer_id = p.customer_id AND c.corrects_posting_id = p.id
        GROUP BY f.customer_id, f.id, f.state
    ), wrong AS (
        SELECT id FROM fix
        WHERE (state = 'consumed' AND consumptions <> 1) OR (state <> 'consumed' AND consumptions <> 0)
    )
    SELECT (SELECT count(*) FROM fix) AS checked, (SELECT count(*) FROM wrong) AS breaches,
           (SELECT 'fix ' || min(id) FROM wrong) AS example
) AS finding;

SELECT 'L-5' AS id, 'no cause has posted twice, not even for two customers' AS promise,
       checked, breaches, example::text
FROM (
    WITH cause AS (
        SELECT cause_kind, cause_id, leg, count(*) AS postings FROM ledger_postings GROUP BY 1, 2, 3
    )
    SELECT count(*) AS checked, count(*) FILTER (WHERE postings > 1) AS breaches,
           min(cause_kind || ' ' || cause_id) FILTER (WHERE postings > 1) AS example
    FROM cause
) AS finding;

SELECT 'L-6' AS id, 'available and held are never negative' AS promise,
       checked, breaches, example::text
FROM (
    SELECT count(*) AS checked, count(*) FILTER (WHERE balance < 0) AS breaches,
           min('account ' || id) FILTER (WHERE balance < 0) AS example
    FROM ledger_accounts WHERE kind IN ('available', 'held')
) AS finding;

SELECT 'L-7' AS id, 'per customer: available + held + consumed + expired + reversed = issued' AS promise,
       checked, breaches, example::text
FROM (
    WITH customer AS (
        SELECT customer_id, sum(balance) AS rest FROM ledger_accounts WHERE asset = 'credit' GROUP BY customer_id
    )
    SELECT count(*) AS checked, count(*) FILTER (WHERE rest <> 0) AS breaches,
           min('customer ' || customer_id) FILTER (WHERE rest <> 0) AS example
    FROM customer
) AS finding;

SELECT 'L-8' AS id, 'every grant''s remaining is the sum of its entries, and a customer''s grants hold what is available' AS promise,
       checked, breaches, example::text
FROM (
    WITH bucket AS (
        SELECT g.customer_id, 'grant ' || g.id AS name, g.remaining AS stored,
               coalesce(sum(e.amount), 0) AS computed
        FROM ledger_grants g
        LEFT JOIN ledger_entries e ON e.customer_id = g.customer_id AND e.grant_id = g.id
        GROUP BY g.customer_id, g.id, g.remaining
        UNION ALL
        SELECT a.customer_id, 'customer ' || a.customer_id, a.balance, coalesce(sum(g.remaining), 0)
        FROM ledger_accounts a
        LEFT JOIN ledger_grants g ON g.customer_id = a.customer_id
        WHERE a.asset = 'credit' AND a.kind = 'available'
        GROUP BY a.customer_id, a.balance
    )
    SELECT count(*) AS checked, count(*) FILTER (WHERE stored <> computed) AS breaches,
           min(name) FILTER (WHERE stored <> computed) AS example
    FROM bucket
) AS finding;

SELECT 'L-10' AS id, 'every asset sums to zero over all accounts' AS promise,
       checked, breaches, example::text
FROM (
    WITH asset AS (SELECT asset, sum(balance) AS total FROM ledger_accounts GROUP BY asset)
    SELECT count(*) AS checked, count(*) FILTER (WHERE total <> 0) AS breaches,
           min(asset) FILTER (WHERE total <> 0) AS example
    FROM asset
) AS finding;

SELECT 'L-11' AS id, 'every posting that moved money at Stripe names what moved there, and nothing that moved is named by two' AS promise,
       checked, breaches, example::text
FROM (
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
) AS finding;

SELECT 'L-12' AS id, 'every amount is a whole number by its column''s type' AS promise,
       checked, breaches, example::text
FROM (
    WITH amount AS (
        SELECT table_name || '.' || column_name AS name, data_type FROM information_schema.columns
        WHERE table_schema = current_schema()
          AND column_name ~ '(^|_)(amount|balance|balance_after|credits|remaining|seq|cents)$'
    )
    SELECT count(*) AS checked, count(*) FILTER (WHERE data_type NOT IN ('bigint', 'integer')) AS breaches,
           min(name) FILTER (WHERE data_type NOT IN ('bigint', 'integer')) AS example
    FROM amount
) AS finding;

SELECT 'L-15' AS id, 'posting times never decrease within an account''s seq' AS promise,
       checked, breaches, example::text
FROM (
    WITH step AS (
        SELECT id, posted_at, lag(posted_at) OVER (PARTITION BY customer_id, account_id ORDER BY seq) AS before
        FROM ledger_entries
    )
    SELECT count(*) AS checked, count(*) FILTER (WHERE posted_at < before) AS breaches,
           min('entry ' || id) FILTER (WHERE posted_at < before) AS example
    FROM step
) AS finding;

SELECT 'L-16' AS id, 'every stored balance and count equals the full recomputation from entries' AS promise,
       checked, breaches, example::text
FROM (
    WITH account AS (
        SELECT a.id, a.balance, a.seq, coalesce(sum(e.amount), 0) AS computed, count(e.id) AS entries
        FROM ledger_accounts a
        LEFT JOIN ledger_entries e ON e.customer_id = a.customer_id AND e.account_id = a.id
        GROUP BY a.customer_id, a.id, a.balance, a.seq
    )
    SELECT count(*) AS checked, count(*) FILTER (WHERE balance <> computed OR seq <> entries) AS breaches,
           min('account ' || id) FILTER (WHERE balance <> computed OR seq <> entries) AS example
    FROM account
) AS finding;

SELECT 'C-1' AS id, 'charges move only as their table of moves allows, by triggers, an index and rights that stand' AS promise,
       checked, breaches, example::text
FROM (
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
) AS finding;

SELECT 'C-2' AS id, 'a debt is paid exactly when one charge for it has succeeded' AS promise,
       checked, breaches, example::text
FROM (
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
) AS finding;

SELECT 'C-3' AS id, 'a charge and its payment at Stripe know each other, and it is of whom Stripe knows as its customer' AS promise,
       checked, breaches, example::text
FROM (
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
) AS finding;

SELECT 'C-4' AS id, 'whatever was sent to charge a card was written down with a consent that covers the amount' AS promise,
       checked, breaches, example::text
FROM (
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
) AS finding;

SELECT 'C-5' AS id, 'the attempts of a charge are numbered without a gap, it knows how many they are, and none follows a success' AS promise,
       checked, breaches, example::text
FROM (
    WITH charge AS (
        SELECT i.id, i.attempts, count(t.id) AS written, coalesce(max(t.number), 0) AS newest,
               min(t.number) FILTER (WHERE t.outcome = 'succeeded') AS succeeded
        FROM charge_intents i
        LEFT JOIN charge_attempts t ON t.customer_id = i.customer_id AND t.intent_id = i.id AND t.kind = 'confirm'
        GROUP BY i.customer_id, i.id
    ), wrong AS (SELECT id FROM charge WHERE (written, newest) <> (attempts, attempts) OR succeeded < newest)
    SELECT (SELECT count(*) FROM charge) AS checked, (SELECT count(*) FROM wrong) AS breaches,
           (SELECT 'charge ' || min(id) FROM wrong) AS example
) AS finding;

SELECT 'C-7' AS id, 'a charge has succeeded exactly when one posting of its money says so, of the amount owed' AS promise,
       checked, breaches, example::text
FROM (
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
) AS finding;

SELECT 'C-9' AS id, 'every charge that has not ended will go on by itself, or is parked with its reason' AS promise,
       checked, breaches, example::text
FROM (
    SELECT count(*) AS checked,
           count(*) FILTER (WHERE wake_at IS NULL AND parked_reason IS NULL) AS breaches,
           'charge ' || min(id) FILTER (WHERE wake_at IS NULL AND parked_reason IS NULL) AS example
    FROM charge_intents WHERE state NOT IN ('succeeded', 'canceled', 'uncollectible')
) AS finding;

SELECT 'C-13' AS id, 'what was paid after the end of a charge is given back: a refund of all of it was asked for' AS promise,
       checked, breaches, example::text
FROM (
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
) AS finding;

SELECT 'D-1' AS id, 'a dispute has one live reversal of its amount exactly when our books say that its money is taken' AS promise,
       checked, breaches, example::text
FROM (
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
) AS finding;

SELECT 'D-2' AS id, 'a customer''s charges are frozen exactly while one of their disputes says so' AS promise,
       checked, breaches, example::text
FROM (
    WITH customer AS (
        SELECT c.id, coalesce(f.is_frozen, false) AS is_frozen,
               EXISTS (SELECT FROM disputes d WHERE d.customer_id = c.id AND d.freezes_charges) AS is_due
        FROM customers c LEFT JOIN charge_freezes f ON f.customer_id = c.id
    )
    SELECT count(*) AS checked, count(*) FILTER (WHERE is_frozen <> is_due) AS breaches,
           'customer ' || min(id) FILTER (WHERE is_frozen <> is_due) AS example
    FROM customer
) AS finding;

SELECT 'D-3' AS id, 'every live reversal for a dispute is of a dispute that says so' AS promise,
       checked, breaches, example::text
FROM (
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
) AS finding;

SELECT 'R-1' AS id, 'refunds and disputes never take more than was paid, and charge and invoice say how much they took' AS promise,
       checked, breaches, example::text
FROM (
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
) AS finding;

SELECT 'R-2' AS id, 'what a reversal took stands in the books: its money once, its credits, and what is owed for spent ones' AS promise,
       checked, breaches, example::text
FROM (
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
) AS finding;

SELECT 'R-3' AS id, 'the credits due for all that was taken back of a payment are its share of those bought, rounded down' AS promise,
       checked, breaches, example::text
FROM (
    WITH source AS (
        SELECT source_kind, source_id,
               sum(credits_due) AS due, max(credits_granted) * sum(amount_cents) / max(paid_cents) AS share
        FROM reversals WHERE state = 'taken' GROUP BY customer_id, source_kind, source_id
    ), wrong AS (SELECT source_kind || ' ' || source_id AS name FROM source WHERE due <> floor(share))
    SELECT (SELECT count(*) FROM source) AS checked, (SELECT count(*) FROM wrong) AS breaches,
           (SELECT min(name) FROM wrong) AS example
) AS finding;

SELECT 'R-4' AS id, 'money goes back in the books exactly while a refund of it is under way or done' AS promise,
       checked, breaches, example::text
FROM (
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
) AS finding;

SELECT 'R-5' AS id, 'every refund that has not ended will go on by itself, or is parked with its reason' AS promise,
       checked, breaches, example::text
FROM (
    SELECT count(*) AS checked,
           count(*) FILTER (WHERE wake_at IS NULL AND parked_reason IS NULL) AS breaches,
           'refund ' || min(id) FILTER (WHERE wake_at IS NULL AND parked_reason IS NULL) AS example
    FROM refunds WHERE state IN ('asked', 'pending')
) AS finding;

SELECT 'S-1' AS id, 'an invoice is paid exactly when one posting of its money says so, of the amount paid' AS promise,
       checked, breaches, example::text
FROM (
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
) AS finding;

SELECT 'S-2' AS id, 'a line''s credits were granted once, and only when its invoice was paid' AS promise,
       checked, breaches, example::text
FROM (
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
) AS finding;

SELECT 'S-3' AS id, 'every subscription that has not ended will be looked at again' AS promise,
       checked, breaches, example::text
FROM (
    SELECT count(*) AS checked, count(*) FILTER (WHERE look_at IS NULL) AS breaches,
           'subscription ' || min(id) FILTER (WHERE look_at IS NULL) AS example
    FROM subscriptions WHERE ended_at IS NULL
) AS finding;

SELECT 'S-4' AS id, 'a payment that paid an invoice is of a paid one, and of no charge' AS promise,
       checked, breaches, example::text
FROM (
    WITH payment AS (
        SELECT p.stripe_payment_id, i.money_posting_id IS NULL OR c.stripe_payment_id IS NOT NULL AS is_wrong
        FROM stripe_invoice_payments p
        JOIN subscription_invoices i ON i.customer_id = p.customer_id AND i.id = p.invoice_id
        LEFT JOIN stripe_payments c ON c.stripe_payment_id = p.stripe_payment_id
    )
    SELECT count(*) AS checked, count(*) FILTER (WHERE is_wrong) AS breaches,
           'payment ' || min(stripe_payment_id) FILTER (WHERE is_wrong) AS example
    FROM payment
) AS finding;

SELECT 'S-5' AS id, 'a subscription and its id at Stripe know each other' AS promise,
       checked, breaches, example::text
FROM (
    WITH known AS (
        SELECT s.id, b.stripe_subscription_id IS NOT DISTINCT FROM s.stripe_subscription_id AS is_sound
        FROM subscriptions s
        LEFT JOIN stripe_subscriptions b ON b.customer_id = s.customer_id AND b.subscription_id = s.id
    )
    SELECT count(*) AS checked, count(*) FILTER (WHERE NOT is_sound) AS breaches,
           'subscription ' || min(id) FILTER (WHERE NOT is_sound) AS example
    FROM known
) AS finding;

SELECT 'W-1' AS id, 'every stored event is processed, ignored by a rule or parked with its reason, or comes back by itself' AS promise,
       checked, breaches, example::text
FROM (
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
) AS finding;

SELECT 'W-3' AS id, 'an event is processed exactly when its effect is committed: payments settled, setups ended, money back known, invoices paid, subscriptions over' AS promise,
       checked, breaches, example::text
FROM (
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
) AS finding;

COMMIT;
