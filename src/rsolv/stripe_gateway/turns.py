"""
Decide whose turn it is to call Stripe. Pure: what time it is, is an argument.

Stripe counts calls per endpoint and per account (docs.stripe.com/rate-limits) and answers 429 above that. Turns are
therefore spread evenly and not given in bursts: two bursts of a whole second's calls, of which the network delays the
first, arrive as one. Of those who wait for endpoints that are free the one who came first is next, and who waits for
a busy endpoint is in nobody's way.
"""

import itertools
import math
from collections import deque
from dataclasses import dataclass

CATCHING_UP_SECONDS = 0.02
"""
How late a turn may be given without the next ones being late as well: timers are not exact.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """
    How many calls may be made: in a second in all, in a second to one endpoint, and at once.

    An endpoint that was called too often rests for `rest_seconds`, where Stripe does not say: it counts by the second.
    """

    per_second: float = math.inf
    per_second_per_endpoint: float = math.inf
    at_once: int = 16
    rest_seconds: float = 1.0


UNLIMITED = Limits(rest_seconds=0)
"""
Of one who speaks to a stand-in alone.
"""


@dataclass(frozen=True, slots=True)
class Place:
    """
    A place in the queue of an endpoint; the lower number came first.
    """

    endpoint: str
    number: int


class Turns:
    """
    Who waits, what is under way, and when each endpoint is free again.

    Any second has at most its limit of turns and one more, and what can be caught up in 20 ms.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._numbers = itertools.count()
        self._waiting: dict[str, deque[Place]] = {}
        self._free_at: dict[str, float] = {}
        self._all_free_at = -math.inf
        self._under_way = 0

    def join(self, endpoint: str) -> Place:
        """
        Queue up, behind everybody who is there.
        """
        place = Place(endpoint, next(self._numbers))
        self._waiting.setdefault(endpoint, deque()).append(place)
        return place

    def leave(self, place: Place) -> None:
        """
        Give a place up before its turn; those behind it move up.
        """
        self._waiting[place.endpoint].remove(place)

    def first(self, now: float) -> Place | None:
        """
        Return whose turn it is; None when it is nobody's.
        """
        if self._under_way >= self._limits.at_once or self._all_free_at > now:
            return None
        heads = (queue[0] for endpoint, queue in self._waiting.items() if queue and self._is_free(endpoint, now))
        return min(heads, key=lambda place: place.number, default=None)

    def begin(self, place: Place, now: float) -> None:
        """
        Give the turn to who is first: one call is under way more, and the next one has to wait.
        """
        self._waiting[place.endpoint].popleft()
        self._under_way += 1
        free_at = self._free_at.get(place.endpoint, -math.inf)
        self._free_at[place.endpoint] = _next(free_at, now, per_second=self._limits.per_second_per_endpoint)
        self._all_free_at = _next(self._all_free_at, now, per_second=self._limits.per_second)

    def end(self) -> None:
        """
        Note that a call is over, however it ended.
        """
        self._under_way -= 1

    def rest(self, endpoint: str | None, until: float) -> None:
        """
        Give no turn for an endpoint (None: for any) before a time.
        """
        if endpoint is None:
            self._all_free_at = max(self._all_free_at, until)
        else:
            self._free_at[endpoint] = max(self._free_at.get(endpoint, -math.inf), until)

    def next_at(self) -> float | None:
        """
        Return when it can be somebody's turn; None when nobody waits, or a call has to end first.
        """
        if self._under_way >= self._limits.at_once:
            return None
        free_at = [self._free_at.get(endpoint, -math.inf) for endpoint, queue in self._waiting.items() if queue]
        return max(min(free_at), self._all_free_at) if free_at else None

    def wait_seconds(self, endpoint: str, now: float) -> float:
        """
        Return how long who joins now will wait at least.
        """
        here, everywhere = len(self._waiting.get(endpoint, ())), sum(map(len, self._waiting.values()))
        until_here = max(self._free_at.get(endpoint, now) - now, 0) + here / self._limits.per_second_per_endpoint
        return max(until_here, max(self._all_free_at - now, 0) + everywhere / self._limits.per_second)

    def _is_free(self, endpoint: str, now: float) -> bool:
        return self._free_at.get(endpoint, -math.inf) <= now


def _next(free_at: float, now: float, *, per_second: float) -> float:
    return max(free_at, now - CATCHING_UP_SECONDS) + 1 / per_second
