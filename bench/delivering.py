"""
A round of deliveries in an open loop, while signups and fixes run beside them, and what came of it.
"""

import asyncio
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import asyncpg

from bench.events_telling import BUSY, PATH, signed
from bench.latencies import Percentiles, percentiles
from bench.load import OpenLoad, Operation, Tally
from bench.operations import make_workload
from bench.population import BenchCustomer
from bench.product import Product

CONNECTIONS_MIN, CONNECTIONS_MAX = 2, 16
USED_AGAIN_SECONDS = 2
"""
Over so many connections that each is used again before the server closes it as idle.
"""
DRAIN_SECONDS_MAX = 120.0
SUSTAINED, HANDLED_SECONDS_MAX = 0.97, 5.0
LOOK_EVERY_SECONDS = 0.1
_numbers = itertools.count(1)
_issues = itertools.count(1_000_000_000)


@dataclass(frozen=True)
class Beside:
    """
    What runs beside deliveries: signups and fixes a second, by customers with credits.
    """

    customers: list[BenchCustomer]
    signups_per_second: float
    fixes_per_second: float


@dataclass(frozen=True)
class Delivered:
    """
    What one round came to. *lag* counts from the delivery until its event was handled, by the database.
    """

    offered_per_second: float
    acked_per_second: float
    ack: Percentiles
    troubles: dict[str, int]
    sent: int
    stored: int
    outcomes: dict[str, int]
    lag: Percentiles
    beside: dict[str, Percentiles]
    beside_troubles: dict[str, int]

    @property
    def is_lossless(self) -> bool:
        """
        Whether every delivery was acknowledged and stored once, and every event came to an end.
        """
        return not self.troubles and self.sent == self.stored and not self.outcomes.get("waiting")

    @property
    def is_sustained(self) -> bool:
        """
        Whether the rate was acknowledged as it was offered, lost nothing, and was handled in time to the last.
        """
        is_kept_up = self.acked_per_second >= self.offered_per_second * SUSTAINED
        return is_kept_up and self.is_lossless and self.lag.max_ms <= HANDLED_SECONDS_MAX * 1_000


def anew(bodies: Sequence[bytes]) -> Iterator[bytes]:
    """
    Give Stripe's events again and again, each time under another id: the same work, but that much is settled already.
    """
    while True:
        for body in bodies:
            name = json.loads(body)["id"]
            yield body.replace(name.encode(), f"evt_again{next(_numbers)}".encode(), 1)


async def deliver(
    database_url: str,
    product: Product,
    bodies: Iterator[bytes],
    *,
    per_second: float,
    seconds: float,
    beside: Beside | None,
) -> Delivered:
    """
    Deliver at a rate for so long, wait until all is handled, and tell.
    """
    connection = await asyncpg.connect(database_url)
    try:
        first_id = await connection.fetchval("SELECT coalesce(max(id), 0) + 1 FROM billing_events")
        load = _load(Operation("delivery", _posting(bodies), b"OK"), product, per_second=per_second, seconds=seconds)
        others = _others(product, beside, seconds=seconds) if beside is not None else []
        for each in (load, *others):
            await each.open()
        tally, *tallies = await asyncio.gather(load.run(), *(each.run() for each in others))
        await _until_handled(connection)
        rows = await connection.fetch(
            """
            SELECT outcome, extract(epoch FROM handled_at - received_at) + coalesce(duration_ms, 0) / 1000.0 AS lag
            FROM billing_events WHERE id >= $1 AND source = 'webhook'
            """,
            first_id,
        )
    finally:
        await connection.close()
    return Delivered(
        offered_per_second=per_second,
        acked_per_second=tally.per_second,
        ack=percentiles(tally.latencies_seconds),
        troubles=dict(tally.troubles),
        sent=round(seconds * per_second),
        stored=len(rows),
        outcomes=dict(Counter(row["outcome"] for row in rows)),
        lag=percentiles([float(row["lag"]) for row in rows if row["lag"] is not None]),
        beside={each.operation: percentiles(each.latencies_seconds) for each in tallies},
        beside_troubles=_troubles(tallies),
    )


async def bare_acks(product: Product, *, per_second: float, seconds: float) -> Percentiles:
    """
    Return how long the same server takes to answer what needs no database, at the same rate.
    """
    health = make_workload(_nobody(), random.Random(1)).health
    load = _load(health, product, per_second=per_second, seconds=seconds)
    await load.open()
    return percentiles((await load.run()).latencies_seconds)


def _nobody() -> list[BenchCustomer]:
    return [BenchCustomer(0, 0, "none")]


def _load(operation: Operation, product: Product, *, per_second: float, seconds: float) -> OpenLoad:
    connections = min(max(round(per_second * USED_AGAIN_SECONDS), CONNECTIONS_MIN), CONNECTIONS_MAX)
    return OpenLoad(operation, port=product.port, connections=connections, seconds=seconds, per_second=per_second)


def _others(product: Product, beside: Beside, *, seconds: float) -> list[OpenLoad]:
    workload = make_workload([*beside.customers, beside.customers[0]], random.Random(1), issues=_issues)
    rates = ((workload.onboard, beside.signups_per_second), (workload.billable, beside.fixes_per_second))
    return [
        _load(replace(operation), product, per_second=per_second, seconds=seconds) for operation, per_second in rates
    ]


def _posting(bodies: Iterator[bytes]) -> Callable[[], bytes]:
    """
    Sign the next delivery at the moment at which it goes out, as Stripe does.
    """

    def next_request() -> bytes:
        body = next(bodies)
        head = (
            f"POST {PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            f"stripe-signature: {signed(body)}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    return next_request


async def _until_handled(connection: asyncpg.Connection) -> None:
    """
    Wait until nothing waits any more, or give up: what still waits is then counted.
    """
    deadline = time.monotonic() + DRAIN_SECONDS_MAX
    while time.monotonic() < deadline:
        if not await connection.fetchval(BUSY):
            return
        await asyncio.sleep(LOOK_EVERY_SECONDS)


def _troubles(tallies: Sequence[Tally]) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for each in tallies:
        counted += Counter({f"{each.operation}: {kind}": count for kind, count in each.troubles.items()})
    return dict(counted)
