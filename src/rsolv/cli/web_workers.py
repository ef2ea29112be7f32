"""
Serve with several processes, each with a listening socket of its own.
"""

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from uvicorn import Config
from uvicorn.supervisors import Multiprocess

_COUNTERS = "PROMETHEUS_MULTIPROC_DIR"


@contextmanager
def shared_counters() -> Iterator[None]:
    """
    Have all web processes that are started within count into one directory, readable by us alone and gone afterwards.

    Begin before anything imports `rsolv.telemetry`: how it counts is decided then. What the environment says is not
    taken: figures of an earlier run would be added to ours.
    """
    before = os.environ.get(_COUNTERS)
    with tempfile.TemporaryDirectory(prefix="rsolv-metrics-") as directory:
        os.environ[_COUNTERS] = directory
        try:
            yield
        finally:
            os.environ.pop(_COUNTERS)
            if before is not None:
                os.environ[_COUNTERS] = before


class SpreadWorkers(Multiprocess):
    """
    uvicorn's supervisor, but the processes do not share one socket: the kernel spreads connections over theirs.

    On one shared socket the first process to wake takes every connection that waits (measured: 16 of 16, often).
    We keep every socket open, so what waits on one survives the death of its process.
    """

    def __init__(self, config: Config, listeners: list[socket.socket]) -> None:
        super().__init__(config, sockets=[])
        self._listeners = listeners

    def init_processes(self) -> None:
        """
        Start a process for each socket.
        """
        for listener in self._listeners:
            self.sockets = [listener]
            self.processes_num = 1
            super().init_processes()
        self.processes_num = len(self._listeners)

    def keep_subprocess_alive(self) -> None:
        """
        Start again what has ended, on its own socket.
        """
        everyone = self.processes
        for place, listener in enumerate(self._listeners):
            self.sockets = [listener]
            self.processes = everyone[place : place + 1]
            super().keep_subprocess_alive()
            everyone[place] = self.processes[0]
        self.processes = everyone
