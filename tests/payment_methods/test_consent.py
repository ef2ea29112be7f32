"""
Consent is evidence: it covers what it named, until it is withdrawn.
"""

from datetime import UTC, datetime

import asyncpg
import pytest

from factories.cards import attach_card, declare
from factories.customers import set_balance
from factories.paying import Heard, count
from rsolv.catalog import get_pinned
from rsolv.db import Database
from rsolv.kernel.events import EventBus
from rsolv.payment_methods import (
    ConsentWithdrawn,
    find_consent,
    find_covering_consent,
    offer_consent,
    withdraw_consent,
)
from rsolv.stripe_gateway import StripeGateway
from rsolv.usage import summarise

NOW = datetime(2026, 12, 15, tzinfo=UTC)

pytestmark = pytest.mark.parametrize("catalog_name", ["current", "draft"])

COVERING_WITHDRAWN_TOO = """
SELECT id FROM consents WHERE customer_id = $1 AND currency = 'usd' AND fix_price_cents >= 1
"""


async def covers(database: Database, customer_id: int, amount_cents: int, currency: str = "usd") -> bool:
    """
    Say whether a charge of so much would be covered.
    """
    async with database.reading() as connection:
        found = await find_covering_consent(
            connection, customer_id=customer_id, amount_cents=amount_cents, currency=currency
        )
    return found is not None


async def highest(database: Database, customer_id: int) -> int:
    """
    Return the price that a customer is asked to agree to.
    """
    async with database.reading() as connection:
        return (await offer_consent(connection, customer_id=customer_id)).fix_price_cents


async def withdrawn(database: Database, customer_id: int, bus: EventBus | None = None) -> int:
    """
    Withdraw in a transaction of its own.
    """
    async with database.transaction() as connection:
        return await withdraw_consent(connection, bus or EventBus(), declare(NOW), customer_id=customer_id)


async def test_a_consent_covers_up_to_the_price_it_named(
    database: Database, gateway: StripeGateway, customer_id: int
) -> None:
    """
    Not a cent more, and not another currency.
    """
    price = await highest(database, customer_id)
    before = await covers(database, customer_id, 1)
    await attach_card(database, gateway, EventBus(), customer_id=customer_id)

    assert not before
    assert await covers(database, customer_id, price)
    assert not await covers(database, customer_id, price + 1)
    assert not await covers(database, customer_id, price, "eur")


async def test_a_consent_is_its_customers_alone(
    database: Database, gateway: StripeGateway, customer_id: int, other_id: int
) -> None:
    """
    Nobody is charged on another's word.
    """
    await attach_card(database, gateway, EventBus(), customer_id=other_id)

    assert not await covers(database, customer_id, 1)


async def test_a_withdrawn_consent_covers_nothing(
    database: Database, gateway: StripeGateway, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    The withdrawal is another row that names it, with who and when; a repeat adds none.
    """
    heard = Heard()
    await attach_card(database, gateway, EventBus(), customer_id=customer_id)

    counts = [await withdrawn(database, customer_id, heard.bus) for _ in range(2)]

    row = await owner.fetchrow("SELECT * FROM consents WHERE withdraws_consent_id IS NOT NULL")
    async with database.reading() as connection:
        assert await find_consent(connection, customer_id=customer_id) is None
    assert counts == [1, 0]
    assert not await covers(database, customer_id, 1)
    assert (row["given_at"], row["actor"], row["text_version"]) == (NOW, "customer:api key 1", None)
    assert await count(owner, "consents") == 2
    assert {type(event) for event in heard.events} == {ConsentWithdrawn}


async def test_planted_bug_a_question_that_forgot_withdrawals_would_find_it(
    database: Database, gateway: StripeGateway, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    The row of the consent is still there: only the withdrawal keeps it from covering.
    """
    await attach_card(database, gateway, EventBus(), customer_id=customer_id)
    await withdrawn(database, customer_id)

    assert await owner.fetch(COVERING_WITHDRAWN_TOO, customer_id) != []


async def test_every_consent_is_withdrawn_and_a_later_one_stands(
    database: Database, gateway: StripeGateway, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    Two before, one after: the later covers, and withdrawing it withdraws one.
    """
    method = await attach_card(database, gateway, EventBus(), customer_id=customer_id)
    again = method.stripe_payment_method_id
    await attach_card(database, gateway, EventBus(), customer_id=customer_id, stripe_id=again)
    first = await withdrawn(database, customer_id)
    await attach_card(database, gateway, EventBus(), customer_id=customer_id, stripe_id=again)

    async with database.reading() as connection:
        standing = await find_consent(connection, customer_id=customer_id)
    assert standing is not None
    assert standing.id == await owner.fetchval("SELECT max(id) FROM consents")
    assert await covers(database, customer_id, 1)
    assert (first, await withdrawn(database, customer_id)) == (2, 1)


async def test_raising_a_price_does_not_extend_a_consent(
    database: Database, gateway: StripeGateway, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    The customer is moved to a version that costs more: what they agreed to does not cover it.
    """
    await attach_card(database, gateway, EventBus(), customer_id=customer_id)
    old = await highest(database, customer_id)
    await owner.execute(
        """
        WITH dearer AS (
            INSERT INTO catalog_versions (effective_at, currency, low_credits, last_credits, fingerprint, applied_at)
            SELECT effective_at, currency, low_credits, last_credits, repeat('f', 64), now()
            FROM catalog_versions RETURNING id
        ), plans AS (
            INSERT INTO catalog_plans (version_id, plan, kind, label, monthly_price_cents, fix_price_cents)
            SELECT dearer.id, plan, kind, label, monthly_price_cents, fix_price_cents + 1 FROM catalog_plans, dearer
        )
        UPDATE catalog_pins SET version_id = dearer.id FROM dearer
        """
    )

    assert await highest(database, customer_id) == old + 1
    assert await covers(database, customer_id, old)
    assert not await covers(database, customer_id, old + 1)


async def test_usage_tells_whether_the_service_goes_on(
    database: Database, gateway: StripeGateway, customer_id: int
) -> None:
    """
    Without credits it does with a card and consent, and stops when the consent is withdrawn.
    """
    await attach_card(database, gateway, EventBus(), customer_id=customer_id)
    async with database.transaction() as connection:
        await set_balance(connection, customer_id=customer_id, credits=0)
        charged = await summarise(connection, customer_id=customer_id, now=NOW)
    await withdrawn(database, customer_id)
    async with database.reading() as connection:
        stopped = await summarise(connection, customer_id=customer_id, now=NOW)

    assert (charged.has_payment_method, charged.can_use_service) == (True, True)
    assert [warning.code for warning in charged.warnings] == ["no_credits"]
    assert (stopped.has_payment_method, stopped.can_use_service) == (True, False)
    assert [warning.code for warning in stopped.warnings] == ["no_billing_consent"]


async def test_the_offer_is_what_a_consent_would_be(
    database: Database, gateway: StripeGateway, customer_id: int
) -> None:
    """
    Same wording, currency and price, of the version that the customer is pinned to.
    """
    async with database.reading() as connection:
        offer = await offer_consent(connection, customer_id=customer_id)
        version = await get_pinned(connection, customer_id=customer_id)
    await attach_card(database, gateway, EventBus(), customer_id=customer_id)

    async with database.reading() as connection:
        given = await find_consent(connection, customer_id=customer_id)
    assert given is not None
    assert (given.text_version, given.currency) == (offer.text_version, offer.currency)
    assert (given.fix_price_cents, given.catalog_version_id) == (offer.fix_price_cents, version.id)
