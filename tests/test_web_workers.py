"""
Several web processes: connections are spread over them, and one that dies is replaced without a connection lost.
"""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import msgspec
import psutil

from cli.programs import MASTER_KEY, Serving, environment, first_line, running
from cli.waiting import DEADLINE_SECONDS
from local.waiting import until

CONNECTIONS = 40
ASK = b"GET /health HTTP/1.1\r\nhost: test\r\n\r\n"


@dataclass(frozen=True)
class Web:
    """
    A running web with two processes.
    """

    supervisor: psutil.Process
    port: int

    def processes(self) -> list[psutil.Process]:
        """
        Give those that answer requests.
        """
        return [child for child in self.supervisor.children() if "spawn_main" in " ".join(child.cmdline())]

    def connections(self) -> dict[int, int]:
        """
        Count the callers' connections of each process.
        """
        return {
            process.pid: sum(
                connection.status == psutil.CONN_ESTABLISHED and connection.laddr.port == self.port
                for connection in process.net_connections("tcp4")
            )
            for process in self.processes()
        }


@contextmanager
def two_processes(database_url: str) -> Iterator[Web]:
    """
    Run a web with two processes, both ready.
    """
    environ = environment(database_url, SECRET_KEY_BASE=MASTER_KEY, PORT="0", WEB_WORKERS="2")
    with running("web", "--json", environ=environ) as process:
        base_url = msgspec.json.decode(first_line(process), type=Serving).base_url
        web = Web(psutil.Process(process.pid), urlsplit(base_url).port or 0)
        with answered_connections(web.port):
            pass
        assert httpx.get(f"{base_url}/ready", timeout=DEADLINE_SECONDS).is_success
        yield web


@contextmanager
def answered_connections(port: int) -> Iterator[None]:
    """
    Hold many connections open, each of which has been answered.
    """
    with ExitStack() as opened:
        callers = [
            opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_SECONDS))
            for _ in range(CONNECTIONS)
        ]
        for caller in callers:
            caller.sendall(ASK)
        answers = [caller.recv(4_096) for caller in callers]
        assert all(answer.startswith(b"HTTP/1.1 200") for answer in answers)
        yield


def test_connections_are_spread_over_the_processes(database_url: str) -> None:
    """
    Of forty connections opened at once each of two processes has some.
    """
    with two_processes(database_url) as web, answered_connections(web.port):
        connections = web.connections()

    assert len(connections) == 2
    assert min(connections.values()) > 0


def test_a_process_that_dies_is_replaced_and_what_waited_for_it_is_answered(database_url: str) -> None:
    """
    After one of two processes is killed every connection is answered, those on its socket by its replacement.
    """
    with two_processes(database_url) as web:
        killed, survivor = web.processes()
        killed.kill()

        with answered_connections(web.port):
            replacements = until(lambda: {p.pid for p in web.processes()} - {killed.pid, survivor.pid}, "replaced")
            connections = web.connections()

    assert sum(connections[pid] for pid in replacements) > 0
