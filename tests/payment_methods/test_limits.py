"""
Nobody tries out stolen cards on us: how many may be asked for in an hour is limited, exactly, and counted here.
"""

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from factories.cards import declare
from factories.paying import count
from rsolv import payment_methods
from rsolv.db import Database
from rsolv.kernel.events import EventBus
from rsolv.payment_methods import CardDeclined, CardLimits, PaymentMethod, TooManyCards
from rsolv.payment_methods.queries import attaches
from rsolv.payment_methods.rules import require_room
from rsolv.stripe_gateway import StripeGateway
from stripe_twin.twin import Twin

NOW = datetime(2026, 12, 15, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TWO = CardLimits(attaches_per_hour_max=2)
CARDS = ("pm_card_visa", "pm_card_mastercard", "pm_card_amex", "pm_card_discover", "pm_card_mastercard_debit")
DECLINED = "pm_card_visa_chargeDeclined"


def attach(
    database: Database, gateway: StripeGateway, customer_id: int, card: str, *, at: datetime = NOW
) -> Awaitable[PaymentMethod]:
    """
    Ask to add a card, where two an hour are allowed.
    """
    return payment_methods.attach(
        database,
        gateway,
        EventBus(),
        declare(at),
        customer_id=customer_id,
        stripe_payment_method_id=card,
        limits=TWO,
    )


@pytest.mark.parametrize(
    ("age", "seconds"),
    [(timedelta(0), 3_600), (timedelta(minutes=59, seconds=59), 1), (HOUR - timedelta(milliseconds=1), 1)],
)
def test_who_is_refused_is_told_when_there_is_room_again(age: timedelta, seconds: int) -> None:
    """
    When the oldest that counts has left the window, in whole seconds, one at least.
    """
    with pytest.raises(TooManyCards) as refused:
        require_room(NOW - age, window=HOUR, now=NOW)

    assert refused.value.retry_after_seconds == seconds
    require_room(None, window=HOUR, now=NOW)


async def test_one_card_more_than_allowed_is_refused_before_stripe_is_asked(
    database: Database, gateway: StripeGateway, twin: Twin, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    Until the first of them is an hour old.
    """
    await attach(database, gateway, customer_id, CARDS[0], at=NOW)
    await attach(database, gateway, customer_id, CARDS[1], at=NOW + HOUR / 2)

    with pytest.raises(TooManyCards) as refused:
        await attach(database, gateway, customer_id, CARDS[2], at=NOW + HOUR * 3 / 4)

    assert refused.value.retry_after_seconds == 900
    assert (twin.store.count("payment_method"), await count(owner, "payment_methods")) == (2, 2)
    await attach(database, gateway, customer_id, CARDS[2], at=NOW + HOUR)


async def test_a_declined_card_counts(database: Database, gateway: StripeGateway, customer_id: int) -> None:
    """
    That is what somebody who tries them out wants to hear.
    """
    for card in (DECLINED, "pm_card_chargeDeclined"):
        with pytest.raises(CardDeclined):
            await attach(database, gateway, customer_id, card)

    with pytest.raises(TooManyCards):
        await attach(database, gateway, customer_id, CARDS[0])


async def test_a_repeat_is_not_counted_again(
    database: Database, gateway: StripeGateway, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    Nor is a card that is there already, whose consent is only given anew.
    """
    method = await attach(database, gateway, customer_id, CARDS[0])
    for card in (CARDS[0], CARDS[0], method.stripe_payment_method_id):
        await attach(database, gateway, customer_id, card)

    await attach(database, gateway, customer_id, CARDS[1])

    assert await count(owner, "card_attaches") == 2


async def test_a_limit_is_each_customers_own(
    database: Database, gateway: StripeGateway, customer_id: int, other_id: int
) -> None:
    """
    What one tries does not keep another from paying.
    """
    for card in CARDS[:2]:
        await attach(database, gateway, customer_id, card)

    await attach(database, gateway, other_id, CARDS[0])


async def test_of_many_at_once_as_many_as_allowed_are_tried(
    database: Database, gateway: StripeGateway, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    They count one after the other, under the customer's lock.
    """
    answers = await asyncio.gather(
        *(attach(database, gateway, customer_id, card) for card in CARDS), return_exceptions=True
    )

    assert sorted(type(answer).__name__ for answer in answers) == ["PaymentMethod"] * 2 + ["TooManyCards"] * 3
    assert await count(owner, "card_attaches") == 2


async def test_planted_bug_counting_without_the_lock_lets_more_through(
    database: Database, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    All look before any is written down, and the count above notices.
    """
    looked = asyncio.Barrier(len(CARDS))

    async def ask(card: str) -> None:
        async with database.transaction() as connection:
            full_since = await attaches.find_attach_by_recency(
                connection, customer_id=customer_id, since=NOW - HOUR, nth=2
            )
            await looked.wait()
            require_room(full_since, window=HOUR, now=NOW)
            await attaches.insert_attach(
                connection, customer_id=customer_id, stripe_payment_method_id=card, asked_at=NOW
            )

    await asyncio.gather(*(ask(card) for card in CARDS))

    assert await count(owner, "card_attaches") == len(CARDS)
