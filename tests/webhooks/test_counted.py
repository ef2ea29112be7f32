"""
What becomes of deliveries is counted: by every process, read from any.
"""

import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
import psutil
import pytest

from cli.programs import MASTER_KEY, Serving, environment, first_line, running
from cli.waiting import DEADLINE_SECONDS
from local.waiting import until
from rsolv import telemetry
from rsolv.db import Database
from test_web_workers import Web
from webhooks.sending import BODY, OTHER_SECRET, PATH, SECRET, Sent, caller_of, send, signed

COUNTED = re.compile(r'^rsolv_webhook_deliveries_total{outcome="(\w+)"} ([0-9.]+)$', re.MULTILINE)
TOKEN = "correct-horse-battery-staple"
FORGED = 40


def figures(shown: bytes | str) -> dict[str, int]:
    """
    Return how often each outcome was counted, without those that never were.
    """
    text = shown if isinstance(shown, str) else shown.decode()
    return {outcome: int(float(count)) for outcome, count in COUNTED.findall(text) if float(count)}


async def added(before: dict[str, int]) -> dict[str, int]:
    """
    Return what has been counted since.
    """
    now = figures(await telemetry.scrape())
    return {outcome: more for outcome, count in now.items() if (more := count - before.get(outcome, 0))}


async def test_what_is_stored_and_what_is_known_already_are_counted_apart(caller: httpx.AsyncClient) -> None:
    """
    One is news, two more are repeats.
    """
    before = figures(await telemetry.scrape())

    for _ in range(3):
        await send(caller, signed())

    assert await added(before) == {"accepted": 1, "repeated": 2}


FORGERIES = {
    "header_missing": lambda: Sent(BODY, ()),
    "header_repeated": lambda: Sent(BODY, ("t=1", "t=1")),
    "header_malformed": lambda: Sent(BODY, ("nonsense",)),
    "signature_wrong": lambda: signed(secret=OTHER_SECRET),
    "too_old": lambda: signed(age_seconds=400),
    "too_new": lambda: signed(age_seconds=-400),
    "not_an_event": lambda: signed(b"{}"),
    "too_large": lambda: signed(b"[" * 1_048_577),
}


@pytest.mark.parametrize("reason", FORGERIES)
async def test_a_refusal_is_counted_by_its_reason_without_work_for_the_database(
    closed_database: Database, reason: str
) -> None:
    """
    Each once, here where any look at the database would fail.
    """
    before = figures(await telemetry.scrape())

    async with caller_of(closed_database, SECRET) as caller:
        refused = await send(caller, FORGERIES[reason]())

    assert refused.is_client_error
    assert await added(before) == {reason: 1}


async def test_what_we_could_not_take_is_counted_as_ours(closed_database: Database) -> None:
    """
    No secret is set, the database is away, or we have a bug.
    """
    before = figures(await telemetry.scrape())

    async with caller_of(closed_database) as caller:
        await send(caller, signed())
    async with caller_of(closed_database, SECRET) as caller:
        await send(caller, signed())

    counted = await added(before)
    assert counted.pop("not_configured") == 1
    assert sum(counted.values()) == 1
    assert set(counted) <= {"unavailable", "crashed"}


# --- between processes


@contextmanager
def two_processes(database_url: str, **more: str) -> Iterator[tuple[str, Web]]:
    """
    Run a web with two processes that takes deliveries; give its address, too.
    """
    secrets = {"STRIPE_WEBHOOK_SECRETS": SECRET.reveal(), "METRICS_TOKEN": TOKEN}
    environ = environment(database_url, SECRET_KEY_BASE=MASTER_KEY, PORT="0", WEB_WORKERS="2", **(secrets | more))
    with running("web", "--json", environ=environ) as process:
        base_url = msgspec.json.decode(first_line(process), type=Serving).base_url
        until(lambda: all(forge(base_url) for _ in range(FORGED)), "both answer")
        yield base_url, Web(psutil.Process(process.pid), urlsplit(base_url).port or 0)


def forge(base_url: str) -> bool:
    """
    Send a forged delivery over a connection of its own.
    """
    return (
        httpx.post(f"{base_url}{PATH}", content=BODY, timeout=DEADLINE_SECONDS).status_code == httpx.codes.UNAUTHORIZED
    )


def read(base_url: str) -> dict[str, int]:
    """
    Read the metrics over a connection of its own.
    """
    answer = httpx.get(f"{base_url}/metrics", headers={"authorization": f"Bearer {TOKEN}"}, timeout=DEADLINE_SECONDS)
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return figures(answer.text)


def test_whichever_process_is_asked_tells_what_all_have_counted(database_url: str) -> None:
    """
    Also what one counted that is dead by now; their directory is private, and gone with them.
    """
    with two_processes(database_url) as (base_url, web):
        directories = {Path(process.environ()["PROMETHEUS_MULTIPROC_DIR"]) for process in web.processes()}
        [directory] = directories
        mode = stat.S_IMODE(directory.stat().st_mode)
        shares = sorted(directory.glob("counter_*.db"))
        said = [read(base_url) for _ in range(10)]
        killed = web.processes()[0]
        killed.kill()
        until(lambda: not psutil.pid_exists(killed.pid), "it is gone")
        until(lambda: len(web.processes()) == 2, "another took its place")
        after = read(base_url)

    assert len(shares) == 2
    assert said == [{"header_missing": FORGED}] * 10
    assert after == {"header_missing": FORGED}
    assert (mode, directory.exists()) == (0o700, False)


def test_without_the_token_there_is_nothing_at_this_path(database_url: str) -> None:
    """
    To be on the same machine is not enough where a token is set.
    """
    with two_processes(database_url) as (base_url, _):
        wrong = {"authorization": "Bearer guess"}
        answers = [httpx.get(f"{base_url}/metrics"), httpx.get(f"{base_url}/metrics", headers=wrong)]
        answers.append(httpx.post(f"{base_url}/metrics", headers={"authorization": f"Bearer {TOKEN}"}))

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "unknown_path")}
