"""
What came of a page is asked of Stripe, and the card that was saved there is added once, by whoever looks first.
"""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from api.wire import until_waiting_for
from factories.cards import (
    MASTERCARD,
    VISA,
    attach_card,
    declare,
    fulfil,
    open_page,
    turn_into_link,
    type_card,
)
from factories.catalogs import CATALOGS
from factories.paying import Heard, bonuses, cards_of, count
from rsolv import ledger
from rsolv.audit import SYSTEM
from rsolv.card_setups import CardSetup, CardSetupMixedUp, UnknownCardSetup, find_setup, fulfil_setup
from rsolv.db import Connection, Database
from rsolv.kernel import clock
from rsolv.kernel.events import EventBus
from rsolv.payment_methods import (
    ConsentGiven,
    PaymentMethodAdded,
    find_consent,
    remove,
    withdraw_consent,
)
from rsolv.stripe_gateway import StripeGateway
from rsolv.wiring import wired_bus
from stripe_twin.core.faults import Fault
from stripe_twin.payments import finish_authentication
from stripe_twin.twin import Twin

DAY_SECONDS = 24 * 3600
NOW = datetime(2026, 12, 15, tzinfo=UTC)
EARNED = CATALOGS["current"].trial()[1].payment_method_credits


@pytest.fixture
async def setup(database: Database, gateway: StripeGateway, customer_id: int) -> CardSetup:
    """
    A page that waits for the customer.
    """
    return await open_page(database, gateway, customer_id=customer_id)


async def require_one_card(owner: asyncpg.Connection, customer_id: int) -> None:
    """
    Demand one card, one consent and its credits once, with the books in order.
    """
    assert len(await cards_of(owner, customer_id)) == 1
    assert await count(owner, "consents") == 1
    assert await bonuses(owner) == [(customer_id, EARNED)]
    assert ledger.breached(await ledger.verify(owner)) == []


async def test_a_card_that_was_saved_is_added_with_its_evidence(
    database: Database,
    gateway: StripeGateway,
    twin: Twin,
    owner: asyncpg.Connection,
    customer_id: int,
    setup: CardSetup,
) -> None:
    """
    The consent is of when the page was asked for, and names the setup and its intent at Stripe.
    """
    type_card(twin, setup)

    done = await fulfil(database, gateway, EventBus(), setup)

    consent = await owner.fetchrow("SELECT * FROM consents")
    intent = twin.store.all("setup_intent")[0]
    assert (done.state, done.payment_method_id) == ("completed", consent["payment_method_id"])
    assert (consent["card_setup_id"], consent["stripe_card_setup_id"]) == (setup.id, setup.stripe_card_setup_id)
    assert (consent["stripe_setup_intent_id"], consent["given_at"]) == (intent["id"], setup.evidence.given_at)
    assert [card["stripe_payment_method_id"] for card in await cards_of(owner, customer_id)] == [
        intent["payment_method"]
    ]
    await require_one_card(owner, customer_id)


async def test_a_page_that_is_still_open_changes_nothing(
    database: Database, gateway: StripeGateway, owner: asyncpg.Connection, setup: CardSetup
) -> None:
    """
    Whoever calls the address of the return page says nothing by it.
    """
    assert (await fulfil(database, gateway, EventBus(), setup)) == setup

    assert await count(owner, "payment_methods") == 0


async def test_a_bank_that_asks_is_waited_for(
    database: Database, gateway: StripeGateway, twin: Twin, owner: asyncpg.Connection, setup: CardSetup
) -> None:
    """
    The card is not added before the customer has authenticated.
    """
    intent_id = type_card(twin, setup, "4000002500003155")
    asked = await fulfil(database, gateway, EventBus(), setup)

    with twin.store.unit():
        finish_authentication(twin.account, intent_id, succeeded=True)
    done = await fulfil(database, gateway, EventBus(), setup)

    assert (asked.state, done.state) == ("open", "completed")
    assert await count(owner, "payment_methods") == 1


async def test_a_page_that_expired_is_over(
    database: Database, gateway: StripeGateway, twin: Twin, owner: asyncpg.Connection, setup: CardSetup
) -> None:
    """
    Without a card and without a consent.
    """
    twin.account.advance(twin.account.now + DAY_SECONDS)

    done = await fulfil(database, gateway, EventBus(), setup)

    assert (done.state, done.payment_method_id) == ("expired", None)
    assert (await count(owner, "payment_methods"), await count(owner, "consents")) == (0, 0)


async def test_a_setup_at_its_end_is_answered_without_asking(
    database: Database, gateway: StripeGateway, twin: Twin, owner: asyncpg.Connection, setup: CardSetup
) -> None:
    """
    Again and again, also while Stripe is away.
    """
    type_card(twin, setup)
    done = await fulfil(database, gateway, EventBus(), setup)
    twin.faults.plan([Fault("refused", times=None)])

    assert [await fulfil(database, gateway, EventBus(), setup) for _ in range(3)] == [done] * 3

    assert await count(owner, "payment_methods") == 1


async def test_a_page_whose_address_was_lost_is_given_up_after_a_day(
    database: Database, gateway: StripeGateway, twin: Twin, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    Until then somebody may still ask for it again.
    """
    twin.faults.plan([Fault("timeout_after", method="POST", template="/v1/checkout/sessions")])
    with pytest.raises(Exception, match="unknown"):
        await open_page(database, gateway, customer_id=customer_id, now=NOW)
    setup_id = await owner.fetchval("SELECT id FROM card_setups")

    states = [
        (
            await fulfil_setup(database, gateway, EventBus(), customer_id=customer_id, card_setup_id=setup_id, now=now)
        ).state
        for now in (NOW + timedelta(hours=23), NOW + timedelta(hours=24))
    ]

    assert states == ["open", "expired"]


async def test_nobodys_setup_is_not_found(
    database: Database, gateway: StripeGateway, setup: CardSetup, other_id: int
) -> None:
    """
    By neither id, nor for another customer.
    """
    async with database.reading() as connection:
        assert await find_setup(connection, stripe_card_setup_id=setup.stripe_card_setup_id or "") == setup
        with pytest.raises(UnknownCardSetup):
            await find_setup(connection, stripe_card_setup_id="cs_nobodys")
    with pytest.raises(UnknownCardSetup):
        await fulfil_setup(database, gateway, EventBus(), customer_id=other_id, card_setup_id=setup.id, now=clock.now())


async def test_what_is_not_the_page_we_opened_is_not_believed(
    database: Database, gateway: StripeGateway, twin: Twin, owner: asyncpg.Connection, setup: CardSetup
) -> None:
    """
    Somebody has touched it at Stripe: no card is added to anybody.
    """
    type_card(twin, setup)
    with twin.store.unit():
        twin.account.edit("checkout.session", setup.stripe_card_setup_id)["metadata"] = {"rsolv_customer_id": "999"}

    with pytest.raises(CardSetupMixedUp):
        await fulfil(database, gateway, EventBus(), setup)

    assert await count(owner, "payment_methods") == 0


async def test_of_two_who_look_at_once_one_adds_the_card(
    database: Database,
    gateway: StripeGateway,
    twin: Twin,
    owner: asyncpg.Connection,
    customer_id: int,
    setup: CardSetup,
) -> None:
    """
    Both have Stripe's answer and wait for the same lock; both then tell of the same card, and others hear of it once.
    """
    heard = Heard()
    type_card(twin, setup)

    async with owner.transaction():
        await owner.execute("LOCK TABLE customers IN ACCESS EXCLUSIVE MODE")
        both = asyncio.gather(*(fulfil(database, gateway, heard.bus, setup) for _ in range(2)))
        await until_waiting_for(owner, "customers", statements=2)
    first, second = await both

    assert first == second
    assert first.state == "completed"
    assert [type(event) for event in heard.events] == [PaymentMethodAdded, ConsentGiven]
    await require_one_card(owner, customer_id)


async def careless_fulfil(database: Database, customer_id: int, setup: CardSetup, method_id: int, number: int) -> None:
    """
    Do as the verb would without looking again under the lock: count and credit what it saw before.
    """
    async with database.transaction() as connection:
        await connection.execute(
            """
            INSERT INTO consents (customer_id, text_version, catalog_version_id, currency, fix_price_cents,
                                  payment_method_id, card_setup_id, actor, given_at)
            SELECT customer_id, text_version, catalog_version_id, currency, fix_price_cents, $2, id, actor, opened_at
            FROM card_setups WHERE customer_id = $1 AND id = $3
            """,
            customer_id,
            method_id,
            setup.id,
        )
        await ledger.grant(
            connection,
            customer_id=customer_id,
            credits=EARNED,
            source="trial_billing_added",
            cause=ledger.Cause("payment_method_added", f"{customer_id} {number}"),
        )


async def test_planted_bug_without_the_second_look_both_would_add(
    database: Database,
    gateway: StripeGateway,
    twin: Twin,
    owner: asyncpg.Connection,
    customer_id: int,
    setup: CardSetup,
) -> None:
    """
    The check above notices.
    """
    method = await attach_card(database, gateway, EventBus(), customer_id=customer_id)

    await asyncio.gather(*(careless_fulfil(database, customer_id, setup, method.id, number) for number in range(2)))

    with pytest.raises(AssertionError):
        await require_one_card(owner, customer_id)


async def test_attached_and_saved_at_once_is_one_card(
    database: Database,
    gateway: StripeGateway,
    twin: Twin,
    owner: asyncpg.Connection,
    customer_id: int,
    setup: CardSetup,
) -> None:
    """
    The same card comes by the page and by the API: added once, credited once, agreed to twice.
    """
    type_card(twin, setup)
    stripe_id = twin.store.all("setup_intent")[0]["payment_method"]

    await asyncio.gather(
        *(fulfil(database, gateway, EventBus(), setup) for _ in range(3)),
        *(attach_card(database, gateway, EventBus(), customer_id=customer_id, stripe_id=stripe_id) for _ in range(1)),
    )

    assert len(await cards_of(owner, customer_id)) == 1
    assert await bonuses(owner) == [(customer_id, EARNED)]
    assert await count(owner, "consents") == 2


async def test_two_customers_with_one_card_have_its_credits_once(
    database: Database,
    gateway: StripeGateway,
    twin: Twin,
    owner: asyncpg.Connection,
    customer_id: int,
    other_id: int,
    setup: CardSetup,
) -> None:
    """
    At the same moment; both have the card.
    """
    other = await open_page(database, gateway, customer_id=other_id)
    for page in (setup, other):
        type_card(twin, page)

    await asyncio.gather(*(fulfil(database, gateway, EventBus(), page) for page in (setup, other)))

    assert await count(owner, "payment_methods") == 2
    assert len(await bonuses(owner)) == 1


async def test_a_second_page_replaces_the_card_and_earns_nothing(
    database: Database,
    gateway: StripeGateway,
    twin: Twin,
    owner: asyncpg.Connection,
    customer_id: int,
    setup: CardSetup,
) -> None:
    """
    The newer is the default, whichever card it is.
    """
    other = await open_page(database, gateway, customer_id=customer_id)
    for page, number in ((setup, VISA), (other, MASTERCARD)):
        type_card(twin, page, number)
        await fulfil(database, gateway, EventBus(), page)

    assert [(card["last4"], card["is_default"]) for card in await cards_of(owner, customer_id)] == [
        ("4242", False),
        ("4444", True),
    ]
    assert await bonuses(owner) == [(customer_id, EARNED)]


async def test_a_consent_withdrawn_before_the_card_was_saved_does_not_stand(
    database: Database,
    gateway: StripeGateway,
    twin: Twin,
    owner: asyncpg.Connection,
    customer_id: int,
    setup: CardSetup,
) -> None:
    """
    The card is the customer's, and is not charged; the evidence has both the consent and its withdrawal.
    """
    async with database.transaction() as connection:
        await withdraw_consent(connection, wired_bus(), declare(), customer_id=customer_id)
    type_card(twin, setup)
    heard = Heard()

    await fulfil(database, gateway, heard.bus, setup)

    async with database.reading() as reading:
        assert await find_consent(reading, customer_id=customer_id) is None
    assert len(await cards_of(owner, customer_id)) == 1
    assert await count(owner, "consents") == 2
    assert [type(event) for event in heard.events] == [PaymentMethodAdded]


async def test_a_card_removed_before_its_page_was_looked_at_stays_removed(
    database: Database,
    gateway: StripeGateway,
    twin: Twin,
    owner: asyncpg.Connection,
    customer_id: int,
    setup: CardSetup,
) -> None:
    """
    It had been attached as well, and the customer has taken it away: the page is over, and nothing is agreed to by it.
    """
    type_card(twin, setup)
    stripe_id = twin.store.all("setup_intent")[0]["payment_method"]
    method = await attach_card(database, gateway, EventBus(), customer_id=customer_id, stripe_id=stripe_id)
    async with database.transaction() as connection:
        await remove(
            connection, EventBus(), customer_id=customer_id, payment_method_id=method.id, actor=SYSTEM, now=clock.now()
        )

    done = await fulfil(database, gateway, EventBus(), setup)

    (card,) = await cards_of(owner, customer_id)
    assert (done.state, done.payment_method_id) == ("completed", method.id)
    assert (card["removed_at"] is not None, card["is_default"]) == (True, False)
    assert await count(owner, "consents") == 1


class Died(Exception):
    """
    The process ended here.
    """


@pytest.mark.parametrize("point", [PaymentMethodAdded, ConsentGiven], ids=lambda point: point.__name__)
async def test_dying_half_way_leaves_nothing_and_the_next_look_adds_it(
    database: Database,
    gateway: StripeGateway,
    twin: Twin,
    owner: asyncpg.Connection,
    customer_id: int,
    setup: CardSetup,
    point: type,
) -> None:
    """
    Card, consent, credits, plan and the setup's end are one transaction.
    """
    dying = EventBus()

    async def die(connection: Connection, event: object) -> None:
        raise Died

    dying.subscribe(point, die)
    type_card(twin, setup)
    with pytest.raises(Died):
        await fulfil(database, gateway, dying, setup)
    left = [await count(owner, table) for table in ("payment_methods", "consents", "card_bonuses")]
    plan = await owner.fetchval("SELECT subscription_type FROM customers")

    await fulfil(database, gateway, EventBus(), setup)

    assert (left, plan) == ([0, 0, 0], "trial")
    await require_one_card(owner, customer_id)


async def test_what_is_no_card_ends_the_page_and_is_not_added(
    database: Database, gateway: StripeGateway, twin: Twin, owner: asyncpg.Connection, setup: CardSetup
) -> None:
    """
    Stripe may offer other ways to pay; fixes are charged to cards.
    """
    type_card(twin, setup)
    turn_into_link(twin, twin.store.all("setup_intent")[0]["payment_method"])

    done = await fulfil(database, gateway, EventBus(), setup)

    assert (done.state, done.payment_method_id) == ("completed", None)
    assert (await count(owner, "payment_methods"), await count(owner, "consents")) == (0, 0)
