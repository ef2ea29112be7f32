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
from crashes.errands import Ended, Errand
from crashes.wrong_acts import WRONG_ACTS
from rsolv.logs import set_up_logging

_ACTS: Mapping[str, Act] = ACTS | WRONG_ACTS
_frozen: dict[int, int] = {}


def main() -> None:
    """
    Serve until the input ends; then end whatever is still frozen.
    """
    set_up_logging(level="error", as_json=True)
    is_cold = True
    for line in sys.stdin.buffer:
        errand = msgspec.json.decode(line, type=Errand)
        if is_cold:
            asyncio.run(warm_up(errand))
            gc.freeze()
            gc.disable()
            is_cold = False
        ended = _thaw(errand.pid) if errand.act == "thaw" else _send(errand)
        sys.stdout.buffer.write(msgspec.json.encode(ended) + b"\n")
        sys.stdout.buffer.flush()
    for pid in list(_frozen):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


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
    return _await(pid, heard)


def _thaw(pid: int) -> Ended:
    heard = _frozen.pop(pid)
    os.kill(pid, signal.SIGCONT)
    return _await(pid, heard)


def _await(pid: int, heard: int) -> Ended:
    _, status = os.waitpid(pid, os.WUNTRACED)
    if os.WIFSTOPPED(status):
        _frozen[pid] = heard
        return Ended(fate="frozen", pid=pid)
    with os.fdopen(heard, "rb") as ear:
        said = ear.read()
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL, status
        return Ended(fate="killed", pid=pid)
    return Ended(
        fate="left" if os.WEXITSTATUS(status) == 0 else "failed",
        pid=pid,
        said=msgspec.json.decode(said, type=list[str]),
    )


def _run(errand: Errand, told: int) -> NoReturn:
    """
    Run an errand in this new process, and end it without any of its parent's farewells.
    """
    status = 1
    said: list[str] = []
    try:
        said = asyncio.run(_ACTS[errand.act](errand))
        status = 0
    except BaseException as error:
        said = [f"{type(error).__name__}: {error}"]
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os.write(told, msgspec.json.encode(said))
        os._exit(status)


if __name__ == "__main__":
    main()
