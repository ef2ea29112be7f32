"""
`python -m crashes.nursery`: fork a process for each errand that is read from the input.

The nursery itself has imported everything, and keeps no loop and no connection between two errands.
Starting Python and importing the product takes half a second, a fork some milliseconds: that is what makes it
possible to kill thousands.
"""

import asyncio
import gc
import os
import signal
import sys
import traceback
from collections.abc import Mapping
from typing import NoReturn

import msgspec

from crashes.acts import ACTS, Act, warm_up
from crashes.deadlines import TooLate, nursery_waits
from crashes.errands import Ended, Errand
from crashes.racers import race
from crashes.wrong_acts import WRONG_ACTS
from rsolv.local.children import dies_with_parent
from rsolv.logs import set_up_logging

_ACTS: Mapping[str, Act] = ACTS | {"race": race} | WRONG_ACTS
_frozen: dict[int, int] = {}
_die_with_nursery = dies_with_parent(signal.SIGKILL) or (lambda: None)


def main() -> None:
    """
    Serve until the input ends; then end whatever is still frozen.
    """
    set_up_logging(level="error", as_json=True)
    signal.signal(signal.SIGALRM, _too_late)
    is_cold = True
    for line in sys.stdin.buffer:
        errand = msgspec.json.decode(line, type=Errand)
        if is_cold:
            asyncio.run(warm_up(errand))
            gc.freeze()
            gc.disable()
            is_cold = False
        ended = _thaw(errand) if errand.act == "thaw" else _send(errand)
        sys.stdout.buffer.write(msgspec.json.encode(ended) + b"\n")
        sys.stdout.buffer.flush()
    for pid in list(_frozen):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _too_late(_signal: int, _frame: object) -> None:
    raise TooLate


def _send(errand: Errand) -> Ended:
    """
    Fork a process for an errand, and wait until it has ended or stopped.
    """
    heard, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(heard)
        _run(errand, told)
    os.close(told)
    return _await(pid, heard, nursery_waits(errand.seconds))


def _thaw(errand: Errand) -> Ended:
    heard = _frozen.pop(errand.pid)
    os.kill(errand.pid, signal.SIGCONT)
    return _await(errand.pid, heard, nursery_waits(errand.seconds))


def _await(pid: int, heard: int, seconds: float) -> Ended:
    """
    Wait for a process, and kill it when that takes too long: it could not even say so itself.
    """
    status, is_late = _wait(pid, seconds)
    if os.WIFSTOPPED(status):
        _frozen[pid] = heard
        return Ended(fate="frozen", pid=pid)
    with os.fdopen(heard, "rb") as ear:
        said = ear.read()
    if is_late:
        return Ended(fate="failed", pid=pid, said=[f"the process had not ended after {seconds:g} s"])
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL, status
        return Ended(fate="killed", pid=pid)
    return Ended(
        fate="left" if os.WEXITSTATUS(status) == 0 else "failed",
        pid=pid,
        said=msgspec.json.decode(said, type=list[str]),
    )


def _wait(pid: int, seconds: float) -> tuple[int, bool]:
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return os.waitpid(pid, os.WUNTRACED)[1], False
    except TooLate:
        os.kill(pid, signal.SIGKILL)
        return os.waitpid(pid, 0)[1], True
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _run(errand: Errand, told: int) -> NoReturn:
    """
    Run an errand in this new process, and end it without any of its parent's farewells.
    """
    status = 1
    said: list[str] = []
    try:
        _die_with_nursery()
        said = asyncio.run(_in_time(errand))
        status = 0
    except BaseException as error:
        said = [f"{type(error).__name__}: {error}"]
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os.write(told, msgspec.json.encode(said))
        os._exit(status)


async def _in_time(errand: Errand) -> list[str]:
    try:
        async with asyncio.timeout(errand.seconds) as deadline:
            return await _ACTS[errand.act](errand)
    except TimeoutError as error:
        if not deadline.expired():
            raise
        raise TooLate(f"the errand {errand.act!r} was not done after {errand.seconds:g} s") from error


if __name__ == "__main__":
    main()
