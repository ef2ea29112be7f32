"""
The load generator: keep-alive connections that speak raw HTTP/1.1, driven in a closed or in an open loop.

Closed: each connection sends its next request when the answer is there. Open: requests are due at a fixed rate whatever
the server does, and a latency counts from the moment the request was due, so that waiting behind a slow one is seen.
"""

import asyncio
import contextlib
import time
from array import array
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

DRAIN_SECONDS_MAX = 15.0
LENGTH_HEADER = b"content-length:"


@dataclass(frozen=True)
class Operation:
    """
    What is sent, and what must stand in the body of a 2xx answer for it to count as acknowledged.
    """

    name: str
    next_request: Callable[[], bytes]
    marker: bytes


@dataclass
class Tally:
    """
    What a load came to. `troubles` counts everything that is no acknowledgement: by status, lost, unanswered.
    """

    operation: str
    elapsed_seconds: float = 0.0
    acknowledged: int = 0
    troubles: Counter[str] = field(default_factory=Counter)
    trouble_example: str = ""
    latencies_seconds: "array[float]" = field(default_factory=lambda: array("d"))
    lateness_seconds: "array[float]" = field(default_factory=lambda: array("d"))

    @property
    def per_second(self) -> float:
        """
        Acknowledged requests per second.
        """
        return self.acknowledged / self.elapsed_seconds

    def note_trouble(self, kind: str, example: str = "") -> None:
        """
        Count what went wrong and keep the first example of it.
        """
        self.troubles[kind] += 1
        self.trouble_example = self.trouble_example or example


def split_answer(data: bytes) -> tuple[int, bytes] | None:
    """
    Give status and body of a whole answer with a Content-Length; None while some of it is missing.
    """
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    at = data.lower().find(LENGTH_HEADER, 0, end)
    length = int(data[at + len(LENGTH_HEADER) : data.find(b"\r", at)]) if at > 0 else 0
    body = data[end + 4 :]
    return (int(data[9:12]), body) if len(body) >= length else None


class Lane(asyncio.Protocol):
    """
    One connection with at most one request under way.
    """

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._since: float | None = None

    @property
    def is_busy(self) -> bool:
        """
        Whether a request is under way.
        """
        return self._since is not None

    def send(self, request: bytes, *, since: float) -> None:
        """
        Send a request whose latency counts from *since*.
        """
        assert self._transport is not None, "only an open lane is free"
        self._since = since
        self._transport.write(request)

    def close(self) -> None:
        """
        Hang up.
        """
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """
        Take the transport; the loop asks for lanes itself.
        """
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class is not registered as one

    def data_received(self, data: bytes) -> None:
        """
        Collect an answer; when it is whole, count it and become free.
        """
        if self._received:
            data = self._received + data
        answer = split_answer(data)
        if answer is None:
            self._received = data
            return
        since, self._since, self._received = self._since, None, b""
        if since is not None:
            self._load.answered(*answer, since=since)
        self._load.use(self)

    def connection_lost(self, _error: Exception | None) -> None:
        """
        Count the request under way as lost and have the lane replaced.
        """
        was_busy, self._since = self.is_busy, None
        self._load.lost(self, was_busy=was_busy)


class Load:
    """
    A closed loop over *connections* for *seconds*; the base of the open one.
    """

    def __init__(self, operation: Operation, *, port: int, connections: int, seconds: float) -> None:
        self.tally = Tally(operation.name)
        self._operation = operation
        self._port = port
        self._connections = connections
        self._seconds = seconds
        self._lanes: set[Lane] = set()
        self._openings: set[asyncio.Task[Lane]] = set()
        self._until = 0.0
        self._is_over = False
        self._idle = asyncio.Event()

    async def open(self) -> None:
        """
        Connect all lanes.
        """
        for _ in range(self._connections):
            await self._open_lane()

    async def run(self) -> Tally:
        """
        Send over the open lanes for the given time, wait for what is under way, and give the figures.
        """
        started = time.perf_counter()
        self._until = started + self._seconds
        self._begin(list(self._lanes), started)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), self._seconds + DRAIN_SECONDS_MAX)
        self.tally.elapsed_seconds = time.perf_counter() - started
        self._is_over = True
        for lane in self._lanes:
            if lane.is_busy:
                self.tally.note_trouble("no answer")
            lane.close()
        return self.tally

    def use(self, lane: Lane) -> None:
        """
        Give a free lane its next request.
        """
        now = time.perf_counter()
        if now < self._until:
            lane.send(self._operation.next_request(), since=now)
        else:
            self._notice_end()

    def answered(self, status: int, body: bytes, *, since: float) -> None:
        """
        Count an answer.
        """
        self.tally.latencies_seconds.append(time.perf_counter() - since)
        if 200 <= status < 300 and self._operation.marker in body:  # noqa: PLR2004 -- the statuses of success
            self.tally.acknowledged += 1
        else:
            self.tally.note_trouble(f"status {status}", body[:200].decode("utf-8", "replace"))

    def lost(self, lane: Lane, *, was_busy: bool) -> None:
        """
        Count a request whose connection broke, and open another connection.
        """
        self._lanes.discard(lane)
        if self._is_over:
            return
        self.tally.note_trouble("connection lost" if was_busy else "idle connection closed")
        opening = asyncio.ensure_future(self._open_lane())
        self._openings.add(opening)
        opening.add_done_callback(self._reopened)

    def _reopened(self, opening: "asyncio.Task[Lane]") -> None:
        self._openings.discard(opening)
        if opening.exception() is not None:
            self.tally.note_trouble("connection refused")
            self._notice_end()
        else:
            self.use(opening.result())

    async def _open_lane(self) -> Lane:
        _, lane = await asyncio.get_running_loop().create_connection(lambda: Lane(self), "127.0.0.1", self._port)
        self._lanes.add(lane)
        return lane

    def _begin(self, lanes: list[Lane], _started: float) -> None:
        for lane in lanes:
            self.use(lane)

    def _notice_end(self) -> None:
        if not self._openings and not any(lane.is_busy for lane in self._lanes):
            self._idle.set()


class OpenLoad(Load):
    """
    An open loop: *per_second* requests are due at equal distances, over as many of the connections as are free.
    """

    def __init__(self, operation: Operation, *, port: int, connections: int, seconds: float, per_second: float) -> None:
        super().__init__(operation, port=port, connections=connections, seconds=seconds)
        self._interval_seconds = 1 / per_second
        self._left = round(seconds * per_second)
        self._next_due = 0.0
        self._free: deque[Lane] = deque()
        self._overdue: deque[float] = deque()

    def use(self, lane: Lane) -> None:
        """
        Give a free lane the request that is overdue for longest, or keep it for the next one.
        """
        if self._overdue:
            self._send(lane, self._overdue.popleft())
            return
        self._free.append(lane)
        if not self._left:
            self._notice_end()

    def _begin(self, lanes: list[Lane], started: float) -> None:
        self._free.extend(lanes)
        self._next_due = started
        self._send_due()

    def _send_due(self) -> None:
        now = time.perf_counter()
        while self._left and self._next_due <= now:
            self._left -= 1
            if self._free:
                self._send(self._free.popleft(), self._next_due)
            else:
                self._overdue.append(self._next_due)
            self._next_due += self._interval_seconds
        if self._left:
            asyncio.get_running_loop().call_later(max(self._next_due - time.perf_counter(), 0), self._send_due)

    def _send(self, lane: Lane, due: float) -> None:
        self.tally.lateness_seconds.append(time.perf_counter() - due)
        lane.send(self._operation.next_request(), since=due)

    def lost(self, lane: Lane, *, was_busy: bool) -> None:
        """
        Count a request whose connection broke, and open another connection.
        """
        if lane in self._free:
            self._free.remove(lane)
        super().lost(lane, was_busy=was_busy)
