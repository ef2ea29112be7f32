"""
`make events EVENTS=10000`: tell a history to the product in copies and out of order, and compare.

The events of a history at Stripe's twin, each three times in random order, from eight senders over HTTP to two web
processes, handled by two workers; and the same events once, in order, to a copy of the database. Both must come to the
same states and postings.
"""

import argparse
import asyncio
import itertools
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import uvloop

from bench.charging_report import table
from bench.charging_stage import KEY, RunningTwin, running_twin
from bench.events_history import History
from bench.events_state import QUESTIONS, Rows, differences, read_state
from bench.events_telling import SECRET, tell_in_any_order, tell_in_order, until_handled
from bench.product import running_product
from rsolv import billing_events, charges, disputes, fixes, ledger, refunds, reversals, schema, subscriptions
from rsolv.db import Database
from rsolv.local.cluster import DATABASE, Cluster
from rsolv.logs import set_up_logging
from rsolv.stripe_gateway.client import GatewayOptions, open_gateway
from rsolv.wiring import wired_bus

HERE = Path(__file__).parent
COPIES, SENDERS, WORKERS = 3, 8, 2
FAST = {"STRIPE_CALLS_PER_SECOND": "2000", "STRIPE_CALLS_PER_SECOND_PER_ENDPOINT": "1000", "JOBS_AT_ONCE": "20"}
ROOMS = (ledger, fixes, charges, reversals, refunds, disputes, billing_events, subscriptions)
INVARIANTS = tuple(invariant for room in ROOMS for invariant in room.INVARIANTS)


@dataclass(frozen=True)
class Told:
    """
    What came of telling a history both ways.
    """

    events: int
    answers: Counter[int]
    sent_seconds: float
    handled_seconds: float
    ordered_seconds: float
    rows: dict[str, int]
    outcomes: list[tuple[str, int]]
    differences: list[str]
    breaches: list[str]
    planted: list[str]

    @property
    def is_fine(self) -> bool:
        """
        Whether every copy was acknowledged, nothing differs, and a planted difference was noticed.
        """
        all_acknowledged = self.answers == {200: self.events * COPIES}
        return all_acknowledged and not self.differences and not self.breaches and bool(self.planted)


async def tell(cluster: Cluster, directory: Path, twin: RunningTwin, *, events: int, original: str = DATABASE) -> Told:
    """
    Have a history happen over an empty database, tell it both ways to copies of that, and compare.
    """
    ordered, flooded, planted = (f"{original}_{name}" for name in ("ordered", "flooded", "planted"))
    bus, chance = wired_bus(), random.Random("events")
    async with open_gateway(GatewayOptions(api_key=KEY, base_url=twin.url)) as gateway:
        database = await Database.open(cluster.url(original), application="bench", pool_size=8)
        history = History(cluster.url(original), database, gateway, bus, twin, chance, itertools.count(1))
        await history.happen(events=events, announce=announce)
        await database.close()
        bodies = list(history.bodies.values())
        for name in (ordered, flooded):
            await _copy(cluster, original, name)
        announce(f"{len(bodies):,} events, once and in order")
        began = time.perf_counter()
        database = await Database.open(cluster.url(ordered), application="bench", pool_size=8)
        await tell_in_order(database, gateway, bus, bodies)
        await database.close()
        ordered_seconds = time.perf_counter() - began
    announce(f"{COPIES} copies of each in any order from {SENDERS} senders")
    stripe = {
        "STRIPE_API_KEY": KEY.reveal(),
        "STRIPE_API_BASE": twin.url,
        "STRIPE_WEBHOOK_SECRETS": SECRET.reveal(),
    }
    began = time.perf_counter()
    with running_product(cluster.url(flooded), directory, settings=stripe | FAST, workers=WORKERS) as product:
        answers = await tell_in_any_order(product.port, bodies, copies=COPIES, senders=SENDERS, chance=chance)
        sent_seconds = time.perf_counter() - began
        await until_handled(cluster.url(flooded))
        handled_seconds = time.perf_counter() - began
    announce("Comparing")
    once, often = await read_state(cluster.url(ordered)), await read_state(cluster.url(flooded))
    await _copy(cluster, flooded, planted)
    return Told(
        events=len(bodies),
        answers=answers,
        sent_seconds=sent_seconds,
        handled_seconds=handled_seconds,
        ordered_seconds=ordered_seconds,
        rows={name: len(often[name]) for name in QUESTIONS},
        outcomes=_outcomes(often["events"]),
        differences=differences(once, often),
        breaches=await _breaches(cluster.url(flooded)),
        planted=await _plant(cluster.url(planted), once),
    )


async def _plant(database_url: str, once: dict[str, Rows]) -> list[str]:
    """
    Credit one paid invoice by its event besides, as if credits were counted by event, and look what is noticed.
    """
    database = await Database.open(database_url, application="bench", pool_size=2)
    async with database.transaction() as connection:
        row = await connection.fetchrow(
            """
            SELECT stripe_event_id, customer_id FROM billing_events
            WHERE type = 'invoice.paid' AND outcome = 'processed'
            """
        )
        assert row is not None, "something was paid"
        await ledger.grant(
            connection,
            customer_id=row["customer_id"],
            credits=60,
            source="pro_subscription_payment",
            cause=ledger.Cause("event", row["stripe_event_id"]),
        )
    await database.close()
    return differences(once, await read_state(database_url))


async def _copy(cluster: Cluster, original: str, name: str) -> None:
    admin = await asyncpg.connect(cluster.url("postgres"))
    try:
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {original}")
    finally:
        await admin.close()


async def _breaches(database_url: str) -> list[str]:
    connection = await asyncpg.connect(database_url)
    try:
        findings = await ledger.verify(connection, INVARIANTS)
    finally:
        await connection.close()
    return [f"{found.id}: {found.breaches} of {found.checked}" for found in ledger.breached(findings)]


def _outcomes(events: Rows) -> list[tuple[str, int]]:
    counted = Counter(f"{outcome}, {reason}" if reason else str(outcome) for _, _, _, outcome, reason, _ in events)
    return sorted(counted.items())


def _as_markdown(told: Told) -> str:
    answers = ", ".join(f"{count:,} x {status}" for status, count in sorted(told.answers.items()))
    rows = [[name, f"{count:,}"] for name, count in told.rows.items()]
    outcomes = [[outcome, f"{count:,}"] for outcome, count in told.outcomes]
    wrong = [*told.differences, *(f"breached: {each}" for each in told.breaches)]
    differing = "".join(f"\n- **{each}**" for each in wrong) or "none; every invariant holds."
    noticed = f"noticed: {told.planted[0]}" if told.planted else "**not noticed**"
    return (
        f"# Events in any order\n\nWritten by `make events EVENTS={told.events}` on {datetime.now(UTC):%Y-%m-%d}.\n\n"
        f"{told.events:,} events of a history at Stripe's twin that the product had not heard of: payments, renewals, "
        f"failures, recoveries, ends, refunds. Each was posted {COPIES} times in random order by {SENDERS} senders, "
        f"over HTTP to 2 web processes, and handled by {WORKERS} workers; a copy of the database was told each once, "
        f"in order. Sent after {told.sent_seconds:.0f} s, handled after {told.handled_seconds:.0f} s; in order, "
        f"{told.ordered_seconds:.0f} s.\n\nAnswers: {answers}.\n\nDifferences: {differing}\n\n"
        f"## What was compared\n\n{table(['rows of', 'how many'], rows)}\n\n"
        f"## What became of the events\n\n{table(['outcome', 'events'], outcomes)}\n\n"
        f"## Planted bug\n\nCredits counted by event, not by invoice line, {noticed}\n"
    )


def main() -> int:
    """
    Tell, compare, print, write; 0 when nothing differs and the planted difference was noticed.
    """
    parser = argparse.ArgumentParser(prog="python -m bench.events", description=__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--write", type=Path, default=HERE / "EVENTS.md", help="where the outcome is kept")
    given = parser.parse_args()
    set_up_logging(level="critical", as_json=False)
    with tempfile.TemporaryDirectory(prefix="rsolv-events-") as name:
        directory = Path(name)
        directory.chmod(0o711)  # the server's own user passes through
        cluster = Cluster(directory / "postgres", durable=False, announce=announce)
        cluster.start()
        try:
            schema.upgrade(cluster.url())
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, running_twin(directory) as twin:
                told = runner.run(tell(cluster, directory, twin, events=given.events))
        finally:
            cluster.remove()
    text = _as_markdown(told)
    print(text)
    given.write.write_text(text, encoding="utf-8")
    return 0 if told.is_fine else 1


def announce(line: str) -> None:
    """
    Say how far it is.
    """
    print(f"[{time.monotonic() - _STARTED:5.0f} s] {line}", file=sys.stderr, flush=True)


_STARTED = time.monotonic()

if __name__ == "__main__":
    sys.exit(main())
