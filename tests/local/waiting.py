"""
Wait for what other processes do, with a deadline.
"""

import time
from collections.abc import Callable
from typing import TypeVar

import psutil

DEADLINE_SECONDS = 30.0

Found = TypeVar("Found")


def until(look: Callable[[], Found | None], what: str) -> Found:
    """
    Look again and again until there is something; fail after the deadline.
    """
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.01)  # lint: allow no-sleep-in-tests -- this is the polling, with a deadline
    return found


def is_gone(pid: int) -> bool:
    """
    Tell whether a process has ended, reaped or not.
    """
    try:
        return psutil.Process(pid).status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return True
