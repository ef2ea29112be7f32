"""
Tell a history in two ways: each event once and in order to one worker, or copies in any order to real processes.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import asyncpg
import httpx
import msgspec

from bench.charging_stage import KEY
from rsolv import billing_events
from rsolv.billing_events.jobs import Inbox, handle_event
from rsolv.db import Database
from rsolv.kernel.events import EventBus
from rsolv.kernel.secret import Secret
from rsolv.stripe_gateway import StripeGateway, parse_event
from stripe_twin.events.signatures import signature_header

SECRET = Secret("whsec_ofthebenchmark")
PATH = "/api/webhooks/stripe"
ASKED_AT_ONCE = 100
QUIET_SECONDS_MAX = 1_800
LOOK_EVERY_SECONDS = 0.2
BUSY = """
    SELECT (SELECT count(*) FROM billing_events WHERE outcome = 'waiting')
         + (SELECT count(*) FROM pgqueuer
            WHERE entrypoint IN ('billing_event.handle', 'subscription.look') AND status IN ('queued', 'picked'))
"""


async def read_bodies(twin_url: str) -> dict[str, bytes]:
    """
    Read all events that Stripe remembers as they would be delivered, by id, the oldest first.
    """
    bodies: list[tuple[str, bytes]] = []
    after: dict[str, str] = {}
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {KEY.reveal()}"}, timeout=60) as http:
        while True:
            asked = {"limit": str(ASKED_AT_ONCE), **after}
            page = (await http.get(f"{twin_url}/v1/events", params=asked)).raise_for_status().json()
            bodies += [(event["id"], msgspec.json.encode(event)) for event in page["data"]]
            if not page["has_more"]:
                return dict(reversed(bodies))
            after = {"starting_after": page["data"][-1]["id"]}


def signed(body: bytes) -> str:
    """
    Sign a delivery now.
    """
    return signature_header(body, [SECRET.reveal()], signed_at=int(time.time())).rpartition(",")[0]


async def tell_in_order(database: Database, gateway: StripeGateway, bus: EventBus, bodies: Sequence[bytes]) -> None:
    """
    Store and handle each event once, one after the other.
    """
    box = Inbox(database=database, gateway=gateway, bus=bus)
    for body in bodies:
        arrival = billing_events.accept(parse_event(msgspec.json.decode(body)), body=body)
        now = datetime.now(UTC)
        async with database.transaction() as connection:
            event_id = await billing_events.receive(connection, arrival, now=now)
        assert event_id is not None, "told once"
        await handle_event(box, event_id, now=now)


async def tell_in_any_order(
    port: int, bodies: Sequence[bytes], *, copies: int, senders: int, chance: random.Random
) -> Counter[int]:
    """
    Post so many copies of each event in random order over so many connections; return how they were answered.
    """
    left = iter(chance.sample(list(bodies) * copies, copies * len(bodies)))
    answers: Counter[int] = Counter()

    async def send() -> None:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
            for body in left:
                headers = {"content-type": "application/json", "stripe-signature": signed(body)}
                answers[(await http.post(PATH, content=body, headers=headers)).status_code] += 1

    await asyncio.gather(*(send() for _ in range(senders)))
    return answers


async def until_handled(database_url: str) -> None:
    """
    Wait until nothing waits, and nothing that was promised about it either.

    Raises:
        TimeoutError: it did not come to an end within half an hour.
    """
    connection = await asyncpg.connect(database_url)
    try:
        async with asyncio.timeout(QUIET_SECONDS_MAX):
            while True:
                if not await connection.fetchval(BUSY):
                    return
                await asyncio.sleep(LOOK_EVERY_SECONDS)
    finally:
        await connection.close()
