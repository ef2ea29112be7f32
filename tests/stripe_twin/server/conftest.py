"""
The twin as a process of its own, and a receiver of webhooks beside it.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
import stripe

DEADLINE_SECONDS = 30
KEY = "sk_test_served_twin"
Found = TypeVar("Found")


@dataclass
class Served:
    """
    A running twin and where it listens.
    """

    process: subprocess.Popen[str]
    url: str

    @property
    def port(self) -> str:
        """
        Its port.
        """
        return self.url.rpartition(":")[2]

    def sdk(self) -> stripe.StripeClient:
        """
        Return Stripe's own client, talking to it over HTTP.
        """
        return stripe.StripeClient(KEY, base_addresses={"api": self.url}, max_network_retries=0)

    def kill(self) -> None:
        """
        Kill it where it stands.
        """
        self.process.kill()
        self.process.wait(DEADLINE_SECONDS)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """
    Start a twin on this test's state; what still runs at the end is stopped.
    """
    started = []

    def served(*arguments: str, inherited: tuple[int, ...] = ()) -> Served:
        process = subprocess.Popen(
            [sys.executable, "-m", "stripe_twin", "--home", str(tmp_path / "home"), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=inherited,
        )
        started.append(process)
        assert process.stdout is not None
        return Served(process, msgspec.json.decode(process.stdout.readline())["stripe_url"])

    yield served
    for process in started:
        process.kill()
        process.communicate(timeout=DEADLINE_SECONDS)


@pytest.fixture
def until() -> Callable[[Callable[[], Found]], Found]:
    """
    Look again and again until there is something; fail after the deadline.
    """

    def found(look: Callable[[], Found]) -> Found:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not (value := look()):
            assert time.monotonic() < deadline, "never happened"
            time.sleep(0.02)  # lint: allow no-sleep-in-tests -- this is the polling, with a deadline
        return value

    return found


@dataclass
class Receiver:
    """
    A server that takes webhooks.
    """

    url: str
    received: list[tuple[str, bytes]]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """
    A receiver on this machine that answers 200.
    """
    received: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append((self.headers["stripe-signature"], body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_words: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Receiver(f"http://127.0.0.1:{server.server_port}/hook", received)
    server.shutdown()
    thread.join()
    server.server_close()
