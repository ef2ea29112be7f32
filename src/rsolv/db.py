"""
The pool, and the one place that begins and commits.

One request or one job is one transaction (house rule 4). Jobs promised inside it are rows in it.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any, ClassVar, Protocol, Self

import asyncpg

from rsolv.kernel.outside import transaction_open

Row = Any  # asyncpg.Record: a mapping by column name; turned into a typed value where it is read

APPLICATION_ROLE = "rsolv_app"
"""
The role that web and worker act as; migrations/versions/0001_roles.up.sql says what it may do.
"""

STATEMENT_TIMEOUT = timedelta(seconds=5)
LOCK_TIMEOUT = timedelta(seconds=2)
IDLE_IN_TRANSACTION_TIMEOUT = timedelta(seconds=10)


# Said instead of the driver's message, which may quote a part of the URL, and with it of a password.
_UNREADABLE_URL = "the database's URL cannot be read"


class Connection(Protocol):
    """
    What a room may do with a connection. Beginning and committing are not in it.
    """

    async def execute(self, query: str, *args: object) -> str: ...
    async def executemany(self, query: str, args: Sequence[Sequence[object]]) -> None: ...
    async def fetch(self, query: str, *args: object) -> list[Row]: ...
    async def fetchrow(self, query: str, *args: object) -> Row | None: ...
    async def fetchval(self, query: str, *args: object) -> Any: ...  # noqa: ANN401 -- the column decides the type
    def is_in_transaction(self) -> bool: ...


class Unavailable(Exception):
    """
    The database could not serve this now: unreachable, too slow, or a lock was not to be had.

    Whether a transaction that was committing took effect is unknown; a repeat under the same
    natural or idempotency key is safe.
    """

    passes_by_itself: ClassVar[bool] = True


class SchemaMissing(Unavailable):
    """
    The database answers, and a table that this code needs is not there: it has not been migrated.
    """


class RejectedByDatabase(Exception):
    """
    The database refused a value as impossible for its type (SQLSTATE class 22).
    """


_BUSY = (
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.TooManyConnectionsError,
    asyncpg.OperatorInterventionError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that the server ended, asked before the driver noticed
    asyncpg.ReadOnlySQLTransactionError,
    OSError,
    TimeoutError,
)


class Database:
    """
    A bounded pool of connections to one PostgreSQL, with our time limits on every one of them.
    """

    def __init__(self, pool: asyncpg.Pool, url: str, role: str | None) -> None:
        self._pool = pool
        self._url = url
        self._role = role

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        application: str,
        pool_size: int = 8,
        role: str | None = APPLICATION_ROLE,
        patience: timedelta = STATEMENT_TIMEOUT * 2,
    ) -> Self:
        """
        Connect to *url* and act as *role* (None: as whoever the URL logs in); give a statement up after *patience*.

        Raises:
            Unavailable: no connection could be made.
        """
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=pool_size,
                command_timeout=patience.total_seconds(),
                server_settings=_server_settings(application, role),
                # Nothing here changes a session's settings, so the reset query is a wasted round trip
                # (measured: 7,663 against 8,584 transactions/s).
                reset=_leave_as_it_is,
            )
        except (*_BUSY, asyncpg.PostgresError) as error:
            raise Unavailable(f"{type(error).__name__}: {error}") from error
        except ValueError:
            raise Unavailable(_UNREADABLE_URL) from None
        return cls(pool, url, role)

    async def close(self) -> None:
        """
        Wait for the connections in use, then close all.
        """
        await self._pool.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """
        Run the block in one transaction: committed when it ends, rolled back when it raises.

        Raises:
            Unavailable: see there; what was committing may or may not have taken effect.
            RejectedByDatabase: a value cannot exist in its column; rolled back.
        """
        with _translated():
            async with self._pool.acquire() as connection:
                with transaction_open():
                    async with connection.transaction():
                        yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """
        Lend a connection for reads, each statement on its own snapshot.

        Raises:
            Unavailable: see there.
        """
        with _translated():
            async with self._pool.acquire() as connection:
                yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """
        Lend a connection on which every statement sees the same committed state; for long read-only questions.

        Raises:
            Unavailable: see there.
        """
        with _translated():
            async with self._pool.acquire() as connection:
                with transaction_open():
                    async with connection.transaction(isolation="repeatable_read", readonly=True):
                        await connection.execute("SET LOCAL statement_timeout = '10min'")
                        yield connection

    @asynccontextmanager
    async def listening(self, channel: str, on_message: Callable[[str], None]) -> AsyncIterator["Listener"]:
        """
        Listen on *channel* over a connection of its own until the block ends.

        Raises:
            Unavailable: no connection could be made, or it was lost before it listened.
        """
        connection: asyncpg.Connection | None = None
        try:
            try:
                connection = await asyncpg.connect(
                    self._url, server_settings=_server_settings(f"listen {channel}", self._role)
                )
                await connection.add_listener(channel, lambda _c, _pid, _channel, payload: on_message(payload))
            except (*_BUSY, asyncpg.PostgresError) as error:
                raise Unavailable(type(error).__name__) from error
            yield Listener(connection)
        finally:
            if connection is not None:
                connection.terminate()

    @property
    def connections_open(self) -> int:
        """
        Say how many connections the pool holds now.
        """
        return int(self._pool.get_size())


@contextmanager
def _translated() -> Iterator[None]:
    """
    Turn the driver's errors into our three facts; violated constraints stay what they are.
    """
    try:
        yield
    except _BUSY as error:
        raise Unavailable(type(error).__name__) from error
    except asyncpg.UndefinedTableError as error:
        raise SchemaMissing("its schema has not been migrated") from error
    except asyncpg.DataError as error:
        raise RejectedByDatabase(type(error).__name__) from error


class Listener:
    """
    A connection that hears notifications, for as long as it lives.
    """

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def confirm(self, *, timeout_seconds: float) -> None:
        """
        Make sure that what was notified until now has been heard.

        Raises:
            Unavailable: the connection is gone or does not answer; notifications may have been missed.
        """
        with _translated():
            await self._connection.execute("VALUES (true)", timeout=timeout_seconds)


@asynccontextmanager
async def connected(url: str, *, application: str, role: str | None = None) -> AsyncIterator[asyncpg.Connection]:
    """
    Lend one plain connection without our time limits: for tools that need the driver itself.

    It acts as *role* (None: as whoever the URL logs in).

    Raises:
        Unavailable: no connection could be made.
    """
    try:
        settings = {"application_name": f"rsolv {application}"} | ({"role": role} if role else {})
        connection = await asyncpg.connect(url, server_settings=settings)
    except _BUSY as error:
        raise Unavailable(type(error).__name__) from error
    except ValueError:
        raise Unavailable(_UNREADABLE_URL) from None
    try:
        yield connection
    finally:
        await connection.close()


def changed_rows(command_tag: str) -> int:
    """
    Read the number of rows from a command tag such as ``UPDATE 3``.
    """
    found = re.search(r"(\d+)$", command_tag)
    return int(found.group(1)) if found else 0


def _server_settings(application: str, role: str | None) -> dict[str, str]:
    settings = {
        "application_name": f"rsolv {application}",
        "statement_timeout": _milliseconds(STATEMENT_TIMEOUT),
        "lock_timeout": _milliseconds(LOCK_TIMEOUT),
        "idle_in_transaction_session_timeout": _milliseconds(IDLE_IN_TRANSACTION_TIMEOUT),
    }
    return settings | ({"role": role} if role else {})


def _milliseconds(duration: timedelta) -> str:
    return str(int(duration.total_seconds() * 1000))


async def _leave_as_it_is(_connection: object) -> None:
    """
    Do nothing when a connection goes back to the pool.
    """
