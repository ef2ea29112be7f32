"""
The job that looks at a page: a card is added though nobody came back, and looking ends with the page.
"""

from datetime import timedelta

import asyncpg

from factories.cards import do_jobs, open_page, type_card
from factories.paying import cards_of, count
from rsolv.db import Database
from rsolv.kernel.events import EventBus
from rsolv.stripe_gateway import StripeGateway
from stripe_twin.twin import Twin

KIND = "card_setup.look"
DAY_SECONDS = 24 * 3600


async def looked(owner: asyncpg.Connection, database: Database, gateway: StripeGateway) -> int:
    """
    Do the looks that are promised, due or not.
    """
    return await do_jobs(owner, database, gateway, EventBus(), kind=KIND)


async def promised(owner: asyncpg.Connection) -> list[timedelta]:
    """
    Return after how long a next look is promised.
    """
    rows = await owner.fetch("SELECT execute_after - now() AS pause FROM pgqueuer WHERE entrypoint = $1", KIND)
    return [row["pause"] for row in rows]


async def test_a_card_is_added_though_its_owner_closed_the_tab(
    database: Database, gateway: StripeGateway, twin: Twin, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    Nobody came back; the job finds it.
    """
    setup = await open_page(database, gateway, customer_id=customer_id)
    type_card(twin, setup)

    assert await looked(owner, database, gateway) == 1

    assert len(await cards_of(owner, customer_id)) == 1
    assert await promised(owner) == []


async def test_a_page_is_looked_at_until_it_expires(
    database: Database, gateway: StripeGateway, twin: Twin, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    Each look promises the next, and the last one none.
    """
    await open_page(database, gateway, customer_id=customer_id)

    looks = [await looked(owner, database, gateway) for _ in range(5)]
    waiting = len(await promised(owner))
    twin.account.advance(twin.account.now + DAY_SECONDS)
    last = await looked(owner, database, gateway)

    assert (looks, waiting, last) == ([1] * 5, 1, 1)
    assert await promised(owner) == []
    assert await owner.fetchval("SELECT state FROM card_setups") == "expired"


async def test_a_look_that_is_done_twice_promises_one(
    database: Database, gateway: StripeGateway, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    A worker died after its work, and another did it again.
    """
    await open_page(database, gateway, customer_id=customer_id)
    await owner.execute(
        """
        INSERT INTO pgqueuer (priority, entrypoint, payload, status)
        SELECT priority, entrypoint, payload, status FROM pgqueuer WHERE entrypoint = $1
        """,
        KIND,
    )

    assert await looked(owner, database, gateway) == 2

    assert len(await promised(owner)) == 1
    assert await count(owner, "card_setups") == 1
