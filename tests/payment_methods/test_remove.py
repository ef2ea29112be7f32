"""
Removing a card, and choosing which one is charged: here at once, at Stripe by a job that is not forgotten.
"""

import asyncpg
import pytest

from factories.cards import attach_card, do_jobs
from factories.paying import Heard, attached, cards_of, count, default_at_stripe
from factories.stripe_wire import eventful_gateway
from rsolv.audit import SYSTEM
from rsolv.db import Connection, Database
from rsolv.kernel import clock
from rsolv.kernel.errors import Conflict
from rsolv.kernel.events import EventBus
from rsolv.payment_methods import (
    PaymentMethod,
    PaymentMethodRemoving,
    UnknownPaymentMethod,
    find_default,
    has_payment_method,
    list_payment_methods,
    make_default,
    remove,
)
from rsolv.stripe_gateway import StripeGateway
from stripe_twin.twin import Twin

MAKE_DEFAULT = "payment_method.make_default"


@pytest.fixture
async def cards(database: Database, gateway: StripeGateway, customer_id: int) -> list[PaymentMethod]:
    """
    Three cards of the customer, the oldest first; the newest is the default.
    """
    return [
        await attach_card(database, gateway, EventBus(), customer_id=customer_id, stripe_id=stripe_id)
        for stripe_id in ("pm_card_visa", "pm_card_mastercard", "pm_card_amex")
    ]


async def removed(
    database: Database, customer_id: int, method: PaymentMethod, bus: EventBus | None = None
) -> PaymentMethod:
    """
    Remove a card in a transaction of its own.
    """
    async with database.transaction() as connection:
        return await remove(
            connection,
            bus or EventBus(),
            customer_id=customer_id,
            payment_method_id=method.id,
            actor=SYSTEM,
            now=clock.now(),
        )


async def defaults(owner: asyncpg.Connection, customer_id: int) -> list[int]:
    """
    Return which cards are the default: one at most, if all is well.
    """
    return [card["id"] for card in await cards_of(owner, customer_id) if card["is_default"]]


async def test_a_removed_card_is_gone_here_and_then_at_stripe(
    database: Database,
    gateway: StripeGateway,
    twin: Twin,
    owner: asyncpg.Connection,
    customer_id: int,
    cards: list[PaymentMethod],
) -> None:
    """
    The other cards stay.
    """
    gone = await removed(database, customer_id, cards[0])
    async with database.reading() as connection:
        left = await list_payment_methods(connection, customer_id=customer_id)
    await do_jobs(owner, database, gateway, EventBus(), kind="payment_method.detach")

    assert gone.removed_at is not None
    assert [card.id for card in left] == [cards[2].id, cards[1].id]
    assert {pm for _, pm in attached(twin)} == {card.stripe_payment_method_id for card in cards[1:]}


async def test_the_newest_that_remains_becomes_the_default(
    database: Database,
    gateway: StripeGateway,
    twin: Twin,
    owner: asyncpg.Connection,
    customer_id: int,
    cards: list[PaymentMethod],
) -> None:
    """
    Here and at Stripe.
    """
    await removed(database, customer_id, cards[2])
    for kind in ("payment_method.detach", "payment_method.make_default"):
        await do_jobs(owner, database, gateway, EventBus(), kind=kind)

    assert await defaults(owner, customer_id) == [cards[1].id]
    assert default_at_stripe(twin) == [cards[1].stripe_payment_method_id]


async def test_after_the_last_one_a_customer_goes_on_without(
    database: Database,
    gateway: StripeGateway,
    twin: Twin,
    owner: asyncpg.Connection,
    customer_id: int,
    cards: list[PaymentMethod],
) -> None:
    """
    They have no default, here or at Stripe, and keep their plan.
    """
    await do_jobs(owner, database, gateway, EventBus(), kind="payment_method.make_default")
    for card in reversed(cards):
        await removed(database, customer_id, card)
    promised = [
        await do_jobs(owner, database, gateway, EventBus(), kind=kind)
        for kind in ("payment_method.detach", MAKE_DEFAULT)
    ]

    async with database.reading() as connection:
        assert promised == [3, 2]
        assert not await has_payment_method(connection, customer_id=customer_id)
        assert await find_default(connection, customer_id=customer_id) is None
    assert (attached(twin), default_at_stripe(twin)) == (set(), [None])
    assert await owner.fetchval("SELECT subscription_type FROM customers") == "pay_as_you_go"


async def test_others_hear_of_it_before_and_whether_it_is_the_last(
    database: Database, customer_id: int, cards: list[PaymentMethod]
) -> None:
    """
    Only the last one is the last.
    """
    heard = Heard()
    for card in cards:
        await removed(database, customer_id, card, heard.bus)

    assert [type(event) for event in heard.events] == [PaymentMethodRemoving] * 3
    assert [event.is_last for event in heard.events] == [False, False, True]
    assert [event.payment_method_id for event in heard.events] == [card.id for card in cards]


async def test_who_hears_of_it_may_refuse(
    database: Database, owner: asyncpg.Connection, customer_id: int, cards: list[PaymentMethod]
) -> None:
    """
    Then nothing has changed and nothing is promised.
    """
    refusing = EventBus()
    refusal = type("DebtOpen", (Conflict,), {"code": "debt_open", "sentence": "A debt is open."})

    async def refuse(connection: Connection, event: PaymentMethodRemoving) -> None:
        raise refusal

    refusing.subscribe(PaymentMethodRemoving, refuse)
    before = await cards_of(owner, customer_id)
    with pytest.raises(refusal):
        await removed(database, customer_id, cards[2], refusing)

    assert await cards_of(owner, customer_id) == before
    assert await owner.fetchval("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'payment_method.detach'") == 0


async def test_removing_it_again_changes_nothing(
    database: Database, owner: asyncpg.Connection, customer_id: int, cards: list[PaymentMethod]
) -> None:
    """
    The answer is the same, and nobody hears of it twice.
    """
    heard = Heard()
    first = await removed(database, customer_id, cards[0], heard.bus)
    entries = await count(owner, "audit_entries")

    again = await removed(database, customer_id, cards[0], heard.bus)

    assert again == first
    assert len(heard.events) == 1
    assert await count(owner, "audit_entries") == entries


async def test_another_customers_card_is_not_found(
    database: Database, owner: asyncpg.Connection, customer_id: int, other_id: int, cards: list[PaymentMethod]
) -> None:
    """
    Neither to remove nor to choose.
    """
    with pytest.raises(UnknownPaymentMethod):
        await removed(database, other_id, cards[0])
    async with database.transaction() as connection:
        with pytest.raises(UnknownPaymentMethod):
            await make_default(
                connection, EventBus(), customer_id=other_id, payment_method_id=cards[0].id, actor=SYSTEM
            )

    assert await defaults(owner, customer_id) == [cards[2].id]


async def chosen(database: Database, customer_id: int, method: PaymentMethod) -> PaymentMethod:
    """
    Choose a card in a transaction of its own.
    """
    async with database.transaction() as connection:
        return await make_default(
            connection, EventBus(), customer_id=customer_id, payment_method_id=method.id, actor=SYSTEM
        )


async def test_a_chosen_card_is_the_default_here_and_at_stripe(
    database: Database,
    gateway: StripeGateway,
    twin: Twin,
    owner: asyncpg.Connection,
    customer_id: int,
    cards: list[PaymentMethod],
) -> None:
    """
    Back and forth within a day too, when Stripe still remembers the first time.
    """
    seen = []
    for card in (cards[0], cards[1], cards[0]):
        await chosen(database, customer_id, card)
        await do_jobs(owner, database, gateway, EventBus(), kind="payment_method.make_default")
        seen.append((await defaults(owner, customer_id), default_at_stripe(twin)))

    assert seen == [([card.id], [card.stripe_payment_method_id]) for card in (cards[0], cards[1], cards[0])]


async def test_choosing_the_default_changes_nothing(
    database: Database, owner: asyncpg.Connection, customer_id: int, cards: list[PaymentMethod]
) -> None:
    """
    No job, no audit entry.
    """
    before = [await count(owner, table) for table in ("pgqueuer", "audit_entries")]

    assert (await chosen(database, customer_id, cards[2])).is_default

    assert [await count(owner, table) for table in ("pgqueuer", "audit_entries")] == before


async def test_a_removed_card_cannot_be_chosen(
    database: Database, customer_id: int, cards: list[PaymentMethod]
) -> None:
    """
    It is as if it had never been.
    """
    await removed(database, customer_id, cards[0])

    with pytest.raises(UnknownPaymentMethod):
        await chosen(database, customer_id, cards[0])


async def told_while_another_is_chosen(
    database: Database, twin: Twin, owner: asyncpg.Connection, customer_id: int, cards: list[PaymentMethod]
) -> None:
    """
    Have the default change while a job is telling Stripe of the one before; only what that job promised is left.
    """

    async def change_meanwhile() -> None:
        await chosen(database, customer_id, cards[0])
        await owner.execute("DELETE FROM pgqueuer WHERE entrypoint = $1 AND id <> $2", MAKE_DEFAULT, job_id)

    job_id = await owner.fetchval("SELECT max(id) FROM pgqueuer WHERE entrypoint = $1", MAKE_DEFAULT)
    await owner.execute("DELETE FROM pgqueuer WHERE entrypoint = $1 AND id <> $2", MAKE_DEFAULT, job_id)
    async with eventful_gateway(twin, "POST", "/v1/customers/", change_meanwhile) as gateway:
        await do_jobs(owner, database, gateway, EventBus(), kind=MAKE_DEFAULT)


async def test_of_two_choices_at_once_the_one_that_stands_here_stands_at_stripe(
    database: Database,
    gateway: StripeGateway,
    twin: Twin,
    owner: asyncpg.Connection,
    customer_id: int,
    cards: list[PaymentMethod],
) -> None:
    """
    Whoever told Stripe last has looked once more, and promised to tell of the later one.
    """
    await told_while_another_is_chosen(database, twin, owner, customer_id, cards)
    between = default_at_stripe(twin)

    await do_jobs(owner, database, gateway, EventBus(), kind=MAKE_DEFAULT)

    assert between == [cards[2].stripe_payment_method_id]
    assert await defaults(owner, customer_id) == [cards[0].id]
    assert default_at_stripe(twin) == [cards[0].stripe_payment_method_id]


async def test_planted_bug_a_job_that_did_not_look_again_would_leave_the_wrong_card(
    database: Database, twin: Twin, owner: asyncpg.Connection, customer_id: int, cards: list[PaymentMethod]
) -> None:
    """
    Without the job that it promised, the test above would fail.
    """
    await told_while_another_is_chosen(database, twin, owner, customer_id, cards)

    promised = await owner.fetchval("SELECT count(*) FROM pgqueuer WHERE entrypoint = $1", MAKE_DEFAULT)

    assert promised == 1
    assert default_at_stripe(twin) != [cards[0].stripe_payment_method_id]
