"""
The statements that read charges under their lock and move them. Every move compares state and fence first.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from rsolv.charges.rules import Intent
from rsolv.db import Connection, changed_rows
from rsolv.stripe_gateway import Decline

_LOCK_INTENT = """
    SELECT i.customer_id, i.id, i.debt_id, i.nonce, i.state, i.fence, i.wake_at, i.parked_reason, i.ending,
           greatest(coalesce(i.lease_until - clock_timestamp(), interval '0'), interval '0') AS lease_left,
           i.stripe_payment_id, i.stripe_customer_id, i.livemode, i.attempts, i.consent_id, i.payment_method_id,
           i.declines, i.dunning_began_at, i.failure_code, i.decline_code, i.link_token, i.settled_at,
           i.unresolved_since, i.created_at, i.moved_at, i.late_cents, i.amount_refunded_cents,
           i.amount_disputed_cents, i.dispute_state, i.rebuilt_at,
           d.fix_id, d.amount_cents, d.currency, d.plan, d.catalog_version_id, d.api_key_id, d.description,
           d.state AS debt_state, r.namespace || '/' || r.name AS repository, f.issue_number, p.commit_sha
    FROM charge_debts AS d
    JOIN charge_intents AS i ON i.customer_id = d.customer_id AND i.debt_id = d.id
    JOIN fixes AS f ON f.customer_id = d.customer_id AND f.id = d.fix_id
    JOIN repositories AS r ON r.customer_id = f.customer_id AND r.id = f.repository_id
    JOIN phase_results AS p ON p.customer_id = f.customer_id AND p.id = f.phase_result_id
    WHERE i.customer_id = $1 AND i.id = $2
    FOR NO KEY UPDATE OF d, i
"""


async def lock_intent(connection: Connection, *, customer_id: int, charge_id: int) -> Intent | None:
    """
    Lock a charge with its debt until the transaction ends.
    """
    row = await connection.fetchrow(_LOCK_INTENT, customer_id, charge_id)
    return row and Intent(**row)


async def claim_intent(connection: Connection, intent: Intent, *, lease: timedelta, now: datetime) -> Intent:
    """
    Take a charge that nobody holds, under a new fence, until the lease ends; return it as it is now.

    What was not begun is being prepared now; of what a dead worker was confirming the outcome is not known.
    """
    row = await connection.fetchrow(
        """
        UPDATE charge_intents
        SET fence = fence + 1, lease_until = clock_timestamp() + $5::interval, wake_at = $6::timestamptz + $5::interval,
            state = CASE state WHEN 'created' THEN 'preparing' WHEN 'confirming' THEN 'unknown' ELSE state END,
            unresolved_since = CASE WHEN state = 'confirming' THEN $6::timestamptz ELSE unresolved_since END,
            moved_at = CASE WHEN state IN ('created', 'confirming') THEN $6::timestamptz ELSE moved_at END
        WHERE customer_id = $1 AND id = $2 AND fence = $3 AND state = $4
          AND coalesce(lease_until <= clock_timestamp(), true)
        RETURNING state, fence, wake_at, unresolved_since, moved_at
        """,
        intent.customer_id,
        intent.id,
        intent.fence,
        intent.state,
        lease,
        now,
    )
    assert row is not None, "locked since it was looked at"
    return replace(intent, **row)


async def move_intent(
    connection: Connection,
    intent: Intent,
    *,
    to_state: str,
    wake_at: datetime | None,
    parked_reason: str | None,
    lease: timedelta | None,
    now: datetime,
) -> Intent | None:
    """
    Move a charge on, or let it rest (without a *lease*); None when another has moved it since it was read.
    """
    row = await connection.fetchrow(
        """
        UPDATE charge_intents
        SET state = $5::text, wake_at = $6::timestamptz, parked_reason = $7,
            lease_until = clock_timestamp() + $8::interval,
            unresolved_since = CASE WHEN $5::text = 'unknown' THEN coalesce(unresolved_since, $9::timestamptz) END,
            moved_at = CASE WHEN state = $5::text THEN moved_at ELSE $9::timestamptz END
        WHERE customer_id = $1 AND id = $2 AND fence = $3 AND state = $4
        RETURNING state, wake_at, parked_reason, unresolved_since, moved_at
        """,
        intent.customer_id,
        intent.id,
        intent.fence,
        intent.state,
        to_state,
        wake_at,
        parked_reason,
        lease,
        now,
    )
    return row and replace(intent, **row)


async def raise_fence(connection: Connection, intent: Intent) -> Intent:
    """
    Refuse whoever holds a charge now: somebody with the truth in hand goes first.
    """
    fence: int = await connection.fetchval(
        "UPDATE charge_intents SET fence = fence + 1 WHERE customer_id = $1 AND id = $2 RETURNING fence",
        intent.customer_id,
        intent.id,
    )
    return replace(intent, fence=fence)


async def store_payment(
    connection: Connection,
    intent: Intent,
    *,
    stripe_payment_id: str,
    stripe_customer_id: str,
    livemode: bool,
    lease: timedelta,
    now: datetime,
) -> Intent | None:
    """
    Give a charge its payment, for life; None when another has moved it since it was read.
    """
    row = await connection.fetchrow(
        """
        WITH stored AS (
            UPDATE charge_intents
            SET stripe_payment_id = coalesce(stripe_payment_id, $4),
                stripe_customer_id = coalesce(stripe_customer_id, $5),
                livemode = coalesce(livemode, $6), state = 'prepared', parked_reason = NULL, moved_at = $8,
                lease_until = clock_timestamp() + $7::interval, wake_at = $8::timestamptz + $7::interval
            WHERE customer_id = $1 AND id = $2 AND fence = $3 AND state = 'preparing'
            RETURNING state, stripe_payment_id, stripe_customer_id, livemode, parked_reason, moved_at, wake_at
        ), known AS (
            INSERT INTO stripe_payments (stripe_payment_id, customer_id, intent_id)
            SELECT stripe_payment_id, $1, $2 FROM stored
        )
        SELECT * FROM stored
        """,
        intent.customer_id,
        intent.id,
        intent.fence,
        stripe_payment_id,
        stripe_customer_id,
        livemode,
        lease,
        now,
    )
    return row and replace(intent, **row)


async def arm_intent(
    connection: Connection,
    intent: Intent,
    *,
    attempts: int,
    consent_id: int,
    payment_method_id: int,
    lease: timedelta,
    now: datetime,
) -> Intent | None:
    """
    Note that a charge is about to be confirmed; None when another has moved it since it was read.
    """
    row = await connection.fetchrow(
        """
        UPDATE charge_intents
        SET state = 'confirming', attempts = $5, consent_id = $6, payment_method_id = $7, parked_reason = NULL,
            lease_until = clock_timestamp() + $8::interval, wake_at = $9::timestamptz + $8::interval,
            unresolved_since = NULL, moved_at = $9
        WHERE customer_id = $1 AND id = $2 AND fence = $3 AND state = $4
        RETURNING state, attempts, consent_id, payment_method_id, parked_reason, wake_at, unresolved_since, moved_at
        """,
        intent.customer_id,
        intent.id,
        intent.fence,
        intent.state,
        attempts,
        consent_id,
        payment_method_id,
        lease,
        now,
    )
    return row and replace(intent, **row)


async def note_decline(
    connection: Connection, intent: Intent, decline: Decline, *, declines: int, began_at: datetime | None
) -> None:
    """
    Note why a charge was not paid, and how often since its dunning began.
    """
    await connection.execute(
        """
        UPDATE charge_intents
        SET failure_code = $4, decline_code = $5, advice_code = $6, declines = $7, dunning_began_at = $8
        WHERE customer_id = $1 AND id = $2 AND fence = $3
        """,
        intent.customer_id,
        intent.id,
        intent.fence,
        decline.code,
        decline.decline_code,
        decline.advice_code,
        declines,
        began_at,
    )


async def succeed_intent(
    connection: Connection,
    intent: Intent,
    *,
    money_posting_id: int,
    credits_posting_id: int,
    consumed_posting_id: int,
    now: datetime,
) -> bool:
    """
    End a charge as paid, with its postings; False when another has moved it since it was read.
    """
    tag = await connection.execute(
        """
        UPDATE charge_intents
        SET state = 'succeeded', money_posting_id = $5, credits_posting_id = $6, consumed_posting_id = $7,
            settled_at = $8, moved_at = $8, wake_at = NULL, lease_until = NULL, parked_reason = NULL,
            unresolved_since = NULL
        WHERE customer_id = $1 AND id = $2 AND fence = $3 AND state = $4
        """,
        intent.customer_id,
        intent.id,
        intent.fence,
        intent.state,
        money_posting_id,
        credits_posting_id,
        consumed_posting_id,
        now,
    )
    return changed_rows(tag) == 1


async def note_rebuilt(connection: Connection, intent: Intent, *, now: datetime) -> Intent:
    """
    Note that a charge stands for one that this database has lost.
    """
    await connection.execute(
        "UPDATE charge_intents SET rebuilt_at = $3 WHERE customer_id = $1 AND id = $2",
        intent.customer_id,
        intent.id,
        now,
    )
    return replace(intent, rebuilt_at=now)
