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

from crashes.errands import Ended, Errand

LANES = 2
STOP_SECONDS = 20
TESTS = Path(__file__).parents[1]


class Lane:
    """
    One nursery: whoever asks waits for those who asked before.
    """

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._turn = threading.Lock()

    async def send(self, errand: Errand) -> Ended:
        """
        Run an errand in a process of its own, to its end or until it freezes.
        """
        return await asyncio.to_thread(self._ask, msgspec.json.encode(errand) + b"\n")

    def _ask(self, line: bytes) -> Ended:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._turn:
            self._process.stdin.write(line)
            self._process.stdin.flush()
            return msgspec.json.decode(self._process.stdout.readline(), type=Ended)


@contextmanager
def open_lanes(log: Path) -> Iterator[list[Lane]]:
    """
    Lend nurseries; what their processes say on their error output goes to *log*.
    """
    with ExitStack() as stack:
        yield [stack.enter_context(_open_lane(log)) for _ in range(LANES)]


@contextmanager
def _open_lane(log: Path) -> Iterator[Lane]:
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    command = [sys.executable, "-m", "crashes.nursery"]
    with (
        log.open("ab") as said,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, env=environment
        ) as process,
    ):
        yield Lane(process)
        assert process.stdin is not None
        process.stdin.close()
        code = process.wait(STOP_SECONDS)
    assert code == 0, log.read_text(encoding="utf-8")[-4_000:]
