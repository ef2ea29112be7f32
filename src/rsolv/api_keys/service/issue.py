"""
Issue a key.
"""

from datetime import datetime

from rsolv.api_keys import queries
from rsolv.api_keys.errors import ApiKeyNameInvalid, TooManyApiKeys
from rsolv.api_keys.rules import (
    LIVE_KEYS_MAX,
    NAME_LENGTH_MAX,
    ApiKey,
    IssuedKey,
    generate_key,
    hash_key,
    is_usable_name,
    shown_parts,
)
from rsolv.audit import Actor, record
from rsolv.db import Connection
from rsolv.kernel.secret import Secret


async def issue_key(
    connection: Connection,
    *,
    customer_id: int,
    name: str,
    actor: Actor,
    now: datetime,
    expires_at: datetime | None = None,
    replaces_api_key_id: int | None = None,
) -> IssuedKey:
    """
    Make a key, store its hash, and return the key for its only showing.

    Locks the customer's row, so that the limit of live keys holds under concurrency. Writes the audit entry in the
    same transaction.

    Raises:
        ApiKeyNameInvalid: a key cannot be called *name*.
        TooManyApiKeys: the customer has as many live keys as one may have.
    """
    if not is_usable_name(name):
        raise ApiKeyNameInvalid(name_length_max=NAME_LENGTH_MAX)
    await queries.lock_customer(connection, customer_id=customer_id)
    if await queries.count_live_keys(connection, customer_id=customer_id, now=now) >= LIVE_KEYS_MAX:
        raise TooManyApiKeys(live_keys_max=LIVE_KEYS_MAX)
    key = generate_key()
    prefix, last_four = shown_parts(key)
    api_key_id = await queries.insert_key(
        connection,
        customer_id=customer_id,
        name=name,
        shown=(prefix, last_four),
        key_hash=hash_key(key),
        created_at=now,
        expires_at=expires_at,
        replaces_api_key_id=replaces_api_key_id,
    )
    await record(
        connection,
        actor=actor,
        action="api_key:issued",
        subject=f"api_key {api_key_id}",
        customer_id=customer_id,
    )
    stored = ApiKey(
        id=api_key_id,
        customer_id=customer_id,
        name=name,
        prefix=prefix,
        last_four=last_four,
        created_at=now,
        expires_at=expires_at,
        revoked_at=None,
        last_used_at=None,
        replaces_api_key_id=replaces_api_key_id,
    )
    return IssuedKey(api_key=stored, secret=Secret(key))
