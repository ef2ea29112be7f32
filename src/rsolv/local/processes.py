"""
Run our own processes: start them, notice their deaths, start them again, stop them in order.
"""

import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rsolv.local.children import dies_with_parent
from rsolv.local.errors import LocalFailure
from rsolv.local.private_files import open_log

DEATHS_MAX = 5
DEATHS_WINDOW_SECONDS = 60.0
FIRST_PAUSE_SECONDS = 0.1
STOP_SECONDS_MAX = 30.0


class DiesTooOften(LocalFailure):
    """
    A process ended again and again; starting it once more would not help.
    """

    def __init__(self, *, name: str, log: Path) -> None:
        self.name = name
        super().__init__(f"{name} ended {DEATHS_MAX} times within a minute; its log says why: {log}")


class Deaths:
    """
    Decide from the times of a process's deaths whether and when it is started again.
    """

    def __init__(self) -> None:
        self._at: deque[float] = deque(maxlen=DEATHS_MAX)

    def add(self, at: float) -> None:
        """
        Note a death at a monotonic time in seconds.
        """
        self._at.append(at)

    def are_too_many(self) -> bool:
        """
        Tell whether the last five came within a minute.
        """
        return len(self._at) == DEATHS_MAX and self._at[-1] - self._at[0] <= DEATHS_WINDOW_SECONDS

    def pause_seconds(self) -> float:
        """
        Give the pause before the next start: it doubles with every death of the last minute.
        """
        recent = sum(1 for at in self._at if self._at[-1] - at <= DEATHS_WINDOW_SECONDS)
        return float(FIRST_PAUSE_SECONDS * 2 ** max(recent - 1, 0))


@dataclass(frozen=True)
class Command:
    """
    What a child runs; *inherited* are descriptors it gets from us.
    """

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    log: Path
    inherited: tuple[int, ...] = ()


class Child:
    """
    One process of ours, in a session of its own so that the terminal's Ctrl-C reaches only the supervisor.
    """

    def __init__(self, command: Command) -> None:
        self.command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._deaths = Deaths()
        self._start_at = 0.0

    @property
    def pid(self) -> int | None:
        """
        The process id, or None while there is no process.
        """
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """
        Start the process; its output goes to the end of its log.
        """
        log = open_log(self.command.log)
        try:
            self._process = subprocess.Popen(
                self.command.arguments,
                env=self.command.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=self.command.inherited,
                start_new_session=True,
                preexec_fn=dies_with_parent(signal.SIGTERM),  # noqa: PLW1509 -- one prctl call, looked up before
            )
        finally:
            os.close(log)

    def keep_alive(self) -> bool:
        """
        Start the process again if it ended and its pause is over; True when it was started.

        Raises:
            DiesTooOften: it ended five times within a minute.
        """
        now = time.monotonic()
        if self._process is not None and self._process.poll() is not None:
            self._sweep(self._process.pid)
            self._process = None
            self._deaths.add(now)
            if self._deaths.are_too_many():
                raise DiesTooOften(name=self.command.name, log=self.command.log)
            self._start_at = now + self._deaths.pause_seconds()
        if self._process is None and now >= self._start_at:
            self.start()
            return True
        return False

    def stop(self) -> None:
        """
        Ask the process to end, and kill what is left of it after its time. Idempotent.
        """
        process = self._process
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._sweep(process.pid)
        self._process = None

    @staticmethod
    def _sweep(group: int) -> None:
        """
        Kill what a process leaves behind in its session: orphans would go on serving old code.
        """
        try:
            os.killpg(group, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return
