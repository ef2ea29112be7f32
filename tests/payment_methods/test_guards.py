"""
What the database refuses when the code is bypassed, and what the application may not do at all.
"""

import asyncpg
import pytest

from factories.cards import attach_card, declare, fulfil, open_page, type_card
from rsolv.audit import SYSTEM
from rsolv.db import Database
from rsolv.kernel import clock
from rsolv.kernel.events import EventBus
from rsolv.payment_methods import remove, withdraw_consent
from rsolv.stripe_gateway import StripeGateway
from stripe_twin.twin import Twin

COPY_OF_A_CONSENT = """
INSERT INTO consents (customer_id, withdraws_consent_id, actor, given_at)
SELECT customer_id, withdraws_consent_id, actor, given_at FROM consents WHERE withdraws_consent_id IS NOT NULL
"""
COPY_OF_A_CARD = """
INSERT INTO payment_methods (customer_id, stripe_payment_method_id, brand, last4, expires_month, expires_year,
                             is_default, added_at)
SELECT customer_id, {stripe_id}, brand, last4, expires_month, expires_year, {is_default}, added_at
FROM payment_methods WHERE is_default
"""


@pytest.fixture
async def history(
    database: Database, gateway: StripeGateway, twin: Twin, owner: asyncpg.Connection, customer_id: int
) -> asyncpg.Connection:
    """
    A customer with a card from a page, a removed one, a setup that is open, and a consent withdrawn.
    """
    bus = EventBus()
    gone = await attach_card(database, gateway, bus, customer_id=customer_id, stripe_id="pm_card_mastercard")
    async with database.transaction() as connection:
        await remove(connection, bus, customer_id=customer_id, payment_method_id=gone.id, actor=SYSTEM, now=clock.now())
        await withdraw_consent(connection, bus, declare(), customer_id=customer_id)
    setup = await open_page(database, gateway, customer_id=customer_id)
    type_card(twin, setup)
    await fulfil(database, gateway, bus, setup)
    await open_page(database, gateway, customer_id=customer_id)
    return owner


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        (COPY_OF_A_CARD.format(stripe_id="'pm_other'", is_default="true"), "payment_methods_one_default"),
        (
            COPY_OF_A_CARD.format(stripe_id="stripe_payment_method_id", is_default="false"),
            "payment_methods_once",
        ),
        ("UPDATE payment_methods SET removed_at = now() WHERE is_default", "payment_methods_removed_is_no_default"),
        ("UPDATE payment_methods SET removed_at = NULL", None),
        ("UPDATE payment_methods SET last4 = '4242424242424242' WHERE is_default", "payment_methods_last4_form"),
        ("DELETE FROM payment_methods", None),
        ("UPDATE consents SET fix_price_cents = 1000000", None),
        ("DELETE FROM consents", None),
        (COPY_OF_A_CONSENT, "consents_withdrawn_once"),
        (
            "INSERT INTO consents (customer_id, actor, given_at) SELECT id, 'customer', now() FROM customers",
            "consents_give_or_withdraw",
        ),
        ("UPDATE card_setups SET state = 'open', ended_at = NULL, payment_method_id = NULL", None),
        ("UPDATE card_setups SET fix_price_cents = 1 WHERE state = 'open'", None),
        ("UPDATE card_setups SET stripe_card_setup_id = 'cs_other' WHERE state = 'open'", None),
        ("UPDATE card_setups SET ended_at = now() WHERE state = 'open'", "card_setups_ended_when_not_open"),
        (
            "UPDATE card_setups SET payment_method_id = (SELECT max(id) FROM payment_methods) WHERE state = 'open'",
            "card_setups_method_of_completed",
        ),
        ("DELETE FROM card_setups", None),
        ("UPDATE stripe_card_setups SET stripe_card_setup_id = 'cs_other'", None),
        ("DELETE FROM card_bonuses", None),
        ("INSERT INTO card_bonuses SELECT fingerprint, 0, now() FROM card_bonuses", "card_bonuses_pkey"),
        (
            "INSERT INTO card_bonuses SELECT 'another', customer_id, now() FROM card_bonuses",
            "card_bonuses_once_per_customer",
        ),
    ],
)
async def test_the_database_refuses_what_the_code_would_not_do(
    history: asyncpg.Connection, statement: str, constraint: str | None
) -> None:
    """
    A second default, a card or setup that comes back, evidence that is touched: each is refused, its owner too.
    """
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
        await history.execute(statement)

    assert refused.value.constraint_name == constraint


@pytest.mark.parametrize("table", ["consents", "stripe_card_setups", "card_bonuses"])
async def test_the_application_has_no_right_to_change_what_only_grows(database: Database, table: str) -> None:
    """
    Beside the triggers, its role may not.
    """
    async with database.reading() as connection:
        may = "SELECT has_table_privilege('rsolv_app', $1, 'UPDATE, DELETE')"
        assert not await connection.fetchval(may, table)


async def test_planted_bug_without_its_index_a_customer_would_have_two_defaults(history: asyncpg.Connection) -> None:
    """
    The statement that the first guard refuses goes through once it is dropped.
    """
    await history.execute("DROP INDEX payment_methods_one_default")
    await history.execute(COPY_OF_A_CARD.format(stripe_id="'pm_other'", is_default="true"))

    assert await history.fetchval("SELECT count(*) FROM payment_methods WHERE is_default") == 2
