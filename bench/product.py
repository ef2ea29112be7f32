"""
The product as users run it: `rsolv web` and `rsolv worker`, in processes of their own.
"""

import contextlib
import os
import secrets
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from rsolv.local.processes import Child, Command

WEB_WORKERS = 2
START_SECONDS_MAX = 30.0
POLL_SECONDS = 0.05
MEGABYTE = 1_000_000


class DidNotStart(Exception):
    """
    The web processes do not answer.
    """


@dataclass(frozen=True)
class Memory:
    """
    What one process holds: RSS counts shared pages whole, PSS its share of them.
    """

    process: str
    rss_mb: float
    pss_mb: float | None


@dataclass(frozen=True)
class Product:
    """
    The running product.
    """

    port: int
    web: psutil.Process
    workers: tuple[psutil.Process, ...]

    def web_workers(self) -> list[psutil.Process]:
        """
        Give the processes that answer requests; the supervisor and Python's resource tracker are not among them.
        """
        return [child for child in self.web.children() if "spawn_main" in " ".join(child.cmdline())]

    def cpu_seconds(self) -> float:
        """
        Give the processor time that the web processes have used.
        """
        return sum(sum(process.cpu_times()[:2]) for process in [self.web, *self.web_workers()])

    def connections_by_worker(self) -> list[int]:
        """
        Count the callers' connections of each web process.
        """
        return [
            sum(
                connection.status == psutil.CONN_ESTABLISHED and connection.laddr.port == self.port
                for connection in process.net_connections("tcp4")
            )
            for process in self.web_workers()
        ]

    def memory(self) -> list[Memory]:
        """
        Give the memory of every process of the product.
        """
        named = [(f"web worker {number}", process) for number, process in enumerate(self.web_workers(), start=1)]
        workers = [("worker", worker) for worker in self.workers]
        return [_memory(*each) for each in [*named, ("web supervisor", self.web), *workers]]


@contextlib.contextmanager
def running_product(
    database_url: str, directory: Path, *, settings: Mapping[str, str] | None = None, workers: int = 1
) -> Iterator[Product]:
    """
    Start web and workers on a free port of the loopback, and stop them afterwards; other *settings* than the default.

    Raises:
        DidNotStart: they did not answer within 30 s; the sentence ends with their log.
    """
    port = free_port()
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "DATABASE_URL": database_url,
        "SECRET_KEY_BASE": secrets.token_hex(32),
        "RSOLV_HOME": str(directory / "home"),
        "PORT": str(port),
        "WEB_WORKERS": str(WEB_WORKERS),
        "WORKERS": str(workers),
        **(settings or {}),
    }
    logs = [("web", "web")] + [("worker", f"worker{number or ''}") for number in range(workers)]
    children = [
        Child(Command(log, (sys.executable, "-m", "rsolv", name), environment, directory / f"{log}.log"))
        for name, log in logs
    ]
    try:
        for child in children:
            child.start()
        web, *working = (psutil.Process(child.pid) for child in children)
        product = Product(port, web, tuple(working))
        _wait_until_ready(product, children)
        yield product
    finally:
        for child in children:
            child.stop()


def _wait_until_ready(product: Product, children: list[Child]) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            is_ready = httpx.get(f"http://127.0.0.1:{product.port}/ready").status_code == httpx.codes.OK
            if is_ready and len(product.web_workers()) == WEB_WORKERS:
                return
        time.sleep(POLL_SECONDS)
    logs = "\n".join(child.command.log.read_text(encoding="utf-8")[-2_000:] for child in children)
    raise DidNotStart(logs)


def free_port() -> int:
    """
    Give a port of the loopback on which nobody listens.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _memory(name: str, process: psutil.Process) -> Memory:
    full = process.memory_full_info()
    share = getattr(full, "pss", None)  # Linux only
    return Memory(name, full.rss / MEGABYTE, share / MEGABYTE if share is not None else None)
