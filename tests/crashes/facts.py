"""
Gather what is judged: from Stripe's twin as it answers, from our books as they are stored.
"""

from crashes.judge import DebtAsStored, Facts, MoneyPosted, PaidAtStripe
from crashes.yard import Yard
from rsolv import ledger
from rsolv.cli.ledger import sorted_invariants
from rsolv.db import Connection

CHARGE_KEY = "rsolv_charge_id"

_DEBTS = """
    SELECT d.customer_id, i.id AS charge_id, d.amount_cents, d.state AS debt_state, i.state AS charge_state,
           f.state AS fix_state, i.parked_reason,
           i.state NOT IN ('succeeded', 'canceled', 'uncollectible') AND i.wake_at IS NULL AND i.parked_reason IS NULL
               AS is_forgotten,
           coalesce((SELECT sum(e.amount) FROM ledger_postings p
                     JOIN ledger_entries e ON e.customer_id = p.customer_id AND e.posting_id = p.id
                     JOIN ledger_accounts a ON a.customer_id = e.customer_id AND a.id = e.account_id
                     WHERE p.customer_id = d.customer_id AND p.cause_kind = 'charge' AND p.cause_id = i.id::text
                       AND a.kind = 'available'), 0)::bigint AS credits_purchased,
           coalesce((SELECT -sum(e.amount) FROM ledger_postings p
                     JOIN ledger_entries e ON e.customer_id = p.customer_id AND e.posting_id = p.id
                     JOIN ledger_accounts a ON a.customer_id = e.customer_id AND a.id = e.account_id
                     WHERE p.customer_id = d.customer_id AND p.cause_kind = 'fix' AND p.cause_id = d.fix_id::text
                       AND a.kind = 'available'), 0)::bigint AS credits_consumed
    FROM charge_debts d
    JOIN charge_intents i ON i.customer_id = d.customer_id AND i.debt_id = d.id
    JOIN fixes f ON f.customer_id = d.customer_id AND f.id = d.fix_id
"""
_POSTED = """
    SELECT p.id AS posting_id, p.customer_id,
           CASE WHEN p.cause_kind = 'charge' AND p.cause_id ~ '^[0-9]+$' THEN p.cause_id::bigint END AS charge_id,
           p.metadata::jsonb ->> 'stripe_payment_id' AS payment_id, e.amount AS amount_cents
    FROM ledger_entries e
    JOIN ledger_accounts a ON a.customer_id = e.customer_id AND a.id = e.account_id
    JOIN ledger_postings p ON p.customer_id = e.customer_id AND p.id = e.posting_id
    WHERE a.kind = 'processor'
"""


async def gather(yard: Yard, *, works: int, may_be_canceled: bool = False) -> Facts:
    """
    Read both books of a yard in which so many pieces of work were to be paid.
    """
    async with yard.database() as database, database.snapshot() as connection:
        debts = [DebtAsStored(**row) for row in await connection.fetch(_DEBTS)]
        posted = [MoneyPosted(**row) for row in await connection.fetch(_POSTED)]
        breaches = await breaches_of(connection)
    paid, charges_at_stripe, payments_at_stripe = [], 0, 0
    for payer in yard.payers:
        for payment in await yard.list_at_stripe("payment_intents", payer.stripe_customer_id):
            payments_at_stripe += 1
            if payment["status"] == "succeeded":
                named = payment["metadata"].get(CHARGE_KEY)
                charge_id = int(named) if named else None
                paid.append(PaidAtStripe(payment["id"], payer.customer_id, charge_id, payment["amount_received"]))
        made = await yard.list_at_stripe("charges", payer.stripe_customer_id)
        charges_at_stripe += sum(charge["paid"] for charge in made)
    return Facts(
        works=works,
        debts=debts,
        paid=paid,
        charges_at_stripe=charges_at_stripe,
        posted=posted,
        breaches=breaches,
        payments_at_stripe=payments_at_stripe,
        may_be_canceled=may_be_canceled,
    )


async def breaches_of(connection: Connection) -> list[str]:
    """
    Check every invariant there is, and say which is broken.
    """
    findings = ledger.breached(await ledger.verify(connection, sorted_invariants()))
    return [f"{finding}" for finding in findings]
