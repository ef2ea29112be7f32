"""
A payment method that was set up elsewhere: added with consent, once, and refused where it cannot be charged.
"""

import asyncio

import asyncpg
import pytest

from factories.cards import attach_card, do_jobs, turn_into_link
from factories.catalogs import CATALOGS
from factories.paying import Heard, attached, bonuses, cards_of, count, default_at_stripe
from rsolv.audit import SYSTEM
from rsolv.customers import ensure_stripe_customer
from rsolv.db import Connection, Database
from rsolv.kernel import clock
from rsolv.kernel.events import EventBus
from rsolv.ledger import balance, breached, verify
from rsolv.payment_methods import (
    CardDeclined,
    ConsentGiven,
    PaymentMethodAdded,
    PaymentMethodUnusable,
    remove,
)
from rsolv.stripe_gateway import GatewayUnavailable, StripeGateway
from stripe_twin.core.faults import Fault
from stripe_twin.twin import Twin

BOTH = pytest.mark.parametrize("catalog_name", ["current", "draft"])


async def sound(owner: asyncpg.Connection) -> None:
    """
    Demand that the books are in order.
    """
    assert breached(await verify(owner)) == []


@BOTH
async def test_the_first_card_ends_the_trial_and_earns_the_catalogues_credits(
    database: Database, gateway: StripeGateway, owner: asyncpg.Connection, customer_id: int, catalog_name: str
) -> None:
    """
    The customer pays as they go, and the grant says by which consent and catalogue version.
    """
    catalog = CATALOGS[catalog_name]
    trial = catalog.trial()[1]

    method = await attach_card(database, gateway, EventBus(), customer_id=customer_id)

    posting = await owner.fetchrow("SELECT * FROM ledger_postings WHERE source = 'trial_billing_added'")
    plan = await owner.fetchval("SELECT subscription_type FROM customers WHERE id = $1", customer_id)
    assert (method.brand, method.last4, method.is_default, method.removed_at) == ("visa", "4242", True, None)
    assert plan == catalog.pay_as_you_go()[0]
    assert await bonuses(owner) == [(customer_id, trial.payment_method_credits)]
    assert posting["consent_id"] == await owner.fetchval("SELECT id FROM consents")
    assert posting["catalog_version_id"] == await owner.fetchval("SELECT version_id FROM catalog_pins")
    assert await balance(owner, customer_id=customer_id) == trial.signup_credits + trial.payment_method_credits
    await sound(owner)


async def test_consent_is_written_down_as_evidence(
    database: Database, gateway: StripeGateway, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    What was said, by whom, when, from where, and for which card.
    """
    method = await attach_card(database, gateway, EventBus(), customer_id=customer_id)

    consent = await owner.fetchrow("SELECT * FROM consents")
    assert (consent["customer_id"], consent["payment_method_id"]) == (customer_id, method.id)
    assert (consent["text_version"], consent["currency"]) == ("2026-11", "usd")
    assert consent["fix_price_cents"] == max(plan.fix_price_cents or 0 for plan in CATALOGS["current"].plans.values())
    assert (consent["actor"], consent["ip"], consent["user_agent"]) == ("customer:api key 1", "192.0.2.7", "test")
    assert consent["given_at"] <= consent["recorded_at"]


async def test_others_are_told_in_the_same_transaction(
    database: Database, gateway: StripeGateway, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    Of the card and of the consent, in this order.
    """
    heard = Heard()

    method = await attach_card(database, gateway, heard.bus, customer_id=customer_id)

    consent_id = await owner.fetchval("SELECT id FROM consents")
    assert [type(event) for event in heard.events] == [PaymentMethodAdded, ConsentGiven]
    assert (heard.events[0].payment_method_id, heard.events[1].consent_id) == (method.id, consent_id)


async def test_stripe_is_told_which_card_is_the_default(
    database: Database, gateway: StripeGateway, twin: Twin, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    By a job that was promised with the card.
    """
    method = await attach_card(database, gateway, EventBus(), customer_id=customer_id)
    before = default_at_stripe(twin)

    await do_jobs(owner, database, gateway, EventBus(), kind="payment_method.make_default")

    assert (before, default_at_stripe(twin)) == ([None], [method.stripe_payment_method_id])


async def test_a_second_card_becomes_the_default_and_earns_nothing(
    database: Database, gateway: StripeGateway, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    The first stays, and the plan too.
    """
    first = await attach_card(database, gateway, EventBus(), customer_id=customer_id)
    before = await balance(owner, customer_id=customer_id)

    second = await attach_card(database, gateway, EventBus(), customer_id=customer_id, stripe_id="pm_card_mastercard")

    assert [(card["id"], card["is_default"]) for card in await cards_of(owner, customer_id)] == [
        (first.id, False),
        (second.id, True),
    ]
    assert await balance(owner, customer_id=customer_id) == before
    await sound(owner)


async def test_adding_a_card_again_only_writes_down_another_consent(
    database: Database, gateway: StripeGateway, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    So somebody agrees to new prices without entering the card anew.
    """
    heard = Heard()
    first = await attach_card(database, gateway, heard.bus, customer_id=customer_id)
    before = await balance(owner, customer_id=customer_id)

    again = await attach_card(
        database, gateway, heard.bus, customer_id=customer_id, stripe_id=first.stripe_payment_method_id
    )

    assert again == first
    assert (await count(owner, "payment_methods"), await count(owner, "consents")) == (1, 2)
    assert [type(event) for event in heard.events] == [PaymentMethodAdded, ConsentGiven, ConsentGiven]
    assert await balance(owner, customer_id=customer_id) == before


async def test_a_customer_who_pays_otherwise_keeps_their_plan(
    database: Database, gateway: StripeGateway, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    Only a trial ends with a card, and only who was on trial earns credits by it.
    """
    await owner.execute("UPDATE customers SET subscription_type = 'pro'")

    await attach_card(database, gateway, EventBus(), customer_id=customer_id)

    assert await owner.fetchval("SELECT subscription_type FROM customers") == "pro"
    assert await bonuses(owner) == []


async def two_with_one_card(database: Database, gateway: StripeGateway, first: int, second: int) -> None:
    """
    Have two customers add the card of the same number at the same moment.
    """
    await asyncio.gather(
        *(attach_card(database, gateway, EventBus(), customer_id=customer_id) for customer_id in (first, second))
    )


async def require_one_bonus(owner: asyncpg.Connection) -> None:
    """
    Demand that the card has earned credits once.
    """
    assert len(await bonuses(owner)) == 1


async def test_one_card_earns_credits_once_whoever_adds_it(
    database: Database, gateway: StripeGateway, owner: asyncpg.Connection, customer_id: int, other_id: int
) -> None:
    """
    Both have the card and pay as they go; one has the credits.
    """
    await two_with_one_card(database, gateway, customer_id, other_id)

    plans = await owner.fetch("SELECT DISTINCT subscription_type FROM customers")
    assert [row["subscription_type"] for row in plans] == ["pay_as_you_go"]
    assert await count(owner, "payment_methods") == 2
    await require_one_bonus(owner)
    await sound(owner)


async def test_planted_bug_without_the_key_over_fingerprints_both_have_the_credits(
    database: Database, gateway: StripeGateway, owner: asyncpg.Connection, customer_id: int, other_id: int
) -> None:
    """
    The check above notices.
    """
    await owner.execute("ALTER TABLE card_bonuses DROP CONSTRAINT card_bonuses_pkey")

    await two_with_one_card(database, gateway, customer_id, other_id)

    with pytest.raises(AssertionError):
        await require_one_bonus(owner)


async def test_twice_at_once_adds_once(
    database: Database, gateway: StripeGateway, twin: Twin, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    Both are told of the same card; while the first is on its way at Stripe, the other is asked to come again.
    """
    first = await attach_card(database, gateway, EventBus(), customer_id=customer_id)
    pm = await gateway.attach_payment_method(
        "pm_card_mastercard", stripe_customer_id=attached(twin).pop()[0], key="elsewhere"
    )

    answers = await asyncio.gather(
        *(attach_card(database, gateway, EventBus(), customer_id=customer_id, stripe_id=pm.id) for _ in range(6)),
        return_exceptions=True,
    )

    told = {answer.id for answer in answers if not isinstance(answer, GatewayUnavailable)}
    assert len(told) == 1
    assert told.isdisjoint({first.id})
    assert [card["is_default"] for card in await cards_of(owner, customer_id)] == [False, True]
    await require_one_bonus(owner)


class Died(Exception):
    """
    The process ended here.
    """


@pytest.mark.parametrize("point", [PaymentMethodAdded, ConsentGiven], ids=lambda point: point.__name__)
async def test_dying_half_way_leaves_nothing_and_a_repeat_adds_it_once(
    database: Database, gateway: StripeGateway, twin: Twin, owner: asyncpg.Connection, customer_id: int, point: type
) -> None:
    """
    The card is attached at Stripe, and nothing is here; the same request again finds it there.
    """
    dying = EventBus()

    async def die(connection: Connection, event: object) -> None:
        raise Died

    dying.subscribe(point, die)
    with pytest.raises(Died):
        await attach_card(database, gateway, dying, customer_id=customer_id)
    left = [await count(owner, table) for table in ("payment_methods", "consents", "card_bonuses")]

    method = await attach_card(database, gateway, EventBus(), customer_id=customer_id)

    assert left == [0, 0, 0]
    assert attached(twin) == {(twin.store.all("customer")[0]["id"], method.stripe_payment_method_id)}
    await require_one_bonus(owner)
    await sound(owner)


async def test_a_declined_card_is_not_added(
    database: Database, gateway: StripeGateway, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    The bank's words are told, and nothing is written.
    """
    with pytest.raises(CardDeclined) as declined:
        await attach_card(
            database,
            gateway,
            EventBus(),
            customer_id=customer_id,
            stripe_id="pm_card_visa_chargeDeclinedInsufficientFunds",
        )

    assert declined.value.decline["code"] == "card_declined"
    assert declined.value.decline["decline_code"] == "insufficient_funds"
    assert (await count(owner, "payment_methods"), await count(owner, "consents")) == (0, 0)


async def test_a_card_that_nobody_knows_is_refused(
    database: Database, gateway: StripeGateway, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    As the caller's mistake, by the name of the field.
    """
    with pytest.raises(PaymentMethodUnusable) as refused:
        await attach_card(database, gateway, EventBus(), customer_id=customer_id, stripe_id="pm_nobodys")

    assert list(refused.value.fields) == ["stripe_payment_method_id"]
    assert await count(owner, "payment_methods") == 0


async def test_another_customers_card_is_refused(
    database: Database, gateway: StripeGateway, owner: asyncpg.Connection, customer_id: int, other_id: int
) -> None:
    """
    It stays theirs, and the refusal is the one for a card that nobody knows.
    """
    theirs = await attach_card(database, gateway, EventBus(), customer_id=other_id)

    with pytest.raises(PaymentMethodUnusable):
        await attach_card(
            database, gateway, EventBus(), customer_id=customer_id, stripe_id=theirs.stripe_payment_method_id
        )

    assert [row["customer_id"] for row in await owner.fetch("SELECT customer_id FROM payment_methods")] == [other_id]


async def test_a_removed_card_cannot_be_added_again(
    database: Database, gateway: StripeGateway, twin: Twin, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    Also while Stripe would still repeat the answer of long ago: it is not asked.
    """
    method = await attach_card(database, gateway, EventBus(), customer_id=customer_id)
    async with database.transaction() as connection:
        await remove(
            connection,
            EventBus(),
            customer_id=customer_id,
            payment_method_id=method.id,
            actor=SYSTEM,
            now=clock.now(),
        )
    twin.faults.plan([Fault("refused", times=None)])

    with pytest.raises(PaymentMethodUnusable):
        await attach_card(
            database, gateway, EventBus(), customer_id=customer_id, stripe_id=method.stripe_payment_method_id
        )

    assert (await count(owner, "payment_methods"), await count(owner, "consents")) == (1, 1)


async def test_a_new_card_after_the_last_was_removed_earns_nothing(
    database: Database, gateway: StripeGateway, twin: Twin, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    Credits are for the first ever; the new card is another one at Stripe, too.
    """
    method = await attach_card(database, gateway, EventBus(), customer_id=customer_id)
    async with database.transaction() as connection:
        await remove(
            connection,
            EventBus(),
            customer_id=customer_id,
            payment_method_id=method.id,
            actor=SYSTEM,
            now=clock.now(),
        )
    await do_jobs(owner, database, gateway, EventBus(), kind="payment_method.detach")

    again = await attach_card(database, gateway, EventBus(), customer_id=customer_id)

    assert again.stripe_payment_method_id != method.stripe_payment_method_id
    assert {pm for _, pm in attached(twin)} == {again.stripe_payment_method_id}
    await require_one_bonus(owner)


async def test_what_is_no_card_is_refused(
    database: Database, gateway: StripeGateway, twin: Twin, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    By the name of the field; nothing is added here.
    """
    method = await gateway.attach_payment_method(
        "pm_card_visa",
        stripe_customer_id=await ensure_stripe_customer(database, gateway, customer_id=customer_id),
        key="elsewhere",
    )
    turn_into_link(twin, method.id)

    with pytest.raises(PaymentMethodUnusable) as refused:
        await attach_card(database, gateway, EventBus(), customer_id=customer_id, stripe_id=method.id)

    assert refused.value.fields == {"stripe_payment_method_id": ["is not a card"]}
    assert await count(owner, "payment_methods") == 0


async def test_a_card_without_a_fingerprint_earns_nothing(
    database: Database, gateway: StripeGateway, twin: Twin, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    Nobody could say whether it has earned credits before; it ends the trial all the same.
    """
    stripe_customer_id = await ensure_stripe_customer(database, gateway, customer_id=customer_id)
    method = await gateway.attach_payment_method("pm_card_visa", stripe_customer_id=stripe_customer_id, key="elsewhere")
    with twin.store.unit():
        twin.account.edit("payment_method", method.id)["card"]["fingerprint"] = None

    await attach_card(database, gateway, EventBus(), customer_id=customer_id, stripe_id=method.id)

    assert await bonuses(owner) == []
    assert await owner.fetchval("SELECT subscription_type FROM customers") == "pay_as_you_go"
