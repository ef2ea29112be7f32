"""
What is the same however a history was told: states and postings, without our own numbers and times of hearing.
"""

from collections.abc import Mapping, Sequence

import asyncpg

Rows = Sequence[tuple[object, ...]]

QUESTIONS: Mapping[str, str] = {
    "events": "SELECT stripe_event_id, type, source, outcome, reason, customer_id FROM billing_events",
    "postings": """
        SELECT p.customer_id, p.cause_kind, p.cause_id, p.leg, p.source, a.kind, a.asset, sum(e.amount)
        FROM ledger_postings p
        JOIN ledger_entries e ON e.customer_id = p.customer_id AND e.posting_id = p.id
        JOIN ledger_accounts a ON a.customer_id = e.customer_id AND a.id = e.account_id
        GROUP BY p.customer_id, p.id, p.cause_kind, p.cause_id, p.leg, p.source, a.kind, a.asset
    """,
    "balances": "SELECT customer_id, kind, asset, balance FROM ledger_accounts",
    "charges": """
        SELECT id, state, stripe_payment_id, amount_refunded_cents, amount_disputed_cents, parked_reason
        FROM charge_intents
    """,
    "debts": "SELECT id, state FROM charge_debts",
    "fixes": "SELECT id, state FROM fixes",
    "refunds": "SELECT customer_id, stripe_refund_id, state, amount_cents FROM refunds",
    "subscriptions": """
        SELECT id, state, period_starts_at, period_ends_at, cancel_at, cancel_at_period_end, canceled_at,
               latest_invoice_id, action_url, past_due_since IS NULL, churned_at IS NULL
        FROM subscriptions
    """,
    "invoices": """
        SELECT stripe_invoice_id, state, total_cents, amount_due_cents, amount_paid_cents, attempt_count,
               next_attempt_at, money_posting_id IS NULL
        FROM subscription_invoices
    """,
    "invoice lines": "SELECT stripe_line_id, amount_cents, quantity, credits FROM subscription_invoice_lines",
    "customers": "SELECT id, subscription_type, subscription_state FROM customers",
}


async def read_state(database_url: str) -> dict[str, Rows]:
    """
    Read all of it, in an order of its own.
    """
    connection = await asyncpg.connect(database_url)
    try:
        read = {name: await connection.fetch(question) for name, question in QUESTIONS.items()}
    finally:
        await connection.close()
    return {name: sorted((tuple(row) for row in rows), key=repr) for name, rows in read.items()}


def differences(one: Mapping[str, Rows], other: Mapping[str, Rows]) -> list[str]:
    """
    Say where two states differ: how many rows are in one only, and the first of them.
    """
    found = []
    for name in QUESTIONS:
        apart = set(one[name]) ^ set(other[name])
        if apart or len(one[name]) != len(other[name]):
            found.append(f"{name}: {len(apart)} rows differ, such as {min(apart, key=repr, default='a repeated one')}")
    return found
