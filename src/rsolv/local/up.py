"""
Run a whole installation: the listening sockets, PostgreSQL, the schema, the catalogue, Stripe's twin, web and worker.
"""

import asyncio
import errno
import http.client
import os
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from rsolv.local.cluster import Cluster
from rsolv.local.errors import DatabaseUnusable, LocalFailure, PortTaken
from rsolv.local.home import DemoCustomer, Home, Run
from rsolv.local.processes import Child, Command, Deaths, DiesTooOften
from rsolv.local.queries import RefusedByServer
from rsolv.local.reach import reached
from rsolv.local.stop_signals import StopRequested, StopSignals
from rsolv.local.system_user import server_user
from rsolv.local.webhook_endpoint import ensure_endpoint

LISTEN_BACKLOG = 2048
READY_SECONDS_MAX = 60.0
READY_POLL_SECONDS = 0.05
READY_ANSWER_SECONDS_MAX = 0.5
WATCH_SECONDS = 0.1
STRIPE_TWIN_HOST = "127.0.0.1"
STAND_IN_API_KEY = "sk_test_of_the_twin"

Prepare = Callable[[str, str, DemoCustomer | None], Awaitable[DemoCustomer]]


@dataclass(frozen=True)
class Plan:
    """
    What is to be run, as values.

    *migrate* brings a database's schema up to date; *prepare* provides the catalogue and the demo
    customer (None: neither). *web* and *worker* are arguments to Python; *web* gets `--fd N` appended,
    the descriptor of a listening socket, once for each of *web_workers*. Without a *stripe_api_key* a twin of Stripe
    runs beside them: *stripe_twin* gets `--home DIRECTORY --fd N` appended.
    """

    home: Path
    host: str
    port: int
    migrate: Callable[[str], None]
    prepare: Prepare | None
    database_url: str | None = field(default=None, repr=False)
    secret_key_base: str | None = field(default=None, repr=False)
    stripe_api_key: str | None = field(default=None, repr=False)
    stripe_twin: tuple[str, ...] = ("-m", "stripe_twin")
    web: tuple[str, ...] = ("-m", "rsolv", "web")
    worker: tuple[str, ...] = ("-m", "rsolv", "worker")
    web_workers: int = 1
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


def serve(plan: Plan, *, announce: Callable[[str], None], ready: Callable[[Run, Home], None]) -> None:
    """
    Start everything, tell *ready* where it is, keep it alive, and stop it when a signal asks for it.

    Whatever was started is stopped again in order (web, worker, twin, PostgreSQL), also after a failure.
    Call from the main thread.

    Raises:
        AlreadyRunning: another process runs this home.
        PortTaken: somebody else listens on the port.
        DatabaseUnusable: the given database cannot be reached or refuses us.
        DiesTooOften: a process ended five times within a minute.
        LocalFailure: something else a person can mend.
    """
    with StopSignals() as signals, ExitStack() as started:
        started.callback(signals.no_longer_raise)
        try:
            installation = Installation(plan, started, announce)
            installation.start()
            signals.no_longer_raise()
            ready(installation.publish(), installation.home)
            while not signals.requested:
                time.sleep(WATCH_SECONDS)
                if installation.keep_alive():
                    installation.publish()
        except StopRequested:
            pass
        finally:
            signals.no_longer_raise()
        announce("Stopping")


class Installation:
    """
    The running parts of one home; each is registered with *started* to be stopped in reverse order.
    """

    def __init__(self, plan: Plan, started: ExitStack, announce: Callable[[str], None]) -> None:
        self.home = Home(plan.home)
        self._plan = plan
        self._started = started
        self._announce = announce
        self._cluster: Cluster | None = None
        self._cluster_deaths = Deaths()
        self._children: list[Child] = []
        self._demo: DemoCustomer | None = None
        self._base_url = ""
        self._database_url = ""
        self._stripe_url: str | None = None

    def start(self) -> None:
        """
        Start every part in order and return when the web answers that it is ready.
        """
        plan = self._plan
        self.home.claim(server_user() if plan.database_url is None else None)
        self._started.callback(self.home.release)
        listeners = listen_together(plan.host, plan.port, plan.web_workers)
        for listener in listeners:
            self._started.enter_context(listener)
        self._base_url = base_url_of(listeners[0])
        secret_key_base = plan.secret_key_base or self.home.secret_key_base()
        self._database_url = plan.database_url or self._start_cluster()
        check_database(self._database_url)
        self._announce("Bringing the database's schema up to date")
        self._migrate()
        if plan.prepare is not None:
            self._demo = asyncio.run(
                _prepared(plan.prepare, self._database_url, secret_key_base, self.home.remembered_demo())
            )
            self.home.remember_demo(self._demo)
        environment = self._environment(secret_key_base)
        if plan.stripe_api_key is None:
            environment |= self._start_stripe_twin()
        self._announce("Starting web and worker")
        self._start_web_and_worker([listener.fileno() for listener in listeners], environment)
        self._await_ready()
        # Undone first: nobody new is sent here, and who comes now is refused rather than kept waiting.
        for listener in listeners:
            self._started.callback(listener.close)
        self._started.callback(self.home.withdraw)

    def publish(self) -> Run:
        """
        Write `run.json` anew and give what it says.
        """
        pids = {"postgres": self._cluster.pid if self._cluster else None, "supervisor": os.getpid()}
        pids |= {child.command.name: child.pid for child in self._children}
        run = Run(
            base_url=self._base_url,
            stripe_url=self._stripe_url,
            pids=pids,
            demo=self._demo,
            database_url=self._database_url,
        )
        self.home.publish(run)
        return run

    def keep_alive(self) -> bool:
        """
        Start again what has ended; True when something was started.

        Raises:
            DiesTooOften: a part ended five times within a minute.
        """
        changed = False
        if self._cluster is not None and not self._cluster.is_running:
            self._cluster_deaths.add(time.monotonic())
            if self._cluster_deaths.are_too_many():
                raise DiesTooOften(name="postgres", log=self._cluster.log)
            self._announce("PostgreSQL ended; starting it again")
            self._cluster.start()
            changed = True
        for child in self._children:
            if child.keep_alive():
                self._announce(f"{child.command.name} ended; started it again")
                changed = True
        return changed

    def _start_cluster(self) -> str:
        self._announce("Starting PostgreSQL")
        self._cluster = Cluster(self.home.cluster, announce=self._announce)
        self._started.callback(self._cluster.stop)
        self._cluster.start()
        return self._cluster.url()

    def _migrate(self) -> None:
        try:
            self._plan.migrate(self._database_url)
        except RefusedByServer as error:
            raise DatabaseUnusable(reason=f"its schema cannot be brought up to date: {error}") from None

    def _environment(self, secret_key_base: str) -> dict[str, str]:
        return {
            "PUBLIC_URL": self._base_url,
            **self._plan.environment,
            "DATABASE_URL": self._database_url,
            "SECRET_KEY_BASE": secret_key_base,
            "RSOLV_HOME": str(self.home.directory),
            "PYTHONUNBUFFERED": "1",
        }

    def _start_stripe_twin(self) -> dict[str, str]:
        """
        Start the stand-in for Stripe and give the settings by which web and worker reach it, and it the web.
        """
        self._announce("Starting the twin of Stripe")
        listener = self._started.enter_context(self._listen_for_stripe())
        self._stripe_url = base_url_of(listener)
        home = ("--home", str(self.home.stripe_twin), "--fd", str(listener.fileno()))
        self._start_child(
            "stripe", (*self._plan.stripe_twin, *home), dict(self._plan.environment), (listener.fileno(),)
        )
        endpoint = ensure_endpoint(
            self._stripe_url, api_key=STAND_IN_API_KEY, base_url=self._base_url, file=self.home.webhook_endpoint
        )
        return {
            "STRIPE_API_KEY": STAND_IN_API_KEY,
            "STRIPE_API_BASE": self._stripe_url,
            "STRIPE_WEBHOOK_SECRETS": endpoint.secret,
        }

    def _listen_for_stripe(self) -> socket.socket:
        """
        Take the same port as before where it is free: links that the twin handed out then still lead to it.
        """
        try:
            listener = listen(STRIPE_TWIN_HOST, self.home.remembered_stripe_port())
        except PortTaken:
            listener = listen(STRIPE_TWIN_HOST, 0)
        self.home.remember_stripe_port(int(listener.getsockname()[1]))
        return listener

    def _start_web_and_worker(self, listeners: list[int], environment: dict[str, str]) -> None:
        web = (*self._plan.web, *(word for number in listeners for word in ("--fd", str(number))))
        self._start_child("worker", self._plan.worker, environment)
        self._start_child("web", web, environment, tuple(listeners))

    def _start_child(
        self, name: str, arguments: tuple[str, ...], environment: Mapping[str, str], inherited: tuple[int, ...] = ()
    ) -> None:
        log = self.home.logs / f"{name}.log"
        child = Child(Command(name, (sys.executable, *arguments), environment, log, inherited))
        self._started.callback(child.stop)
        child.start()
        self._children.append(child)

    def _await_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS_MAX
        while not (_answers(f"{self._base_url}/ready") and (not self._stripe_url or _answers(f"{self._stripe_url}/"))):
            if time.monotonic() > deadline:
                raise LocalFailure(
                    f"The web is not ready after {READY_SECONDS_MAX:.0f} s; "
                    f"its log says why: {self.home.logs / 'web.log'}"
                )
            self.keep_alive()
            time.sleep(READY_POLL_SECONDS)


def listen_together(host: str, port: int, sockets: int) -> list[socket.socket]:
    """
    Listen on *host* and *port* with several sockets, over which the kernel spreads the connections.

    Raises:
        PortTaken: another program listens there.
        LocalFailure: we may not listen there, or there is no such address.
    """
    alone = listen(host, port)
    if sockets == 1:
        return [alone]
    # Sockets that share an address would also share it with a stranger's; one that does not has just shown that there
    # is none.
    port = int(alone.getsockname()[1])
    alone.close()
    return [listen(host, port, shared=True) for _ in range(sockets)]


def listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """
    Listen on *host* and *port*; connections wait there until the web takes them, also while it starts again.

    Raises:
        PortTaken: another program listens there.
        LocalFailure: we may not listen there, or there is no such address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        # uvicorn sets this on sockets it opens itself, not on one it inherits: without it every answer on a connection
        # kept alive waits 44 ms for an acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind((host, port))
        # Two sockets may be bound to one address before either listens, so this is part of taking it.
        listener.listen(LISTEN_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(host=host, port=port) from None
        raise LocalFailure(f"Cannot listen on {host} port {port}: {error.strerror}.") from None
    return listener


def check_database(database_url: str) -> None:
    """
    Connect to the database once.

    Raises:
        DatabaseUnusable: it cannot be reached or refuses us.
    """
    asyncio.run(_connect_once(database_url))


async def _connect_once(database_url: str) -> None:
    async with reached(database_url, application="up"):
        pass


async def _prepared(
    prepare: Prepare, database_url: str, secret_key_base: str, remembered: DemoCustomer | None
) -> DemoCustomer:
    return await prepare(database_url, secret_key_base, remembered)


def base_url_of(listener: socket.socket) -> str:
    """
    Return the address under which a listening socket is reached from this machine.
    """
    host, port = listener.getsockname()[:2]
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 -- recognised here, bound by the caller
    reachable = everywhere.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{reachable}:{port}"


def _answers(url: str) -> bool:
    address, slash, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(address, timeout=READY_ANSWER_SECONDS_MAX)
    try:
        connection.request("GET", slash + path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
