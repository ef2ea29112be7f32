"""
The statements about attempts: what was sent to Stripe, written down before it was.
"""

from datetime import datetime

from rsolv.charges.rules import Attempt, AttemptKind, Intent, Outcome, key_of
from rsolv.db import Connection

_FIND_ATTEMPT = """
    SELECT id, kind, number, key, parameter_hash, consent_id, payment_method_id, customer_present, seen_before, sent_at,
           tries, server_errors, outcome, stripe_request_id, answered_at
    FROM charge_attempts WHERE customer_id = $1 AND intent_id = $2 AND kind = $3 ORDER BY number DESC LIMIT 1
"""


async def find_attempt(
    connection: Connection, *, customer_id: int, charge_id: int, kind: AttemptKind
) -> Attempt | None:
    """
    Return a charge's newest attempt of a kind.
    """
    row = await connection.fetchrow(_FIND_ATTEMPT, customer_id, charge_id, kind)
    return row and Attempt(**row)


async def insert_attempt(
    connection: Connection,
    intent: Intent,
    *,
    kind: AttemptKind,
    number: int,
    parameter_hash: str,
    sent_at: datetime,
    consent_id: int | None = None,
    payment_method_id: int | None = None,
    customer_present: bool = False,
    seen_before: str = "",
) -> Attempt:
    """
    Write down an attempt that is about to be sent for the first time.
    """
    row = await connection.fetchrow(
        """
        INSERT INTO charge_attempts (customer_id, intent_id, kind, number, key, parameter_hash, consent_id,
                                     payment_method_id, customer_present, seen_before, sent_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        RETURNING id, kind, number, key, parameter_hash, consent_id, payment_method_id, customer_present, seen_before,
                  sent_at, tries, server_errors, outcome, stripe_request_id, answered_at
        """,
        intent.customer_id,
        intent.id,
        kind,
        number,
        key_of(intent, kind, number),
        parameter_hash,
        consent_id,
        payment_method_id,
        customer_present,
        seen_before,
        sent_at,
    )
    assert row is not None, "inserted"
    return Attempt(**row)


async def find_present_before_last(
    connection: Connection, *, customer_id: int, charge_id: int, since: datetime, skip: int
) -> datetime | None:
    """
    Return when the customer, being there, last tried to pay, so many of the latest times left out; None: not since.
    """
    sent_at: datetime | None = await connection.fetchval(
        """
        SELECT sent_at FROM charge_attempts
        WHERE customer_id = $1 AND intent_id = $2 AND customer_present AND sent_at > $3
        ORDER BY sent_at DESC OFFSET $4 LIMIT 1
        """,
        customer_id,
        charge_id,
        since,
        skip,
    )
    return sent_at


async def repeat_attempt(connection: Connection, attempt: Attempt, *, customer_id: int) -> None:
    """
    Count that an attempt is about to be sent again under its key.
    """
    await connection.execute(
        "UPDATE charge_attempts SET tries = tries + 1 WHERE customer_id = $1 AND id = $2", customer_id, attempt.id
    )


async def answer_attempt(
    connection: Connection,
    attempt: Attempt,
    *,
    customer_id: int,
    outcome: Outcome,
    stripe_request_id: str | None,
    is_server_error: bool,
    now: datetime,
) -> None:
    """
    Note what came of an attempt. What is known for certain stays.
    """
    await connection.execute(
        """
        UPDATE charge_attempts
        SET outcome = $3, stripe_request_id = coalesce($4, stripe_request_id), answered_at = $6,
            server_errors = server_errors + $5::bigint
        WHERE customer_id = $1 AND id = $2 AND (outcome IS NULL OR outcome IN ('unknown', 'not_executed', 'processing',
                                                                               'requires_action'))
        """,
        customer_id,
        attempt.id,
        outcome,
        stripe_request_id or None,
        int(is_server_error),
        now,
    )
