"""
Working: every job is run at least once, tried again when it fails, and held rather than lost.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from cli.clones import cloned
from cli.waiting import DEADLINE_SECONDS, eventually
from rsolv.db import Database, Unavailable
from rsolv.jobs import Handler, Job, JobCall, Schedule, WaitingJobs, count_waiting, enqueue, work
from rsolv.jobs.rules import TRIES_MAX, pause_before_retry
from rsolv.jobs.service.work import JOBS_AT_ONCE
from rsolv.local.cluster import Cluster

STAND_IN = Path(__file__).with_name("stand_in.py")
TOLD = "correct-horse-battery-staple"


class LampBroken(Exception):
    """
    What a handler may raise.
    """


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
    Empty the queue.
    """
    await owner.execute("TRUNCATE pgqueuer, pgqueuer_log, pgqueuer_schedules")


@asynccontextmanager
async def working(
    url: str, handlers: Mapping[str, Handler], *schedules: Schedule, at_once: int = JOBS_AT_ONCE
) -> AsyncIterator[asyncio.Event]:
    """
    Work in this process until the block ends or its event is set.
    """
    stop = asyncio.Event()
    task = asyncio.create_task(work(url, handlers=handlers, schedules=schedules, at_once=at_once, stop=stop))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, DEADLINE_SECONDS)


async def promise(database: Database, *jobs: Job) -> None:
    async with database.transaction() as connection:
        await enqueue(connection, *jobs)


async def waiting(database: Database) -> list[WaitingJobs]:
    async with database.reading() as connection:
        return await count_waiting(connection)


class Lamps:
    """
    A handler that notes its calls, and fails when told to.
    """

    def __init__(self, *, failures: int = 0) -> None:
        self.calls: list[JobCall] = []
        self._failures = failures

    async def light(self, call: JobCall) -> None:
        self.calls.append(call)
        if len(self.calls) <= self._failures:
            raise LampBroken(TOLD)

    async def were_lit(self) -> list[JobCall]:
        return self.calls


async def test_a_job_is_run_with_its_ids(database: Database, database_url: str) -> None:
    """
    The handler is told what the job is about and that nobody tried before; then the job is gone.
    """
    lamps = Lamps()
    await promise(database, Job("lamp.light", ids={"lamp_id": 7, "colour": "red"}))

    async with working(database_url, {"lamp.light": lamps.light}):
        [call] = await eventually(lamps.were_lit, "the lamp was lit")

    assert (call.ids, call.tries) == ({"lamp_id": 7, "colour": "red"}, 0)
    assert await waiting(database) == []
    assert len(lamps.calls) == 1


class Crowd:
    """
    A handler whose calls stay until they may end.
    """

    def __init__(self, full_at: int) -> None:
        self._full_at = full_at
        self.under_way = self.most_under_way = self.ended = 0
        self.is_full, self.may_end = asyncio.Event(), asyncio.Event()

    async def stay(self, _call: JobCall) -> None:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        if self.under_way == self._full_at:
            self.is_full.set()
        await self.may_end.wait()
        self.under_way -= 1
        self.ended += 1


@pytest.mark.parametrize("at_once", [2, 25])
async def test_so_many_jobs_are_done_at_once_and_no_more(database: Database, database_url: str, at_once: int) -> None:
    """
    What is over that waits, unclaimed, so that another worker can take it; in the end all are done.
    """
    crowd = Crowd(full_at=at_once)
    await promise(database, *(Job("lamp.light") for _ in range(60)))

    async def all_ended() -> bool:
        return crowd.ended == 60

    async with working(database_url, {"lamp.light": crowd.stay}, at_once=at_once):
        await asyncio.wait_for(crowd.is_full.wait(), DEADLINE_SECONDS)
        assert await waiting(database) == [WaitingJobs("lamp.light", queued=60 - at_once, held=0)]
        crowd.may_end.set()
        await eventually(all_ended, "all jobs ended")

    assert crowd.most_under_way == at_once


async def test_a_crowd_without_a_limit_is_seen(database: Database, database_url: str) -> None:
    """
    The planted bug: where as many as there are may be claimed, all are under way together.
    """
    crowd = Crowd(full_at=60)
    await promise(database, *(Job("lamp.light") for _ in range(60)))

    async with working(database_url, {"lamp.light": crowd.stay}, at_once=1_000):
        await asyncio.wait_for(crowd.is_full.wait(), DEADLINE_SECONDS)
        crowd.may_end.set()

    assert crowd.most_under_way == 60


class Busy(Exception):
    """
    What a gateway raises whose queue is too long.
    """

    passes_by_itself = True
    retry_after_seconds = 30.0


async def test_a_job_that_is_told_when_to_come_again_rests_that_long(
    database: Database, database_url: str, owner: asyncpg.Connection
) -> None:
    """
    Half a minute rather than the two seconds of a first failure.
    """

    async def fail(_call: JobCall) -> None:
        raise Busy

    async def rests() -> timedelta | None:
        return await owner.fetchval("SELECT execute_after - updated FROM pgqueuer WHERE attempts = 1")

    await promise(database, Job("lamp.light"))
    async with working(database_url, {"lamp.light": fail}):
        assert await eventually(rests, "the job rests") == timedelta(seconds=30)


async def test_a_job_promised_while_working_is_heard_of(database: Database, database_url: str) -> None:
    """
    The worker need not be started for it.
    """
    lamps = Lamps()

    async with working(database_url, {"lamp.light": lamps.light}):
        await promise(database, Job("lamp.light"))
        await eventually(lamps.were_lit, "the lamp was lit")

    assert await waiting(database) == []


async def test_a_kind_that_nobody_handles_stays_queued(database: Database, database_url: str) -> None:
    """
    It waits for the version that handles it, and operators see it wait.
    """
    lamps = Lamps()
    await promise(database, Job("lamp.dim"), Job("lamp.light"))

    async with working(database_url, {"lamp.light": lamps.light}):
        await eventually(lamps.were_lit, "the other kind was run")

    assert await waiting(database) == [WaitingJobs("lamp.dim", queued=1, held=0)]


@pytest.mark.parametrize("tries", [0, 3, TRIES_MAX - 2])
async def test_a_job_that_fails_rests_before_it_is_tried_again(
    database: Database, database_url: str, owner: asyncpg.Connection, tries: int
) -> None:
    """
    How long is decided by how often it has failed.
    """
    lamps = Lamps(failures=1)
    await promise(database, Job("lamp.light"))
    await owner.execute("UPDATE pgqueuer SET attempts = $1", tries)

    async def rests() -> asyncpg.Record | None:
        return await owner.fetchrow(
            "SELECT attempts, execute_after - updated AS pause FROM pgqueuer WHERE status = 'queued' AND attempts > $1",
            tries,
        )

    async with working(database_url, {"lamp.light": lamps.light}):
        rest = await eventually(rests, "the job rests")

    assert (rest["attempts"], rest["pause"]) == (tries + 1, pause_before_retry(tries + 1))
    assert lamps.calls[0].tries == tries


async def test_a_job_is_tried_until_it_succeeds(
    database: Database, database_url: str, owner: asyncpg.Connection
) -> None:
    """
    Each try is told how many there were; success ends it.
    """
    lamps = Lamps(failures=1)
    await promise(database, Job("lamp.light"))

    async def lit() -> bool:
        await owner.execute(
            "UPDATE pgqueuer SET execute_after = now() WHERE status = 'queued' AND execute_after > now()"
        )
        return len(lamps.calls) == 2

    async with working(database_url, {"lamp.light": lamps.light}):
        await eventually(lit, "the second try")

    assert [call.tries for call in lamps.calls] == [0, 1]
    assert len({call.job_id for call in lamps.calls}) == 1
    assert await waiting(database) == []


async def test_a_job_that_keeps_failing_is_held_for_an_operator(
    database: Database, database_url: str, owner: asyncpg.Connection
) -> None:
    """
    It is neither dropped nor tried for ever.
    """
    lamps = Lamps(failures=100)
    await promise(database, Job("lamp.light"))
    await owner.execute("UPDATE pgqueuer SET attempts = $1", TRIES_MAX - 1)

    async def held() -> bool:
        return await waiting(database) == [WaitingJobs("lamp.light", queued=0, held=1)]

    async with working(database_url, {"lamp.light": lamps.light}):
        await eventually(held, "the job is held")

    assert len(lamps.calls) == 1


@pytest.mark.parametrize("tries", [0, TRIES_MAX - 1], ids=["tried again", "held"])
async def test_what_a_failure_said_is_not_kept(
    database: Database, database_url: str, owner: asyncpg.Connection, tries: int
) -> None:
    """
    Its type is: messages of other systems may quote secrets and people.
    """
    lamps = Lamps(failures=100)
    await promise(database, Job("lamp.light"))
    await owner.execute("UPDATE pgqueuer SET attempts = $1", tries)

    async def noted() -> str | None:
        return await owner.fetchval(
            "SELECT string_agg(log::text, ' ') FROM pgqueuer_log log WHERE traceback IS NOT NULL"
        )

    async with working(database_url, {"lamp.light": lamps.light}):
        text = await eventually(noted, "the failure was noted")

    assert "LampBroken" in text
    assert TOLD not in text


async def test_being_told_to_stop_lets_running_jobs_end(database: Database, database_url: str) -> None:
    """
    What was begun is finished and not run again; what was not begun stays queued.
    """
    begun, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(_call: JobCall) -> None:
        begun.set()
        await may_end.wait()
        ended.set()

    await promise(database, Job("lamp.light"))
    async with working(database_url, {"lamp.light": slow}) as stop:
        await asyncio.wait_for(begun.wait(), DEADLINE_SECONDS)
        stop.set()
        await promise(database, Job("lamp.dim"))
        may_end.set()

    assert ended.is_set()
    assert await waiting(database) == [WaitingJobs("lamp.dim", queued=1, held=0)]


async def test_the_job_of_a_killed_worker_runs_elsewhere(
    database: Database, database_url: str, owner: asyncpg.Connection
) -> None:
    """
    Nobody told the queue: the heartbeat has stopped for longer than twenty seconds, which are not waited for here.
    """
    lamps = Lamps()
    await promise(database, Job("lamp.light", ids={"lamp_id": 7}))
    doomed = await asyncio.create_subprocess_exec(
        sys.executable, STAND_IN, database_url, "lamp.light", stdout=asyncio.subprocess.PIPE
    )
    claimed = await asyncio.wait_for(doomed.stdout.readline(), DEADLINE_SECONDS)
    doomed.kill()
    await doomed.communicate()
    await owner.execute("UPDATE pgqueuer SET heartbeat = heartbeat - interval '21 seconds'")

    async with working(database_url, {"lamp.light": lamps.light}):
        [call] = await eventually(lamps.were_lit, "the lamp was lit by another")

    assert (call.job_id, call.ids) == (int(claimed), {"lamp_id": 7})
    assert await waiting(database) == []


async def test_the_job_of_a_living_worker_is_left_alone(database: Database, database_url: str) -> None:
    """
    However long it takes: while its heart beats no other worker runs it, though others look for work.
    """
    lamps, begun, may_end = Lamps(), asyncio.Event(), asyncio.Event()

    async def slow(_call: JobCall) -> None:
        begun.set()
        await may_end.wait()

    await promise(database, Job("lamp.light"))
    async with working(database_url, {"lamp.light": slow}):
        await asyncio.wait_for(begun.wait(), DEADLINE_SECONDS)
        async with working(database_url, {"lamp.light": lamps.light, "lamp.dim": lamps.light}):
            await promise(database, Job("lamp.dim", ids={"other": 1}))
            await eventually(lamps.were_lit, "the other worker looked for work")
        may_end.set()

    assert [call.ids for call in lamps.calls] == [{"other": 1}]


async def test_a_schedule_that_is_due_is_run_once_over_all_workers(
    database_url: str, owner: asyncpg.Connection
) -> None:
    """
    Its tick is a row that one worker claims.
    """
    ticks: list[str] = []
    await owner.execute(
        "INSERT INTO pgqueuer_schedules (expression, entrypoint, next_run) "
        "VALUES ('0 3 * * *', 'lamps.count', now() - interval '1 minute')"
    )

    async def tick() -> None:
        ticks.append("tick")

    async def ticked() -> bool:
        return bool(ticks)

    nightly = Schedule("lamps.count", "0 3 * * *", tick)
    async with working(database_url, {}, nightly), working(database_url, {}, nightly):
        await eventually(ticked, "the schedule ran")

    planned = await owner.fetchrow(
        "SELECT count(*) AS rows, bool_and(next_run > now()) AS later FROM pgqueuer_schedules"
    )
    assert ticks == ["tick"]
    assert tuple(planned) == (1, True)


async def test_a_schedule_that_fails_does_not_end_the_worker(
    database: Database, database_url: str, owner: asyncpg.Connection
) -> None:
    """
    Jobs are still run after it.
    """
    lamps, failed = Lamps(), asyncio.Event()
    await owner.execute(
        "INSERT INTO pgqueuer_schedules (expression, entrypoint, next_run) "
        "VALUES ('0 3 * * *', 'lamps.count', now() - interval '1 minute')"
    )

    async def fail() -> None:
        failed.set()
        raise LampBroken

    async with working(database_url, {"lamp.light": lamps.light}, Schedule("lamps.count", "0 3 * * *", fail)):
        await asyncio.wait_for(failed.wait(), DEADLINE_SECONDS)
        await promise(database, Job("lamp.light"))
        await eventually(lamps.were_lit, "a job after the failure")


async def test_a_job_without_a_payload_has_no_ids(database_url: str, owner: asyncpg.Connection) -> None:
    """
    Operators may queue one by hand.
    """
    lamps = Lamps()
    await owner.execute(
        "INSERT INTO pgqueuer (priority, entrypoint, payload, status) VALUES (0, 'lamp.light', NULL, 'queued')"
    )

    async with working(database_url, {"lamp.light": lamps.light}):
        [call] = await eventually(lamps.were_lit, "the lamp was lit")

    assert call.ids == {}


async def test_a_worker_without_its_database_says_so() -> None:
    """
    The entry point turns it into a sentence.
    """
    with pytest.raises(Unavailable):
        await work("postgresql://127.0.0.1:1/none", handlers={}, stop=asyncio.Event())


async def test_what_is_queued_holds_ids_as_json(database: Database, owner: asyncpg.Connection) -> None:
    """
    Other tools can read the queue.
    """
    await promise(database, Job("lamp.light", ids={"lamp_id": 7}))

    assert json.loads(await owner.fetchval("SELECT payload FROM pgqueuer")) == {"lamp_id": 7}
