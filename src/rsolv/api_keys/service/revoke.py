"""
Revoke a key.
"""

from datetime import datetime

from rsolv.api_keys import queries
from rsolv.api_keys.errors import UnknownApiKey
from rsolv.audit import Actor, record
from rsolv.db import Connection


async def revoke_key(connection: Connection, *, customer_id: int, api_key_id: int, actor: Actor, now: datetime) -> bool:
    """
    End a key at once; False when it had been revoked before, and then nothing changes.

    Once committed, every process refuses the key within a second: each hears of it by NOTIFY.

    Raises:
        UnknownApiKey: the customer has no such key.
    """
    if await queries.find_key(connection, customer_id=customer_id, api_key_id=api_key_id) is None:
        raise UnknownApiKey(api_key_id=api_key_id)
    revoked = await queries.revoke_key(connection, customer_id=customer_id, api_key_id=api_key_id, revoked_at=now)
    if revoked:
        await record(
            connection,
            actor=actor,
            action="api_key:revoked",
            subject=f"api_key {api_key_id}",
            customer_id=customer_id,
        )
    return revoked
