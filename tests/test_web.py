"""
The web process: it starts, says where it serves, and stops as asked; what is missing is a sentence.
"""

import asyncio
import signal
import socket
from collections.abc import Callable

import httpx
import msgspec
import pytest
from starlette.types import Message, Send

from cli.programs import MASTER_KEY, Serving, environment, finished, first_line, running, serving
from cli.waiting import DEADLINE_SECONDS
from factories.customers import make_customer
from rsolv import api_keys
from rsolv.db import Database
from rsolv.settings import load_settings
from rsolv.web import Web


@pytest.mark.parametrize("web_workers", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_it_serves_until_a_signal_and_then_ends_with_0(
    database_url: str, web_workers: str, number: signal.Signals
) -> None:
    """
    It answers /ready where it says it serves, and being asked to stop is no failure.
    """
    environ = environment(database_url, SECRET_KEY_BASE=MASTER_KEY, PORT="0", WEB_WORKERS=web_workers)

    with running("web", "--json", environ=environ) as process:
        said = msgspec.json.decode(first_line(process), type=Serving)
        answer = httpx.get(f"{said.base_url}/ready", timeout=DEADLINE_SECONDS)
        process.send_signal(number)
        exit_code = process.wait(DEADLINE_SECONDS)

    assert answer.json()["status"] == "ready"
    assert said.web_workers == int(web_workers)
    assert exit_code == 0


def test_it_serves_on_an_inherited_socket(database_url: str) -> None:
    """
    Who holds the socket can start the process anew without a connection being refused.
    """
    environ = environment(database_url, SECRET_KEY_BASE=MASTER_KEY, WEB_WORKERS="1")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        fd, port = listener.fileno(), listener.getsockname()[1]
        with running("web", "--fd", str(fd), environ=environ, inherited=(fd,)):
            answer = httpx.get(f"http://127.0.0.1:{port}/ready", timeout=DEADLINE_SECONDS)

    assert answer.json()["status"] == "ready"


@pytest.mark.parametrize("web_workers", ["1", "2"])
def test_without_its_settings_it_says_which_are_missing(web_workers: str) -> None:
    """
    It ends with 2 before it starts any process, naming every missing setting and showing no stack trace.
    """
    ended = finished("web", environ=environment(None, WEB_WORKERS=web_workers))

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "DATABASE_URL is needed to serve\nSECRET_KEY_BASE is needed to serve\n"


@pytest.mark.parametrize("address", ["hunter2@127.0.0.1:1/none", "hunter2#x@127.0.0.1/none"])
def test_without_its_database_it_ends_with_7(address: str) -> None:
    """
    A database that is unreachable, or whose URL cannot be read, is a sentence without the password.
    """
    environ = environment(f"postgresql://ada:{address}", SECRET_KEY_BASE=MASTER_KEY, WEB_WORKERS="2")

    ended = finished("web", environ=environ)

    assert (ended.returncode, ended.stdout) == (7, "")
    assert ended.stderr.startswith("The database cannot be used: ")
    assert "hunter2" not in ended.stderr


def test_on_a_taken_port_it_ends_with_5(database_url: str) -> None:
    """
    A taken port is a sentence that names it.
    """
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        environ = environment(database_url, SECRET_KEY_BASE=MASTER_KEY, PORT=str(port))

        ended = finished("web", environ=environ)

    assert ended.returncode == 5
    assert ended.stderr.startswith(f"Port {port} on 127.0.0.1 is taken")


async def test_uses_of_keys_are_written_when_it_stops(database: Database, database_url: str) -> None:
    """
    What was noted in memory is not lost by an orderly stop.
    """
    async with database.transaction() as connection:
        made = await make_customer(connection)
    key = made.key.secret.reveal()

    with serving(database_url) as base_url:
        answer = await asyncio.to_thread(httpx.get, f"{base_url}/api/v1/billing/usage", headers={"x-api-key": key})

    async with database.reading() as connection:
        stored = await api_keys.list_keys(connection, customer_id=made.customer.id)
    assert answer.is_success
    assert stored[0].last_used_at is not None


async def test_the_application_refuses_to_start_without_its_database() -> None:
    """
    A server that starts the application by itself is told in a sentence why it cannot.
    """
    environ = {"DATABASE_URL": "postgresql://127.0.0.1:1/none", "SECRET_KEY_BASE": MASTER_KEY}
    said: list[Message] = []

    await Web(load_settings(environ))({"type": "lifespan"}, starting, asynced(said.append))

    assert [message["type"] for message in said] == ["lifespan.startup.failed"]
    assert said[0]["message"].startswith("The database is not reachable")


async def starting() -> Message:
    return {"type": "lifespan.startup"}


def asynced(note: Callable[[Message], None]) -> Send:
    async def send(message: Message) -> None:
        note(message)

    return send
