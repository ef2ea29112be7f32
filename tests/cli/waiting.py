"""
Wait inside an event loop for what others do, with a deadline.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

DEADLINE_SECONDS = 30.0

Found = TypeVar("Found")


async def eventually(look: Callable[[], Awaitable[Found | None]], what: str) -> Found:
    """
    Look again and again until there is something; fail after the deadline.
    """
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (found := await look()):
        assert time.monotonic() < deadline, f"never happened: {what}"
        await asyncio.sleep(0.01)  # lint: allow no-sleep-in-tests -- this is the polling, with a deadline
    return found
