"""
The twin as a server on this machine: its clock runs, its webhooks are sent, its state survives.
"""

import asyncio
import fcntl
import logging
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from stripe_twin.asgi import CONNECTION, Application
from stripe_twin.events import post_on_this_machine
from stripe_twin.machine_clock import MachineClock, machine_seconds
from stripe_twin.twin import Twin

log = logging.getLogger(__name__)

STATE = "stripe.sqlite3"
TICK_SECONDS = 1.0
POST_TIMEOUT_SECONDS = 5.0
POSTS_AT_ONCE = 16
GRACE_SECONDS = 1


class HomeTaken(Exception):
    """
    Another twin runs with this state.
    """


def serve(listener: socket.socket, home: Path, *, seed: str, log_file: Path | None, ready: Callable[[], None]) -> None:
    """
    Serve the twin that lives in *home* until SIGTERM or SIGINT; call *ready* when its state is there.

    Raises:
        HomeTaken: it runs already.
    """
    with _alone_in(home):
        twin = Twin(
            seed=seed,
            starts_at=machine_seconds(),
            file=home / STATE,
            log=log_file,
            signed_at=machine_seconds,
            logged_at=time.time,
            base_url=url_of(listener),
        )
        ready()
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_Running(twin).serve(listener))
        finally:
            twin.close()


def url_of(listener: socket.socket) -> str:
    """
    Return where a socket listens.
    """
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}"


class _Running:
    """
    One twin while it is served: requests, clock and webhooks on one event loop.
    """

    def __init__(self, twin: Twin) -> None:
        self._twin = twin
        self._clock = MachineClock(twin)
        self._wake = asyncio.Event()

    async def serve(self, listener: socket.socket) -> None:
        """
        Serve until a signal.
        """
        # Sockets that are handed over do not get this from the event loop; without it each answer waits for an
        # acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._clock.catch_up()
        background = [asyncio.create_task(self._tick()), asyncio.create_task(self._send())]
        try:
            await _Server(_config(Application(self._twin, around=self._around))).serve(sockets=[listener])
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)

    def _around(self) -> None:
        self._clock.catch_up()
        self._wake.set()

    async def _tick(self) -> None:
        while True:
            self._around()
            await asyncio.sleep(TICK_SECONDS)

    async def _send(self) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=POST_TIMEOUT_SECONDS) as client:
            post = post_on_this_machine(client)
            while True:
                await self._wake.wait()
                self._wake.clear()
                try:
                    await self._twin.sender.deliver_due(post, at_once=POSTS_AT_ONCE)
                except Exception as mistake:
                    self._twin.mistakes.append(mistake)
                    log.exception("The twin's own mistake in sending webhooks")


class _Protocol(HttpToolsProtocol):
    """
    Hands the transport over, so that a connection can be reset or cut on purpose.
    """

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {CONNECTION: {"transport": self.transport, "is_silent": False}}

    def shutdown(self) -> None:
        """
        End a connection on which no answer will ever come; others finish first.
        """
        super().shutdown()
        if self.scope is not None and self.scope["extensions"][CONNECTION]["is_silent"]:
            self.transport.abort()


class _Server(uvicorn.Server):
    """
    Ends on a signal without raising it once more: being asked to stop is no failure.
    """

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """
        Take the signals while serving.
        """
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _config(application: Application) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=_Protocol,
        lifespan="off",
        proxy_headers=False,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


@contextmanager
def _alone_in(home: Path) -> Iterator[None]:
    """
    Hold a lock on the state: it is read whole at the start, so two twins would overwrite each other's.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home / "stripe.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HomeTaken(f"Another twin runs with the state in {home}.") from error
        with suppress(KeyboardInterrupt):
            yield
