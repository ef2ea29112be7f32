"""
The questions about charges: for their customers, for webhooks, for those who see that none is forgotten.
"""

from dataclasses import dataclass
from datetime import datetime

from rsolv.charges.rules import Attempt, Charge
from rsolv.db import Connection, Row

_LIST_CHARGES = """
    SELECT i.id, d.fix_id, i.state, d.amount_cents, d.currency, d.plan, d.catalog_version_id, d.api_key_id,
           d.description, i.parked_reason, i.wake_at, i.declines, i.failure_code, i.decline_code, i.link_token,
           i.stripe_payment_id, i.created_at, i.settled_at, i.late_cents, i.amount_refunded_cents,
           i.amount_disputed_cents, i.dispute_state, i.rebuilt_at
    FROM charge_intents AS i JOIN charge_debts AS d ON d.customer_id = i.customer_id AND d.id = i.debt_id
    WHERE i.customer_id = $1 AND ($2::bigint IS NULL OR i.id < $2) AND ($3::bigint IS NULL OR i.id = $3)
      AND ($5::text IS NULL OR i.state = $5)
    ORDER BY i.id DESC LIMIT $4
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargePosting:
    """
    A posting that a charge made, with its entries as (account kind, asset, amount).
    """

    id: int
    leg: str
    source: str
    entries: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentGiven:
    """
    The consent a charge was made under.
    """

    id: int
    text_version: str
    given_at: datetime


async def list_charges(
    connection: Connection, *, customer_id: int, before_id: int | None, state: str | None, limit: int
) -> list[Charge]:
    """
    Return a customer's charges, newest first, those before *before_id* and in a state if given.
    """
    rows = await connection.fetch(_LIST_CHARGES, customer_id, before_id, None, limit, state)
    return [Charge(**row) for row in rows]


async def find_charge(connection: Connection, *, customer_id: int, charge_id: int) -> Charge | None:
    """
    Return a charge.
    """
    rows = await connection.fetch(_LIST_CHARGES, customer_id, None, charge_id, 1, None)
    return Charge(**rows[0]) if rows else None


async def find_fix(connection: Connection, *, customer_id: int, fix_id: int) -> Row | None:
    """
    Return where a fix was made and what was reported of it.
    """
    return await connection.fetchrow(
        """
        SELECT r.namespace || '/' || r.name AS repository, f.issue_number, f.phase_result_id, p.commit_sha,
               p.data::text AS phase_result
        FROM fixes AS f
        JOIN repositories AS r ON r.customer_id = f.customer_id AND r.id = f.repository_id
        JOIN phase_results AS p ON p.customer_id = f.customer_id AND p.id = f.phase_result_id
        WHERE f.customer_id = $1 AND f.id = $2
        """,
        customer_id,
        fix_id,
    )


async def list_attempts(connection: Connection, *, customer_id: int, charge_id: int, limit: int) -> list[Attempt]:
    """
    Return a charge's attempts in the order in which they were first sent.
    """
    rows = await connection.fetch(
        """
        SELECT id, kind, number, key, parameter_hash, consent_id, payment_method_id, customer_present, seen_before,
               sent_at, tries, server_errors, outcome, stripe_request_id, answered_at
        FROM charge_attempts WHERE customer_id = $1 AND intent_id = $2 ORDER BY id LIMIT $3
        """,
        customer_id,
        charge_id,
        limit,
    )
    return [Attempt(**row) for row in rows]


async def find_consent(connection: Connection, *, customer_id: int, charge_id: int) -> ConsentGiven | None:
    """
    Return the consent under which a charge was last armed.
    """
    row = await connection.fetchrow(
        """
        SELECT c.id, c.text_version, c.given_at
        FROM charge_intents AS i JOIN consents AS c ON c.customer_id = i.customer_id AND c.id = i.consent_id
        WHERE i.customer_id = $1 AND i.id = $2
        """,
        customer_id,
        charge_id,
    )
    return row and ConsentGiven(**row)


async def list_postings(connection: Connection, *, customer_id: int, charge_id: int, limit: int) -> list[ChargePosting]:
    """
    Return what a charge posted in the ledger, in order.
    """
    rows = await connection.fetch(
        """
        SELECT p.id, p.leg, p.source, array_agg(a.kind ORDER BY e.id) AS kinds,
               array_agg(a.asset ORDER BY e.id) AS assets, array_agg(e.amount ORDER BY e.id) AS amounts
        FROM charge_intents AS i
        JOIN ledger_postings AS p ON p.customer_id = i.customer_id
          AND p.id IN (i.money_posting_id, i.credits_posting_id, i.consumed_posting_id, i.late_posting_id)
        JOIN ledger_entries AS e ON e.customer_id = p.customer_id AND e.posting_id = p.id
        JOIN ledger_accounts AS a ON a.customer_id = e.customer_id AND a.id = e.account_id
        WHERE i.customer_id = $1 AND i.id = $2
        GROUP BY p.id, p.leg, p.source ORDER BY p.id LIMIT $3
        """,
        customer_id,
        charge_id,
        limit,
    )
    return [
        ChargePosting(
            id=row["id"],
            leg=row["leg"],
            source=row["source"],
            entries=tuple(zip(row["kinds"], row["assets"], row["amounts"], strict=True)),
        )
        for row in rows
    ]


async def find_owner_by_payment(connection: Connection, stripe_payment_id: str) -> tuple[int, int] | None:
    """
    Return whose payment at Stripe it is: the customer's id and the charge's.
    """
    row = await connection.fetchrow(
        "SELECT customer_id, intent_id FROM stripe_payments WHERE stripe_payment_id = $1", stripe_payment_id
    )
    return row and (row["customer_id"], row["intent_id"])


async def count_open_debts(connection: Connection, *, customer_id: int) -> int:
    """
    Count what a customer still owes.
    """
    return int(
        await connection.fetchval(
            "SELECT count(*) FROM charge_debts WHERE customer_id = $1 AND state = 'open'", customer_id
        )
    )


async def list_overdue_by_wake_time(connection: Connection, *, due_before: datetime, limit: int) -> list[Row]:
    """
    Return charges of anybody that should have gone on before a time and that nobody holds.
    """
    return await connection.fetch(
        """
        SELECT customer_id, id, wake_at FROM charge_intents
        WHERE wake_at < $1 AND coalesce(lease_until <= clock_timestamp(), true)
        ORDER BY wake_at LIMIT $2
        """,
        due_before,
        limit,
    )
