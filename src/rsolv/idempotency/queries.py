"""
What the idempotency room asks of its database.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta

from rsolv.db import Connection, changed_rows


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """
    An answer as stored.
    """

    id: uuid.UUID
    fingerprint: bytes
    status: int
    sealed_body: bytes


async def try_lock_key(connection: Connection, *, scope: str, key_hash: bytes) -> bool:
    """
    Take the lock of one key until the transaction ends; False when somebody has it.
    """
    return bool(
        await connection.fetchval(
            "SELECT pg_try_advisory_xact_lock(hashtextextended($1 || encode($2, 'hex'), 0))", scope, key_hash
        )
    )


async def find_answer_by_key(connection: Connection, *, scope: str, key_hash: bytes) -> StoredAnswer | None:
    """
    Return the answer kept under a caller's key, unless its time is over.
    """
    row = await connection.fetchrow(
        """
        SELECT id, fingerprint, status, sealed_body FROM idempotent_answers
        WHERE scope = $1 AND key_hash = $2 AND expires_at > now()
        """,
        scope,
        key_hash,
    )
    return row and StoredAnswer(**row)


async def insert_answer(
    connection: Connection, answer: StoredAnswer, *, scope: str, key_hash: bytes, kept_for: timedelta
) -> None:
    """
    Keep an answer under a key, in the place of one whose time is over.
    """
    await connection.execute(
        """
        INSERT INTO idempotent_answers (scope, key_hash, id, fingerprint, status, sealed_body, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, now() + $7)
        ON CONFLICT ON CONSTRAINT idempotent_answers_pkey DO UPDATE
        SET id = EXCLUDED.id, fingerprint = EXCLUDED.fingerprint, status = EXCLUDED.status,
            sealed_body = EXCLUDED.sealed_body, created_at = now(), expires_at = EXCLUDED.expires_at
        WHERE idempotent_answers.expires_at <= now()
        """,
        scope,
        key_hash,
        answer.id,
        answer.fingerprint,
        answer.status,
        answer.sealed_body,
        kept_for,
    )


async def delete_expired(connection: Connection, *, limit: int) -> int:
    """
    Delete answers whose time is over, at most *limit* of them, and return how many.
    """
    tag = await connection.execute(
        """
        DELETE FROM idempotent_answers WHERE (scope, key_hash) IN (
            SELECT scope, key_hash FROM idempotent_answers WHERE expires_at <= now()
            ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
        )
        """,
        limit,
    )
    return changed_rows(tag)
