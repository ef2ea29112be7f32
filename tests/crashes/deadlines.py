"""
How long anything is waited for here, and what is said when it does not come. No deadline is a result; each is far off.

Who waits for somebody waits longer than he does himself: a process, its nursery, the tests' end of the nursery.
"""

import select
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rsolv.local.children import dies_with_parent

ERRAND_SECONDS = 60
START_SECONDS = 60
STATEMENT_SECONDS = 60
STOP_SECONDS = 20
TEST_SECONDS = 900
"""
A test here is many processes, one after another, each with a deadline of its own.
"""


def nursery_waits(seconds: float) -> float:
    """
    Return how long a nursery waits for a process that gives itself up after so many seconds.
    """
    return 2 * seconds + 2


def tests_wait(seconds: float) -> float:
    """
    Return how long the tests wait for a nursery whose process gives itself up after so many seconds.
    """
    return nursery_waits(seconds) + 20


class TooLate(AssertionError):
    """
    Somebody was waited for, and did not come.
    """


def read_line(process: "subprocess.Popen[bytes]", *, whom: str, seconds: float) -> bytes:
    """
    Read the next line of what a process says; it says no more than it is asked for.

    Raises:
        TooLate: it says nothing in time, or has ended.
    """
    assert process.stdout is not None
    if not select.select([process.stdout], [], [], seconds)[0]:
        raise TooLate(f"{whom} has said nothing for {seconds:g} s")
    line = process.stdout.readline()
    if not line:
        raise TooLate(f"{whom} has ended without an answer")
    return line


@contextmanager
def running(
    command: Sequence[str], *, whom: str, farewell: Callable[["subprocess.Popen[bytes]"], None], **options: Any
) -> Iterator["subprocess.Popen[bytes]"]:
    """
    Run a process that talks over its standard output; at the end it is bidden farewell, and stops in order.

    Raises:
        TooLate: it does not stop in time; then it is killed.
    """
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        start_new_session=True,  # the terminal's Ctrl-C is for us, who stop it in order
        preexec_fn=dies_with_parent(signal.SIGTERM),  # noqa: PLW1509 -- one prctl call, looked up before
        **options,
    )
    with process:
        try:
            yield process
        finally:
            farewell(process)
            try:
                code = process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise TooLate(f"{whom} had not stopped {STOP_SECONDS} s after it was told to") from None
    assert code == 0, f"{whom} did not stop in order: {code}"
