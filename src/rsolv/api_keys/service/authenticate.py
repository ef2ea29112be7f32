"""
Find out who presents a key.
"""

import asyncio
import time
from datetime import datetime

from rsolv.api_keys import queries
from rsolv.api_keys.errors import ApiKeyRequired, InvalidApiKey
from rsolv.api_keys.rules import AuthenticatedKey, hash_key, is_well_formed
from rsolv.api_keys.service.cache import CacheCounters, KeyCache
from rsolv.db import Database, Unavailable

CHANNEL = "authentication_changed"
DEAF_TTL_SECONDS = 0.5
"""
How long an authentication is believed while we cannot hear of revocations: still within the promised second.
"""
CONFIRM_EVERY_SECONDS = 0.4


class Authenticator:
    """
    Authenticate keys for one process, from memory where possible.

    While `listen` runs and hears the database, a change of a key or customer is obeyed as soon as it is committed; when
    it does not, entries live for half a second. Either way a revoked key is refused within a second.
    """

    def __init__(self, database: Database, *, cache_ttl_seconds: float, cache_size: int) -> None:
        self._database = database
        self._hearing_ttl_seconds = cache_ttl_seconds
        self._cache = KeyCache(
            ttl_seconds=min(DEAF_TTL_SECONDS, cache_ttl_seconds),
            size_max=cache_size,
            clock_seconds=time.monotonic,
        )

    async def authenticate(self, presented: str | None, *, now: datetime) -> AuthenticatedKey:
        """
        Return who presents this key.

        A key whose checksum is wrong is refused before any look-up.

        Raises:
            ApiKeyRequired: nothing was presented.
            InvalidApiKey: it opens nothing; the reason is not told.
        """
        if not presented:
            raise ApiKeyRequired
        if not is_well_formed(presented):
            raise InvalidApiKey
        key_hash = hash_key(presented)
        key = self._cache.find(key_hash)
        if key is None:
            look_up = self._cache.begin_look_up()
            async with self._database.reading() as connection:
                key = await queries.find_live_key_by_hash(connection, key_hash=key_hash, now=now)
            if key is None:
                raise InvalidApiKey
            self._cache.keep(key_hash, key, look_up)
        if key.expires_at is not None and key.expires_at <= now:
            raise InvalidApiKey
        return key

    async def listen(self) -> None:
        """
        Hear of changes until cancelled, and connect again when the connection is lost.
        """
        while True:
            try:
                async with self._database.listening(CHANNEL, self._heard) as listener:
                    # What changed before we listened was not heard.
                    self._cache.forget()
                    self._cache.ttl_seconds = self._hearing_ttl_seconds
                    while True:
                        await asyncio.sleep(CONFIRM_EVERY_SECONDS)
                        await listener.confirm(timeout_seconds=CONFIRM_EVERY_SECONDS)
            except Unavailable:
                pass
            finally:
                self._cache.ttl_seconds = min(DEAF_TTL_SECONDS, self._hearing_ttl_seconds)
                self._cache.forget()
            await asyncio.sleep(CONFIRM_EVERY_SECONDS)

    def counters(self) -> CacheCounters:
        """
        Return what the cache of this process has done.
        """
        return self._cache.counters()

    def _heard(self, message: str) -> None:
        noun, _, number = message.partition(" ")
        if noun == "key" and number.isdecimal():
            self._cache.forget(api_key_id=int(number))
        elif noun == "customer" and number.isdecimal():
            self._cache.forget(customer_id=int(number))
        else:
            # From a newer version, perhaps: whatever it means, nothing we remember is safe from it.
            self._cache.forget()
