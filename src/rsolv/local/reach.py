"""
Reach a database that a person named, with a sentence where it cannot be reached.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from rsolv.db import Unavailable, connected
from rsolv.local.errors import DatabaseUnusable
from rsolv.local.queries import RefusedByServer


@asynccontextmanager
async def reached(database_url: str, *, application: str) -> AsyncIterator[Any]:
    """
    Lend one plain connection, as whoever the URL logs in.

    Raises:
        DatabaseUnusable: there is no server, no such database, or it refuses us.
    """
    async with AsyncExitStack() as stack:
        try:
            connection = await stack.enter_async_context(connected(database_url, application=application))
        except (Unavailable, RefusedByServer, ValueError) as error:
            raise DatabaseUnusable(reason=f"{type(error).__name__}: {error}") from None
        yield connection
