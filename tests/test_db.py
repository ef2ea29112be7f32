"""
The pool: what commits, what rolls back, and which words the database's troubles become.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import asyncpg
import pytest

from cli.clones import cloned
from rsolv.db import Connection, Database, RejectedByDatabase, SchemaMissing, Unavailable, changed_rows, connected
from rsolv.kernel.outside import CalledOutInsideTransaction, require_no_transaction
from rsolv.local.cluster import Cluster

NOTE = "INSERT INTO customer_emails (email_folded, customer_id) VALUES ('note', 1)"
NOTES = "SELECT count(*) FROM customer_emails"


class OurFault(Exception):
    """
    Whatever a verb may raise.
    """


@pytest.fixture(scope="module")
def database_url(cluster: Cluster, templates: dict[str, str]) -> Iterator[str]:
    """
    One database for all these tests.
    """
    with cloned(cluster, templates["current"]) as url:
        yield url


@pytest.fixture(autouse=True)
async def notes(owner: asyncpg.Connection) -> None:
    """
    Make one small table empty and free of foreign keys.
    """
    await owner.execute("ALTER TABLE customer_emails DROP CONSTRAINT IF EXISTS customer_emails_customer_fkey")
    await owner.execute("DELETE FROM customer_emails")


async def test_what_a_transaction_wrote_is_there_once_its_block_has_ended(
    database: Database, owner: asyncpg.Connection
) -> None:
    """
    Others see nothing before the block ends, and everything after.
    """
    async with database.transaction() as connection:
        await connection.execute(NOTE)
        before = await owner.fetchval(NOTES)

    assert (before, await owner.fetchval(NOTES)) == (0, 1)


async def test_a_block_that_raises_leaves_nothing(database: Database, owner: asyncpg.Connection) -> None:
    """
    The error reaches the caller as it is, and what was written before it is gone.
    """
    with pytest.raises(OurFault):
        await write_and_fail(database.transaction)

    assert await owner.fetchval(NOTES) == 0


async def test_planted_without_the_transaction_a_failure_leaves_its_write(
    database: Database, owner: asyncpg.Connection
) -> None:
    """
    The same block on a connection that commits each statement leaves a trace, which the test above would see.
    """
    with pytest.raises(OurFault):
        await write_and_fail(database.reading)

    assert await owner.fetchval(NOTES) == 1


async def write_and_fail(lend: Callable[[], AsyncIterator[Connection]]) -> None:
    async with lend() as connection:
        await connection.execute(NOTE)
        raise OurFault


async def test_every_connection_acts_as_the_application_under_time_limits(database: Database) -> None:
    """
    The role has no rights but those granted, and no statement, lock or forgotten transaction lasts for ever.
    """
    names = ["role", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"]

    async with database.reading() as connection:
        shown = [await connection.fetchval("SELECT current_setting($1)", name) for name in names]

    assert shown == ["rsolv_app", "5s", "2s", "10s"]


@pytest.mark.parametrize("lend", ["transaction", "reading", "snapshot"])
@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param("SELECT pg_terminate_backend(pg_backend_pid())", id="the connection is cut"),
        pytest.param("SELECT set_config('statement_timeout', '1ms', false), pg_sleep(1)", id="too slow for its client"),
        pytest.param("DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$", id="deadlock"),
        pytest.param("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$", id="serialization failure"),
        pytest.param("DO $$ BEGIN RAISE SQLSTATE '53300'; END $$", id="too many connections"),
        pytest.param("DO $$ BEGIN RAISE SQLSTATE '57014'; END $$", id="statement timeout"),
        pytest.param("DO $$ BEGIN RAISE SQLSTATE '55P03'; END $$", id="lock timeout"),
    ],
)
async def test_trouble_of_the_database_is_unavailable_and_the_pool_lives_on(
    database_url: str, trouble: str, lend: str
) -> None:
    """
    Callers know one word for everything that a repeat may mend, and the next one gets a connection that works.
    """
    database = await Database.open(database_url, application="test", pool_size=1, role=None)

    with pytest.raises(Unavailable):
        await ask(getattr(database, lend), trouble)
    answer = await ask(database.reading, "SELECT 'alive'")

    assert answer == "alive"
    await database.close()


async def ask(lend: Callable[[], AsyncIterator[Connection]], sql: str, *values: object) -> object:
    async with lend() as connection:
        return await connection.fetchval(sql, *values, timeout=0.5)


async def test_a_lock_that_is_not_to_be_had_is_unavailable(database: Database, owner: asyncpg.Connection) -> None:
    """
    Nobody waits longer for a row than the lock's time limit.
    """
    await owner.execute(NOTE)
    holding = owner.transaction()
    await holding.start()
    await owner.execute("SELECT FROM customer_emails FOR UPDATE")

    async def want_it() -> None:
        async with database.transaction() as connection:
            await connection.execute("SET LOCAL lock_timeout = '10ms'")
            await connection.execute("DELETE FROM customer_emails")

    with pytest.raises(Unavailable, match=r"^LockNotAvailableError$"):
        await want_it()

    await holding.rollback()
    assert await owner.fetchval(NOTES) == 1


@pytest.mark.parametrize("lend", ["transaction", "reading"])
@pytest.mark.parametrize(
    ("sql", "value"),
    [
        pytest.param("SELECT $1::bigint", 2**63, id="beyond bigint"),
        pytest.param("SELECT $1::text", "\x00", id="a character that text has not"),
        pytest.param("SELECT ($1::text)::bigint", "many", id="not a number"),
    ],
)
async def test_an_impossible_value_is_rejected_by_the_database(
    database: Database, lend: str, sql: str, value: object
) -> None:
    """
    A value that no column can hold is the caller's mistake, not trouble of the database.
    """
    with pytest.raises(RejectedByDatabase):
        await ask(getattr(database, lend), sql, value)


UNREACHABLE = [
    pytest.param("postgresql://ada:hunter2@127.0.0.1:1/none", id="nobody listens"),
    pytest.param("postgresql://ada:hunter2#x@127.0.0.1/none", id="cannot be read"),
    pytest.param("postgresql://ada:hunter2@127.0.0.1:hunter2/none", id="port is no number"),
]


@pytest.mark.parametrize("url", UNREACHABLE)
async def test_a_database_that_cannot_be_reached_is_unavailable(url: str) -> None:
    """
    The reason is told without the password.
    """
    with pytest.raises(Unavailable) as caught:
        await Database.open(url, application="test")

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", UNREACHABLE)
async def test_a_plain_connection_that_cannot_be_made_is_unavailable(url: str) -> None:
    """
    Tools that need the driver itself hear the same word.
    """
    with pytest.raises(Unavailable) as caught:
        async with connected(url, application="test"):
            pass

    assert "hunter2" not in str(caught.value)


async def test_a_role_that_is_missing_is_unavailable(database_url: str) -> None:
    """
    A server without our role is not ours.
    """
    with pytest.raises(Unavailable, match="nobody_knows"):
        await Database.open(database_url, application="test", role="nobody_knows")


async def test_a_snapshot_sees_one_state_to_its_end(database: Database, owner: asyncpg.Connection) -> None:
    """
    What others commit meanwhile does not change its answers.
    """
    async with database.snapshot() as connection:
        before = await connection.fetchval(NOTES)
        await owner.execute(NOTE)
        after = await connection.fetchval(NOTES)

    assert (before, after, await owner.fetchval(NOTES)) == (0, 0, 1)


async def test_planted_without_the_snapshot_the_answers_change(database: Database, owner: asyncpg.Connection) -> None:
    """
    On a connection for reads each statement sees what was committed before it, which the test above would notice.
    """
    async with database.reading() as connection:
        before = await connection.fetchval(NOTES)
        await owner.execute(NOTE)
        after = await connection.fetchval(NOTES)

    assert (before, after) == (0, 1)


async def test_a_snapshot_writes_nothing(database: Database, owner: asyncpg.Connection) -> None:
    """
    The database itself refuses.
    """
    with pytest.raises(Unavailable) as caught:
        async with database.snapshot() as connection:
            await connection.execute(NOTE)

    assert str(caught.value) == "ReadOnlySQLTransactionError"
    assert await owner.fetchval(NOTES) == 0


@pytest.mark.parametrize("lend", ["transaction", "snapshot"])
async def test_nobody_calls_out_while_a_transaction_is_open(database: Database, lend: str) -> None:
    """
    The guard that gateways ask refuses inside, and lets go when the block has ended.
    """
    async with getattr(database, lend)():
        with pytest.raises(CalledOutInsideTransaction, match="stripe"):
            require_no_transaction("stripe")

    require_no_transaction("stripe")


async def test_reads_without_a_transaction_may_call_out(database: Database) -> None:
    """
    No lock is held between two reads.
    """
    async with database.reading():
        require_no_transaction("stripe")


async def test_a_listener_hears_what_is_committed(database: Database, owner: asyncpg.Connection) -> None:
    """
    Once a confirmation came back, everything notified before it has been heard.
    """
    heard: list[str] = []

    async with database.listening("news", heard.append) as listener:
        await owner.execute("SELECT pg_notify('news', 'first'), pg_notify('other', 'no'), pg_notify('news', 'second')")
        await listener.confirm(timeout_seconds=5)

    assert heard == ["first", "second"]


async def test_a_listener_that_lost_its_connection_cannot_confirm(
    database: Database, owner: asyncpg.Connection
) -> None:
    """
    Silence of a dead connection is told from silence of a quiet one.
    """
    async with database.listening("news", print) as listener:
        await owner.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rsolv listen news'"
        )

        with pytest.raises(Unavailable):
            await listener.confirm(timeout_seconds=5)


async def test_a_connection_lost_before_it_listened_is_unavailable(database_url: str, tmp_path: Path) -> None:
    """
    Who connects again and again to listen hears one word also when the line breaks between the two.
    """
    async with breaking_at(b"LISTEN", database_url, tmp_path) as broken_url:
        database = await Database.open(broken_url, application="test", pool_size=1)

        with pytest.raises(Unavailable):
            async with database.listening("news", print):
                pass

        await database.close()


async def test_listening_without_a_server_is_unavailable(database_url: str, tmp_path: Path) -> None:
    """
    The server may have gone since the pool was opened.
    """
    async with breaking_at(b"never said", database_url, tmp_path) as url:
        database = await Database.open(url, application="test", pool_size=1)
    (tmp_path / SOCKET).unlink(missing_ok=True)

    with pytest.raises(Unavailable):
        async with database.listening("news", print):
            pass

    await database.close()


async def test_the_pool_says_how_many_connections_it_holds(database: Database) -> None:
    """
    It opens one, and more as they are asked for.
    """
    alone = database.connections_open
    async with database.reading(), database.reading():
        together = database.connections_open

    assert (alone, together) == (1, 2)


@pytest.mark.parametrize(("tag", "rows"), [("UPDATE 3", 3), ("INSERT 0 1", 1), ("DELETE 0", 0), ("BEGIN", 0)])
def test_a_command_tag_tells_how_many_rows_changed(tag: str, rows: int) -> None:
    """
    A command that counts no rows changed none.
    """
    assert changed_rows(tag) == rows


SOCKET = ".s.PGSQL.5432"


@asynccontextmanager
async def breaking_at(word: bytes, database_url: str, directory: Path) -> AsyncIterator[str]:
    """
    Pass connections on to the database, and cut one as soon as its client says *word*.
    """
    address = urlsplit(database_url)
    asked = parse_qs(address.query)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(
            f"{asked['host'][0]}/.s.PGSQL.{asked['port'][0]}"
        )
        answers = asyncio.create_task(pour(server_reader, writer))
        while (said := await reader.read(65_536)) and word not in said:
            server_writer.write(said)
        server_writer.close()
        writer.close()
        await answers

    server = await asyncio.start_unix_server(serve, directory / SOCKET)
    try:
        yield f"postgresql://{address.username}@{address.path}?host={quote(str(directory))}&port=5432"
    finally:
        server.close()


async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while said := await reader.read(65_536):
        writer.write(said)
    writer.close()


async def test_a_database_that_was_never_migrated_says_so(cluster: Cluster) -> None:
    """
    A missing table is a missing migration, not a crash of ours.
    """
    database = await Database.open(cluster.url(), application="test", pool_size=1, role=None)
    try:
        with pytest.raises(SchemaMissing, match="has not been migrated"):
            async with database.reading() as connection:
                await connection.fetchval(NOTES)
    finally:
        await database.close()
