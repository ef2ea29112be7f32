"""
Queries about opening a subscription: asked for, held by one process, and each call written down before it is made.
"""

from datetime import datetime, timedelta

from rsolv.db import Connection
from rsolv.payment_methods import Evidence
from rsolv.subscriptions.rules import Attempt, Subscription


async def insert_subscription(
    connection: Connection,
    evidence: Evidence,
    *,
    customer_id: int,
    plan: str,
    price_cents: int,
    period_credits: int,
    stripe_customer_id: str,
    stripe_price_id: str,
    payment_method_id: int,
    consent_id: int,
    text_version: str,
    caller_key_hash: bytes | None,
    lease: timedelta,
    look_at: datetime,
) -> int:
    """
    Write down that a subscription is asked for, held by us, and return its id.
    """
    subscription_id: int = await connection.fetchval(
        """
        INSERT INTO subscriptions (customer_id, plan, catalog_version_id, price_cents, currency, period_credits,
                                   stripe_customer_id, stripe_price_id, payment_method_id, text_version, consent_id,
                                   actor, ip, user_agent, caller_key_hash, asked_at, lease_until, look_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, clock_timestamp() + $17, $18)
        RETURNING id
        """,
        customer_id,
        plan,
        evidence.catalog_version_id,
        price_cents,
        evidence.currency,
        period_credits,
        stripe_customer_id,
        stripe_price_id,
        payment_method_id,
        text_version,
        consent_id,
        evidence.actor,
        evidence.ip,
        evidence.user_agent,
        caller_key_hash,
        evidence.given_at,
        lease,
        look_at,
    )
    return subscription_id


async def find_id_by_caller_key(
    connection: Connection, *, customer_id: int, caller_key_hash: bytes, since: datetime
) -> int | None:
    """
    Return the id of the newest subscription asked for under a caller's key since a time.
    """
    subscription_id: int | None = await connection.fetchval(
        """
        SELECT id FROM subscriptions
        WHERE customer_id = $1 AND caller_key_hash = $2 AND asked_at > $3 ORDER BY id DESC LIMIT 1
        """,
        customer_id,
        caller_key_hash,
        since,
    )
    return subscription_id


async def hold(connection: Connection, subscription: Subscription, *, lease: timedelta, look_at: datetime) -> None:
    """
    Take a subscription up again, to open it, alone.
    """
    await connection.execute(
        """
        UPDATE subscriptions SET lease_until = clock_timestamp() + $3, look_at = $4
        WHERE customer_id = $1 AND id = $2 AND state = 'opening'
        """,
        subscription.customer_id,
        subscription.id,
        lease,
        look_at,
    )


async def let_go(connection: Connection, subscription: Subscription) -> None:
    """
    Let others take a subscription up.
    """
    await connection.execute(
        "UPDATE subscriptions SET lease_until = NULL WHERE customer_id = $1 AND id = $2",
        subscription.customer_id,
        subscription.id,
    )


async def refuse(connection: Connection, subscription: Subscription, *, code: str, now: datetime) -> bool:
    """
    Note that Stripe has no such subscription and will not have it; False when it has turned out to be there.
    """
    refused = await connection.fetchval(
        """
        UPDATE subscriptions
        SET state = 'refused', refused_code = $3, ended_at = $4, look_at = NULL, lease_until = NULL,
            version = version + 1
        WHERE customer_id = $1 AND id = $2 AND state = 'opening' AND stripe_subscription_id IS NULL RETURNING true
        """,
        subscription.customer_id,
        subscription.id,
        code,
        now,
    )
    return bool(refused)


async def insert_attempt(
    connection: Connection, subscription: Subscription, *, number: int, key: str, sent_at: datetime
) -> Attempt:
    """
    Write down a call that is about to be made.
    """
    attempt_id: int = await connection.fetchval(
        """
        INSERT INTO subscription_attempts (customer_id, subscription_id, number, key, sent_at)
        VALUES ($1, $2, $3, $4, $5) RETURNING id
        """,
        subscription.customer_id,
        subscription.id,
        number,
        key,
        sent_at,
    )
    return Attempt(id=attempt_id, number=number, key=key, sent_at=sent_at, tries=1, outcome=None)


async def find_last_attempt_by_subscription(connection: Connection, subscription: Subscription) -> Attempt | None:
    """
    Return the newest attempt to open a subscription.
    """
    row = await connection.fetchrow(
        """
        SELECT id, number, key, sent_at, tries, outcome FROM subscription_attempts
        WHERE customer_id = $1 AND subscription_id = $2 ORDER BY number DESC LIMIT 1
        """,
        subscription.customer_id,
        subscription.id,
    )
    return row and Attempt(**row)


async def count_try(connection: Connection, attempt: Attempt, *, customer_id: int) -> None:
    """
    Note that an attempt is sent once more, as it was.
    """
    await connection.execute(
        """
        UPDATE subscription_attempts SET tries = tries + 1, outcome = NULL, answered_at = NULL
        WHERE customer_id = $1 AND id = $2
        """,
        customer_id,
        attempt.id,
    )


async def answer_attempt(
    connection: Connection,
    attempt: Attempt,
    *,
    customer_id: int,
    outcome: str,
    stripe_request_id: str | None,
    now: datetime,
) -> None:
    """
    Note what was heard of an attempt.
    """
    await connection.execute(
        """
        UPDATE subscription_attempts SET outcome = $3, stripe_request_id = $4, answered_at = $5
        WHERE customer_id = $1 AND id = $2
        """,
        customer_id,
        attempt.id,
        outcome,
        stripe_request_id,
        now,
    )
