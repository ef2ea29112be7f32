"""
Wait for a turn to call Stripe: the queue of `turns`, on the event loop.

One per process. What a process may take of the installation's limits, its entry point decides.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Protocol
from urllib.parse import urlsplit

from rsolv.stripe_gateway.turns import Limits, Place, Turns

REST_SECONDS_MAX = 60.0
_SHORTEST_REST_SECONDS = 0.1
_TOO_MANY = 429
_WORD = re.compile(r"[a-z_]+|v[0-9]+")
_SECONDS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")


class NoTurn(Exception):
    """
    The queue is too long: nothing was sent. It may be shorter after `retry_after_seconds`.
    """

    def __init__(self, retry_after_seconds: float) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__()


class Timer(Protocol):
    """
    Something that will happen unless it is cancelled.
    """

    def cancel(self) -> None: ...


class Clock(Protocol):
    """
    What an event loop knows of time.
    """

    def time(self) -> float: ...
    def call_at(self, when: float, callback: Callable[[], None]) -> Timer: ...


class Limiter:
    """
    Lets calls go one after the other, as fast as the limits allow and no faster.
    """

    def __init__(self, limits: Limits, clock: Clock | None = None) -> None:
        self._clock = clock or asyncio.get_running_loop()
        self._turns = Turns(limits)
        self._rest_seconds = limits.rest_seconds
        self._turn_came: dict[Place, asyncio.Future[None]] = {}
        self._timer: Timer | None = None

    @asynccontextmanager
    async def turn(self, endpoint: str, *, patience_seconds: float) -> AsyncIterator[None]:
        """
        Wait for a turn and keep it until the block ends. Who stops waiting, or is cancelled, leaves no gap.

        Raises:
            NoTurn: it would not come, or has not come, in time; at once when the queue is too long already.
        """
        wait_seconds = self._turns.wait_seconds(endpoint, self._clock.time())
        if wait_seconds > patience_seconds:
            raise NoTurn(wait_seconds)
        await self._wait(self._turns.join(endpoint), patience_seconds)
        try:
            yield
        finally:
            self._end()

    def learn(self, endpoint: str, status: int, headers: Mapping[str, str], *, is_of_object: bool = False) -> None:
        """
        Have an endpoint rest, for all who wait for it, when Stripe says that it was called too often.

        A limit *of an object* is nobody else's business (docs.stripe.com/rate-limits, Stripe-Rate-Limited-Reason).
        """
        reason = headers.get("stripe-rate-limited-reason", "")
        if status != _TOO_MANY or is_of_object or reason == "resource-specific":
            return
        until = self._clock.time() + rest_seconds(headers, otherwise=self._rest_seconds)
        self._turns.rest(None if reason.startswith("global") else endpoint, until)
        self._go_on()

    async def _wait(self, place: Place, patience_seconds: float) -> None:
        came = self._turn_came[place] = asyncio.get_running_loop().create_future()
        no_longer = self._clock.call_at(self._clock.time() + patience_seconds, lambda: self._give_up(place))
        self._go_on()
        try:
            await came
        except asyncio.CancelledError:
            if came.cancelled():
                self._leave(place)
            elif came.exception() is None:
                self._end()  # it came in the same moment
            raise
        finally:
            no_longer.cancel()

    def _give_up(self, place: Place) -> None:
        came = self._turn_came.get(place)
        if came is not None and not came.done():
            self._leave(place)
            came.set_exception(NoTurn(self._turns.wait_seconds(place.endpoint, self._clock.time())))

    def _leave(self, place: Place) -> None:
        if self._turn_came.pop(place, None) is not None:
            self._turns.leave(place)
            self._go_on()

    def _end(self) -> None:
        self._turns.end()
        self._go_on()

    def _go_on(self) -> None:
        """
        Give every turn that has come, and look again when the next one does.
        """
        now = self._clock.time()
        while (place := self._turns.first(now)) is not None:
            came = self._turn_came.pop(place)
            if came.cancelled():
                self._turns.leave(place)  # and has not run since, to leave by itself
            else:
                self._turns.begin(place, now)
                came.set_result(None)
        if self._timer is not None:
            self._timer.cancel()
        next_at = self._turns.next_at()
        self._timer = self._clock.call_at(next_at, self._go_on) if next_at is not None else None


def endpoint_of(method: str, url: str) -> str:
    """
    Name the endpoint as Stripe counts: the method and the path, whatever ids are in it.
    """
    words = [word if _WORD.fullmatch(word) else "{id}" for word in urlsplit(url).path.split("/") if word]
    return f"{method.upper()} /{'/'.join(words)}"


def rest_seconds(headers: Mapping[str, str], *, otherwise: float) -> float:
    """
    Read for how long we are asked to wait: a tenth of a second at least, a minute at most; *otherwise* if we are not.
    """
    asked = headers.get("retry-after", "")
    return min(max(float(asked), _SHORTEST_REST_SECONDS), REST_SECONDS_MAX) if _SECONDS.fullmatch(asked) else otherwise
