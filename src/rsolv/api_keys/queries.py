"""
What the api_keys room asks of its database.
"""

from collections.abc import Mapping
from datetime import datetime

from rsolv.api_keys.rules import ApiKey, AuthenticatedKey
from rsolv.db import Connection, changed_rows


async def insert_key(
    connection: Connection,
    *,
    customer_id: int,
    name: str,
    shown: tuple[str, str],
    key_hash: bytes,
    created_at: datetime,
    expires_at: datetime | None,
    replaces_api_key_id: int | None,
) -> int:
    """
    Write a key and the look-up of its hash, and return the key's id.
    """
    api_key_id: int = await connection.fetchval(
        """
        WITH key AS (
            INSERT INTO api_keys (customer_id, name, prefix, last_four, created_at, expires_at, replaces_api_key_id)
            VALUES ($1, $2, $3, $4, $6, $7, $8) RETURNING customer_id, id
        )
        INSERT INTO api_key_hashes (key_hash, customer_id, api_key_id)
        SELECT $5, customer_id, id FROM key RETURNING api_key_id
        """,
        customer_id,
        name,
        *shown,
        key_hash,
        created_at,
        expires_at,
        replaces_api_key_id,
    )
    return api_key_id


async def find_live_key_by_hash(connection: Connection, *, key_hash: bytes, now: datetime) -> AuthenticatedKey | None:
    """
    Return who a key's hash belongs to, if the key is live and its customer active.
    """
    row = await connection.fetchrow(
        """
        SELECT k.customer_id, k.id AS api_key_id, k.expires_at
        FROM api_key_hashes h
        JOIN api_keys k ON k.customer_id = h.customer_id AND k.id = h.api_key_id
        JOIN customers c ON c.id = h.customer_id
        WHERE h.key_hash = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2)
          AND c.deactivated_at IS NULL
        """,
        key_hash,
        now,
    )
    return row and AuthenticatedKey(**row)


async def lock_customer(connection: Connection, *, customer_id: int) -> bool:
    """
    Lock the customer's row, so that one change of their keys happens at a time; False when there is none.
    """
    return bool(await connection.fetchval("SELECT true FROM customers WHERE id = $1 FOR NO KEY UPDATE", customer_id))


async def list_keys(connection: Connection, *, customer_id: int, limit: int) -> list[ApiKey]:
    """
    Return a customer's keys, newest first, dead ones too.
    """
    rows = await connection.fetch(
        """
        SELECT id, customer_id, name, prefix, last_four, created_at, expires_at, revoked_at, last_used_at,
               replaces_api_key_id
        FROM api_keys WHERE customer_id = $1 ORDER BY id DESC LIMIT $2
        """,
        customer_id,
        limit,
    )
    return [ApiKey(**row) for row in rows]


async def count_live_keys(connection: Connection, *, customer_id: int, now: datetime) -> int:
    """
    Count the keys of a customer that open something.
    """
    return int(
        await connection.fetchval(
            """
            SELECT count(*) FROM api_keys
            WHERE customer_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)
            """,
            customer_id,
            now,
        )
    )


async def find_key(connection: Connection, *, customer_id: int, api_key_id: int) -> ApiKey | None:
    """
    Return one key of a customer.
    """
    row = await connection.fetchrow(
        """
        SELECT id, customer_id, name, prefix, last_four, created_at, expires_at, revoked_at, last_used_at,
               replaces_api_key_id
        FROM api_keys WHERE customer_id = $1 AND id = $2
        """,
        customer_id,
        api_key_id,
    )
    return row and ApiKey(**row)


async def revoke_key(connection: Connection, *, customer_id: int, api_key_id: int, revoked_at: datetime) -> bool:
    """
    End a key now; False when it had ended before.
    """
    tag = await connection.execute(
        "UPDATE api_keys SET revoked_at = $3 WHERE customer_id = $1 AND id = $2 AND revoked_at IS NULL",
        customer_id,
        api_key_id,
        revoked_at,
    )
    return changed_rows(tag) == 1


async def expire_key_by(connection: Connection, *, customer_id: int, api_key_id: int, expires_at: datetime) -> None:
    """
    Let a key end at a time, unless it ends sooner already.
    """
    await connection.execute(
        """
        UPDATE api_keys SET expires_at = LEAST(coalesce(expires_at, 'infinity'), $3)
        WHERE customer_id = $1 AND id = $2
        """,
        customer_id,
        api_key_id,
        expires_at,
    )


async def stamp_last_used(connection: Connection, uses: Mapping[tuple[int, int], datetime]) -> None:
    """
    Note when keys, given as (customer id, key id), were last used; rows that somebody holds are left for next time.
    """
    await connection.execute(
        """
        WITH used AS (
            SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) AS u (customer_id, id, used_at)
        ), free AS (
            SELECT k.customer_id, k.id, used.used_at FROM api_keys k JOIN used USING (customer_id, id)
            WHERE k.last_used_at IS NULL OR k.last_used_at < used.used_at
            ORDER BY k.customer_id, k.id FOR NO KEY UPDATE OF k SKIP LOCKED
        )
        UPDATE api_keys k SET last_used_at = free.used_at
        FROM free WHERE k.customer_id = free.customer_id AND k.id = free.id
        """,
        [customer_id for customer_id, _ in uses],
        [api_key_id for _, api_key_id in uses],
        list(uses.values()),
    )
