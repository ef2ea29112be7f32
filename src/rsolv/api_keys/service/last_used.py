"""
Remember when keys were used, off the path of requests.
"""

from datetime import datetime

from rsolv.api_keys import queries
from rsolv.api_keys.rules import AuthenticatedKey
from rsolv.db import Database


class LastUsed:
    """
    Collect uses in memory; `flush` writes the newest of each key in one statement.

    What a process had not written when it died is lost: the time is coarse by promise.
    """

    def __init__(self) -> None:
        self._uses: dict[tuple[int, int], datetime] = {}

    def note(self, key: AuthenticatedKey, now: datetime) -> None:
        """
        Note a use; costs one dictionary write.
        """
        self._uses[key.customer_id, key.api_key_id] = now

    async def flush(self, database: Database) -> int:
        """
        Write what was noted since the last flush and return how many keys that were.
        """
        uses, self._uses = self._uses, {}
        if uses:
            async with database.transaction() as connection:  # lint: allow one-transaction-place -- a job of its own
                await queries.stamp_last_used(connection, uses)
        return len(uses)
