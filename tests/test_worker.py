"""
The worker process: it starts, stops as asked, keeps what it cannot do, and says what is missing.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from cli.programs import environment, finished, first_line, running
from cli.waiting import DEADLINE_SECONDS, eventually
from factories.customers import make_customer
from rsolv.db import Database
from rsolv.jobs import count_waiting


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
async def test_it_works_until_a_signal_and_keeps_jobs_that_nobody_handles_yet(
    database: Database, database_url: str, number: signal.Signals
) -> None:
    """
    It ends with 0, and promises whose kind it does not know are still queued.
    """
    async with database.transaction() as connection:
        await make_customer(connection)
        promised = await count_waiting(connection)

    with running("worker", "--json", environ=environment(database_url)) as process:
        said = json.loads(first_line(process))
        process.send_signal(number)
        exit_code = process.wait(DEADLINE_SECONDS)

    async with database.reading() as connection:
        kept = await count_waiting(connection)
    assert (said, exit_code) == ({"kinds": []}, 0)
    assert kept == promised
    assert sum(kind.queued for kind in kept) == 8


async def test_with_a_key_of_stripes_it_makes_customers_known_there(
    database: Database, database_url: str, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    """
    Over a socket, to the stand-in that the settings name; the promised mails wait for whoever will handle them.
    """
    async with database.transaction() as connection:
        await make_customer(connection)

    async def known() -> bool:
        return await owner.fetchval("SELECT count(*) FROM stripe_customers") == 1

    with twin_process(tmp_path) as stripe_url:
        stripe = {"STRIPE_API_KEY": "sk_test_correcthorsebattery", "STRIPE_API_BASE": stripe_url}
        with running("worker", "--json", environ=environment(database_url, **stripe)) as process:
            said = json.loads(first_line(process))
            await eventually(known, "the customer is known")

    assert "stripe.create_customer" in said["kinds"]
    async with database.reading() as reading:
        assert [kind.kind for kind in await count_waiting(reading)] == ["mail.send_onboarding"]


@contextmanager
def twin_process(home: Path) -> Iterator[str]:
    """
    Run the twin of Stripe as a process of its own until the block ends.
    """
    command = [sys.executable, "-m", "stripe_twin", "--home", str(home), "--port", "0"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["stripe_url"]
        finally:
            process.terminate()


async def test_answers_that_have_expired_are_purged_on_schedule(database_url: str, owner: asyncpg.Connection) -> None:
    """
    A tick that is due when the worker starts is run.
    """
    await owner.execute(
        """
        INSERT INTO idempotent_answers (scope, key_hash, id, fingerprint, status, sealed_body, expires_at)
        VALUES ('test', sha256('a'), gen_random_uuid(), sha256('b'), 201, '', now() - interval '1 hour')
        """
    )
    await owner.execute(
        """
        INSERT INTO pgqueuer_schedules (expression, entrypoint, next_run)
        VALUES ('17 * * * *', 'idempotency.purge_expired', now() - interval '1 minute')
        """
    )

    async def purged() -> bool:
        return await owner.fetchval("SELECT count(*) = 0 FROM idempotent_answers")

    with running("worker", environ=environment(database_url)):
        await eventually(purged, "the expired answer was purged")


@pytest.mark.parametrize(
    ("database_url", "exit_code", "complaint"),
    [
        pytest.param(None, 2, "DATABASE_URL is needed to work\n", id="no database is named"),
        pytest.param("mysql://127.0.0.1/none", 2, "DATABASE_URL must be a postgresql:// URL\n", id="another database"),
        pytest.param("postgresql://127.0.0.1:1/none", 7, "The database cannot be reached (", id="it is not reached"),
    ],
)
def test_what_stands_in_its_way_is_a_sentence(database_url: str | None, exit_code: int, complaint: str) -> None:
    """
    Scripts read the exit code, people the sentence; nobody sees a stack trace.
    """
    ended = finished("worker", environ=environment(database_url))

    assert (ended.returncode, ended.stdout) == (exit_code, "")
    assert ended.stderr.startswith(complaint)
    assert "Traceback" not in ended.stderr
