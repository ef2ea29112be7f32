"""
Replace a key by a new one while the old one still works for a while.
"""

from datetime import datetime, timedelta

from rsolv.api_keys import queries
from rsolv.api_keys.errors import ApiKeyRevoked, UnknownApiKey
from rsolv.api_keys.rules import IssuedKey
from rsolv.api_keys.service.issue import issue_key
from rsolv.audit import Actor, record
from rsolv.db import Connection


async def rotate_key(
    connection: Connection,
    *,
    customer_id: int,
    api_key_id: int,
    overlap: timedelta,
    actor: Actor,
    now: datetime,
) -> IssuedKey:
    """
    Issue a key that replaces another; the old one ends after *overlap* (zero: now), or sooner if it was to.

    Locks the customer's row. Ends the one, issues the other and writes both audit entries in the caller's transaction.

    Raises:
        UnknownApiKey: the customer has no such key.
        ApiKeyRevoked: the key is not live.
        TooManyApiKeys: the new key would be one too many; roll back.
    """
    await queries.lock_customer(connection, customer_id=customer_id)
    old = await queries.find_key(connection, customer_id=customer_id, api_key_id=api_key_id)
    if old is None:
        raise UnknownApiKey(api_key_id=api_key_id)
    if not old.is_live(now):
        raise ApiKeyRevoked(api_key_id=api_key_id)
    # The old key first: ending now, it makes room for the new one within the limit of live keys.
    await queries.expire_key_by(connection, customer_id=customer_id, api_key_id=api_key_id, expires_at=now + overlap)
    issued = await issue_key(
        connection,
        customer_id=customer_id,
        name=old.name,
        actor=actor,
        now=now,
        replaces_api_key_id=api_key_id,
    )
    await record(
        connection,
        actor=actor,
        action="api_key:rotated",
        subject=f"api_key {api_key_id}",
        customer_id=customer_id,
        facts={"replaced_by": issued.api_key.id, "overlap_seconds": int(overlap.total_seconds())},
    )
    return issued
