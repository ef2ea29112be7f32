"""
How many pages for a card a customer may open, in an hour and in a day: exactly, and told when there is room again.
"""

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import asyncpg
import pytest

from factories.cards import PAGE_URL, declare
from factories.paying import count
from rsolv import card_setups
from rsolv.card_setups import CardSetup, queries
from rsolv.db import Database
from rsolv.payment_methods import CardLimits, TooManyCards
from rsolv.payment_methods.rules import require_room
from rsolv.stripe_gateway import StripeGateway
from stripe_twin.twin import Twin

NOW = datetime(2026, 12, 15, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FEW = CardLimits(setups_per_hour_max=2, setups_per_day_max=3)
AT_ONCE = 6


def page(
    database: Database, gateway: StripeGateway, customer_id: int, *, at: datetime = NOW, key: bytes | None = None
) -> Awaitable[CardSetup]:
    """
    Open a page, where two an hour and three a day are allowed.
    """
    hashed = None if key is None else sha256(key).digest()
    request = card_setups.SetupRequest(declaration=declare(at), caller_key_hash=hashed, limits=FEW)
    return card_setups.open_setup(database, gateway, request, customer_id=customer_id, page_url=PAGE_URL)


async def test_one_page_more_than_an_hour_allows_is_refused(
    database: Database, gateway: StripeGateway, twin: Twin, customer_id: int
) -> None:
    """
    Stripe is not asked; with the first of them an hour old there is room.
    """
    for _ in range(2):
        await page(database, gateway, customer_id)

    with pytest.raises(TooManyCards) as refused:
        await page(database, gateway, customer_id, at=NOW + HOUR / 4)

    assert refused.value.retry_after_seconds == 2_700
    assert twin.store.count("checkout.session") == 2
    await page(database, gateway, customer_id, at=NOW + HOUR)


async def test_one_page_more_than_a_day_allows_is_refused(
    database: Database, gateway: StripeGateway, customer_id: int
) -> None:
    """
    However slowly they are opened.
    """
    for hours in (0, 2, 4):
        await page(database, gateway, customer_id, at=NOW + hours * HOUR)

    with pytest.raises(TooManyCards) as refused:
        await page(database, gateway, customer_id, at=NOW + 6 * HOUR)

    assert refused.value.retry_after_seconds == 18 * 3_600


async def test_a_repeat_under_the_callers_key_is_never_refused(
    database: Database, gateway: StripeGateway, customer_id: int
) -> None:
    """
    It leads to a page that was counted.
    """
    first = await page(database, gateway, customer_id, key=b"one")
    await page(database, gateway, customer_id, key=b"two")

    again = await page(database, gateway, customer_id, key=b"one")

    assert again == first


async def test_a_limit_is_each_customers_own(
    database: Database, gateway: StripeGateway, customer_id: int, other_id: int
) -> None:
    """
    What one opens does not keep another from it.
    """
    for _ in range(2):
        await page(database, gateway, customer_id)

    await page(database, gateway, other_id)


async def test_of_many_at_once_as_many_as_allowed_are_opened(
    database: Database, gateway: StripeGateway, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    They are counted one after the other, under the customer's lock.
    """
    answers = await asyncio.gather(
        *(page(database, gateway, customer_id) for _ in range(AT_ONCE)), return_exceptions=True
    )

    assert sorted(type(answer).__name__ for answer in answers) == ["CardSetup"] * 2 + ["TooManyCards"] * 4
    assert await count(owner, "card_setups") == 2


async def test_planted_bug_counting_without_the_lock_lets_all_through(
    database: Database, gateway: StripeGateway, customer_id: int
) -> None:
    """
    All look before any is written down: a count of what was found says that there is room for each.
    """
    await page(database, gateway, customer_id)
    looked = asyncio.Barrier(AT_ONCE)

    async def may_open() -> bool:
        async with database.transaction() as connection:
            full_since = await queries.find_opening_by_recency(
                connection, customer_id=customer_id, since=NOW - HOUR, nth=2
            )
            await looked.wait()
        require_room(full_since, window=HOUR, now=NOW)
        return True

    assert await asyncio.gather(*(may_open() for _ in range(AT_ONCE))) == [True] * AT_ONCE
