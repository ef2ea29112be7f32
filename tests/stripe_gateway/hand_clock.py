"""
A clock that is moved by hand, with timers that go off on the way.
"""

import heapq
import itertools
from collections.abc import Callable


class HandTimer:
    """
    A timer; cancelled, it does not go off.
    """

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """
        Forget what was to be done.
        """
        self.callback = None


class HandClock:
    """
    Time as an event loop has it, standing until it is moved.
    """

    def __init__(self) -> None:
        self._now = 1_000.0
        self._numbers = itertools.count()
        self._timers: list[tuple[float, int, HandTimer]] = []

    def time(self) -> float:
        """
        Return the present moment.
        """
        return self._now

    def call_at(self, when: float, callback: Callable[[], None]) -> HandTimer:
        """
        Have something done at a time.
        """
        timer = HandTimer(callback)
        heapq.heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    def advance(self, seconds: float) -> None:
        """
        Move on, letting go off what becomes due, each at its time.
        """
        until = self._now + seconds
        while self._timers and self._timers[0][0] <= until:
            when, _, timer = heapq.heappop(self._timers)
            self._now = max(self._now, when)
            if timer.callback is not None:
                timer.callback()
        self._now = until
