"""
A job exists exactly when the write that promised it committed.
"""

import json
from collections.abc import Iterator
from datetime import timedelta

import asyncpg
import pytest

from cli.clones import cloned
from rsolv.db import Connection, Database, Unavailable
from rsolv.jobs import Job, WaitingJobs, count_waiting, enqueue
from rsolv.jobs.service.enqueue import EnqueuedOutsideTransaction
from rsolv.local.cluster import Cluster

WRITE = "INSERT INTO audit_entries (actor, action, subject, facts) VALUES ('system', 'lamp:bought', 'lamp 7', '{}')"
WRITES_AND_JOBS = """
    SELECT (SELECT count(*) FROM audit_entries WHERE action = 'lamp:bought'),
           (SELECT count(*) FROM pgqueuer WHERE entrypoint = 'lamp.light')
"""
LIGHT = Job("lamp.light", ids={"lamp_id": 7})


@pytest.fixture(scope="module")
def database_url(cluster: Cluster, templates: dict[str, str]) -> Iterator[str]:
    """
    One database for all these tests.
    """
    with cloned(cluster, templates["current"]) as url:
        yield url


@pytest.fixture(autouse=True)
async def queue(owner: asyncpg.Connection) -> None:
    """
    Empty the queue and the record.
    """
    await owner.execute("ALTER TABLE audit_entries DISABLE TRIGGER USER")
    await owner.execute("TRUNCATE audit_entries")
    await owner.execute("TRUNCATE pgqueuer, pgqueuer_log, pgqueuer_schedules")


class OurFault(Exception):
    """
    Whatever a verb may raise.
    """


async def buy(connection: Connection) -> None:
    await connection.execute(WRITE)
    await enqueue(connection, LIGHT)


async def test_a_committed_write_has_its_job(database: Database, owner: asyncpg.Connection) -> None:
    """
    Both are there at the same moment.
    """
    async with database.transaction() as connection:
        await buy(connection)
        before = tuple(await owner.fetchrow(WRITES_AND_JOBS))

    assert (before, tuple(await owner.fetchrow(WRITES_AND_JOBS))) == ((0, 0), (1, 1))


async def test_a_write_that_is_rolled_back_has_no_job(database: Database, owner: asyncpg.Connection) -> None:
    """
    Nobody acts on what did not happen.
    """

    async def fail() -> None:
        async with database.transaction() as connection:
            await buy(connection)
            raise OurFault

    with pytest.raises(OurFault):
        await fail()

    assert tuple(await owner.fetchrow(WRITES_AND_JOBS)) == (0, 0)


async def test_a_connection_killed_before_its_commit_leaves_neither(
    database: Database, owner: asyncpg.Connection
) -> None:
    """
    The writer hears that the outcome is unknown; write and job are still one.
    """

    async def die() -> None:
        async with database.transaction() as connection:
            await buy(connection)
            await owner.execute("SELECT pg_terminate_backend($1)", await connection.fetchval("SELECT pg_backend_pid()"))

    with pytest.raises(Unavailable):
        await die()

    assert tuple(await owner.fetchrow(WRITES_AND_JOBS)) == (0, 0)


async def test_a_job_outside_a_transaction_is_refused(database: Database, owner: asyncpg.Connection) -> None:
    """
    It is our mistake, named by the job's kind, and nothing is queued.
    """
    with pytest.raises(EnqueuedOutsideTransaction, match=r"^lamp\.light$"):
        async with database.reading() as connection:
            await buy(connection)

    assert tuple(await owner.fetchrow(WRITES_AND_JOBS)) == (1, 0)


async def test_planted_a_job_on_another_connection_outlives_its_write(
    database: Database, owner: asyncpg.Connection
) -> None:
    """
    Were jobs queued apart from the write, a rollback would leave one without the other, which these tests see.
    """

    async def fail() -> None:
        async with database.transaction() as connection:
            await connection.execute(WRITE)
            async with database.transaction() as another:
                await enqueue(another, LIGHT)
            raise OurFault

    with pytest.raises(OurFault):
        await fail()

    assert tuple(await owner.fetchrow(WRITES_AND_JOBS)) == (0, 1)


async def test_of_jobs_with_one_key_the_first_stays(database: Database, owner: asyncpg.Connection) -> None:
    """
    A repeat is no error and changes nothing, in the same transaction or a later one.
    """
    once = [Job("lamp.light", ids={"try": number}, dedupe_key="lamp.light:7") for number in (1, 2, 3)]

    async with database.transaction() as connection:
        await enqueue(connection, *once[:2])
    async with database.transaction() as connection:
        await enqueue(connection, once[2], Job("lamp.light", dedupe_key="lamp.light:8"))

    queued = await owner.fetch("SELECT dedupe_key, payload FROM pgqueuer ORDER BY id")
    assert [job["dedupe_key"] for job in queued] == ["lamp.light:7", "lamp.light:8"]
    assert json.loads(queued[0]["payload"]) == {"try": 1}


async def test_jobs_without_a_key_are_each_queued(connection: Connection) -> None:
    """
    Two of the same kind are two.
    """
    await enqueue(connection, LIGHT, LIGHT)

    assert await count_waiting(connection) == [WaitingJobs("lamp.light", queued=2, held=0)]


async def test_a_job_is_due_after_its_delay(connection: Connection) -> None:
    """
    The delay counts from the transaction's beginning, by the database's clock.
    """
    await enqueue(connection, Job("lamp.light", run_after=timedelta(days=3)), Job("lamp.dim"))

    due = await connection.fetch("SELECT entrypoint, execute_after - now() AS wait FROM pgqueuer ORDER BY entrypoint")
    assert [tuple(job) for job in due] == [("lamp.dim", timedelta(0)), ("lamp.light", timedelta(days=3))]


async def test_what_waits_is_counted_by_kind(connection: Connection) -> None:
    """
    Queued and held jobs are told apart; those being worked on do not wait.
    """
    await enqueue(connection, Job("lamp.light"), Job("lamp.light"), Job("lamp.light"), Job("lamp.dim"))
    await connection.execute(
        """
        UPDATE pgqueuer SET status = states.status::pgqueuer_status
        FROM (SELECT id, (ARRAY['queued', 'failed', 'picked'])[row_number() OVER (ORDER BY id)] AS status
              FROM pgqueuer WHERE entrypoint = 'lamp.light') states
        WHERE pgqueuer.id = states.id
        """
    )

    assert await count_waiting(connection) == [
        WaitingJobs("lamp.dim", queued=1, held=0),
        WaitingJobs("lamp.light", queued=1, held=1),
    ]


async def test_nothing_waits_in_an_empty_queue(connection: Connection) -> None:
    """
    No kinds, no rows.
    """
    assert await count_waiting(connection) == []
