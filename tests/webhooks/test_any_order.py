"""
Copies and order do not matter: what is true at Stripe is true here, once.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import asyncpg
import httpx
import msgspec
import pytest

from bench.charging_stage import running_twin
from bench.events import COPIES as COPIES_BETWEEN_PROCESSES
from bench.events import tell
from billing_events.postroom import Postroom
from billing_events.test_payments import PAID, paid_unseen
from rsolv.local.cluster import Cluster
from webhooks.sending import send, signed

CHARGES = int(os.environ.get("RSOLV_TEST_CHARGES", "34"))
"""
How many payments there are to hear of; each tells three events. 334 make the thousand of the long run.
"""
COPIES, SENDERS, WORKERS = 3, 8, 4
EVENTS = 60
"""
How many events are told between processes; `make events EVENTS=10000` is the long run.
"""


async def spread(over: int, acts: Iterable[Callable[[], Awaitable[object]]]) -> None:
    """
    Do all of these, so many at once.
    """
    left = iter(acts)

    async def one() -> None:
        for act in left:
            await act()

    await asyncio.gather(*(one() for _ in range(over)))


async def test_copies_in_any_order_from_many_senders_end_in_the_same_state_as_one_of_each(
    postroom: Postroom, caller: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    """
    Every delivery is acknowledged, every event ends, and each payment is posted once.
    """
    chance = random.Random("any order")  # noqa: S311 -- chance that can be repeated
    charge_ids = [await paid_unseen(postroom) for _ in range(CHARGES)]
    bodies = [msgspec.json.encode(event) for event in postroom.told()]
    copies = chance.sample(bodies * COPIES, COPIES * len(bodies))
    statuses: Counter[int] = Counter()

    async def deliver(body: bytes) -> None:
        statuses[(await send(caller, signed(body))).status_code] += 1

    await spread(SENDERS, [lambda body=body: deliver(body) for body in copies])
    ids = [row["id"] for row in await owner.fetch("SELECT id FROM billing_events")]
    await spread(WORKERS, [lambda id_=id_: postroom.finish(id_) for id_ in chance.sample(ids * 2, 2 * len(ids))])

    ended = await owner.fetch("SELECT type, outcome, count(*) FROM billing_events GROUP BY type, outcome")
    outcomes = {(row["type"], row["outcome"]): row["count"] for row in ended}
    assert statuses == {200: len(copies)}
    assert len(ids) == len(bodies)
    assert outcomes[PAID, "processed"] == CHARGES
    assert {outcome for _, outcome in outcomes} == {"processed", "ignored"}
    assert {(await postroom.stage.charge(charge_id)).state for charge_id in charge_ids} == {"succeeded"}
    assert (await postroom.stage.money())["usd"] == {"processor": 2_900 * CHARGES, "revenue": -2_900 * CHARGES}
    assert await postroom.breaches() == []


@pytest.mark.timeout(300)  # it starts seven processes, which a busy machine does slowly
async def test_between_processes_copies_in_any_order_come_to_what_one_ordered_delivery_does(
    cluster: Cluster, templates: dict[str, str], tmp_path: Path
) -> None:
    """
    Over HTTP to two web processes, handled by two workers; a credit counted by its event would be noticed.
    """
    admin = await asyncpg.connect(cluster.url())
    await admin.execute(f"CREATE DATABASE any_order TEMPLATE {templates['current']}")
    await admin.close()

    with running_twin(tmp_path) as twin:
        told = await tell(cluster, tmp_path, twin, events=EVENTS, original="any_order")

    assert told.answers == {200: told.events * COPIES_BETWEEN_PROCESSES}
    assert (told.differences, told.breaches) == ([], [])
    assert told.planted != []
