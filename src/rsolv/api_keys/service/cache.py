"""
Authenticated keys in the memory of one process.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from rsolv.api_keys.rules import AuthenticatedKey


@dataclass(slots=True)
class CacheCounters:
    """
    What the cache has done since the process started, and how full it is.
    """

    hits: int = 0
    misses: int = 0
    evictions: int = 0
    invalidations: int = 0
    size: int = field(default=0)


@dataclass(frozen=True, slots=True)
class LookUp:
    """
    When a look-up began: what it found is only as fresh as that.
    """

    generation: int
    began_seconds: float


class KeyCache:
    """
    Map the hash of a key to whom it authenticates, for *ttl_seconds*, at most *size_max* of them.

    Only successes are kept, so an unknown key is looked up each time. When it is full the one unused for longest goes.
    A look-up under way while something is forgotten is not kept.
    """

    def __init__(self, *, ttl_seconds: float, size_max: int, clock_seconds: Callable[[], float]) -> None:
        self.ttl_seconds = ttl_seconds
        self._size_max = size_max
        self._clock_seconds = clock_seconds
        self._entries: OrderedDict[bytes, tuple[AuthenticatedKey, float]] = OrderedDict()
        self._counters = CacheCounters()
        self._generation = 0

    def find(self, key_hash: bytes) -> AuthenticatedKey | None:
        """
        Return whom this hash authenticates, if that was found out less than the TTL ago.
        """
        entry = self._entries.get(key_hash)
        if entry is None or self._clock_seconds() - entry[1] >= self.ttl_seconds:
            self._counters.misses += 1
            return None
        self._counters.hits += 1
        self._entries.move_to_end(key_hash)
        return entry[0]

    def begin_look_up(self) -> LookUp:
        """
        Note that a look-up begins now.
        """
        return LookUp(self._generation, self._clock_seconds())

    def keep(self, key_hash: bytes, key: AuthenticatedKey, look_up: LookUp) -> None:
        """
        Keep what a look-up found, from its beginning on, unless something was forgotten since.
        """
        if look_up.generation != self._generation or self._size_max == 0:
            return
        self._entries[key_hash] = (key, look_up.began_seconds)
        self._entries.move_to_end(key_hash)
        while len(self._entries) > self._size_max:
            self._entries.popitem(last=False)
            self._counters.evictions += 1

    def forget(self, *, customer_id: int | None = None, api_key_id: int | None = None) -> None:
        """
        Forget one key, all keys of one customer, or (neither given) everything.
        """
        self._generation += 1
        stale = [
            key_hash
            for key_hash, (key, _) in self._entries.items()
            if (customer_id is None or key.customer_id == customer_id)
            and (api_key_id is None or key.api_key_id == api_key_id)
        ]
        for key_hash in stale:
            del self._entries[key_hash]
        self._counters.invalidations += len(stale)

    def counters(self) -> CacheCounters:
        """
        Return the counters as they are now.
        """
        self._counters.size = len(self._entries)
        return self._counters
