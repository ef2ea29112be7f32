"""
The tests' end of a nursery: send errands, one at a time, and hear what became of them.
"""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from crashes.deadlines import read_line, running, tests_wait
from crashes.errands import Ended, Errand

LANES = 2
TESTS = Path(__file__).parents[1]
COVERAGE = "COVERAGE_PROCESS_START"


class Lane:
    """
    One nursery: whoever asks waits for those who asked before.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self._process = process
        self._turn = threading.Lock()
        self._log = log

    async def send(self, errand: Errand) -> Ended:
        """
        Run an errand in a process of its own, to its end or until it freezes.

        Raises:
            TooLate: the nursery does not answer.
        """
        return await asyncio.to_thread(self._ask, errand)

    def _ask(self, errand: Errand) -> Ended:
        assert self._process.stdin is not None
        with self._turn:
            self._process.stdin.write(msgspec.json.encode(errand) + b"\n")
            self._process.stdin.flush()
            seconds = tests_wait(errand.seconds)
            answer = read_line(self._process, whom=f"the nursery ({self._log})", seconds=seconds)
            return msgspec.json.decode(answer, type=Ended)


@contextmanager
def open_lanes(log: Path) -> Iterator[list[Lane]]:
    """
    Lend nurseries; what their processes say on their error output goes to *log*.
    """
    with ExitStack() as stack:
        yield [stack.enter_context(_open_lane(log)) for _ in range(LANES)]


@contextmanager
def _open_lane(log: Path) -> Iterator[Lane]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])}
    environment.pop(COVERAGE, None)  # a process that is killed tells nothing of what it reached
    command = [sys.executable, "-m", "crashes.nursery"]
    with (
        log.open("ab") as said,
        running(
            command,
            whom=f"the nursery ({log})",
            farewell=_close_input,
            stdin=subprocess.PIPE,
            stderr=said,
            env=environment,
        ) as process,
    ):
        yield Lane(process, log)


def _close_input(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdin is not None
    process.stdin.close()
