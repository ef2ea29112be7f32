"""
Opening a hosted page: the consent is kept with it, Stripe is asked once, and nothing is lost with a closed tab.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import asyncpg
import pytest

from factories.cards import PAGE_URL, open_page
from factories.catalogs import CATALOGS
from factories.paying import count
from factories.stripe_wire import eventful_gateway
from rsolv.db import Database
from rsolv.idempotency import KeyReused, RequestInProgress
from rsolv.payment_methods.rules import highest_fix_price_cents
from rsolv.stripe_gateway import GatewayUnavailable, OutcomeUnknown, StripeGateway
from stripe_twin.core.faults import Fault
from stripe_twin.twin import Twin

NOW = datetime(2026, 12, 15, tzinfo=UTC)
KEY = sha256(b"caller's own").digest()


@pytest.mark.parametrize("catalog_name", ["current", "draft"])
async def test_a_page_is_opened_with_the_consent_given_for_it(
    database: Database,
    gateway: StripeGateway,
    twin: Twin,
    owner: asyncpg.Connection,
    customer_id: int,
    catalog_name: str,
) -> None:
    """
    Stripe leads back to our page with the id of its own; here stands what was agreed to.
    """
    setup = await open_page(database, gateway, customer_id=customer_id, now=NOW)

    theirs = twin.store.all("checkout.session")[0]
    row = await owner.fetchrow("SELECT * FROM card_setups")
    catalog = CATALOGS[catalog_name]
    assert (setup.url, setup.stripe_card_setup_id, setup.state) == (theirs["url"], theirs["id"], "open")
    assert theirs["success_url"] == PAGE_URL + "?setup={CHECKOUT_SESSION_ID}"
    assert theirs["cancel_url"] == PAGE_URL
    assert theirs["metadata"] == {"rsolv_customer_id": str(customer_id), "rsolv_card_setup_id": str(setup.id)}
    assert (row["currency"], row["fix_price_cents"]) == (catalog.currency, highest_fix_price_cents(catalog))
    assert (row["actor"], row["ip"], row["opened_at"]) == ("customer:api key 1", "192.0.2.7", NOW)


async def test_opening_a_page_is_no_consent_yet(
    database: Database, gateway: StripeGateway, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    It is one when a card has been saved there.
    """
    await open_page(database, gateway, customer_id=customer_id)

    assert (await count(owner, "consents"), await count(owner, "payment_methods")) == (0, 0)


async def test_who_leaves_the_page_goes_back_where_they_wanted(
    database: Database, gateway: StripeGateway, twin: Twin, customer_id: int
) -> None:
    """
    Stripe puts no id into that address, so it is the customer's own.
    """
    await open_page(database, gateway, customer_id=customer_id, return_url="https://shop.example/back")

    theirs = twin.store.all("checkout.session")[0]
    assert theirs["cancel_url"] == "https://shop.example/back"
    assert theirs["success_url"].startswith(PAGE_URL)


async def test_a_repeat_under_the_callers_key_leads_to_the_same_page(
    database: Database, gateway: StripeGateway, twin: Twin, customer_id: int
) -> None:
    """
    Within 23 hours; later, and under another key or none, it is another page.
    """
    first = await open_page(database, gateway, customer_id=customer_id, now=NOW, caller_key_hash=KEY)
    soon = NOW + timedelta(hours=22, minutes=59)
    again = await open_page(database, gateway, customer_id=customer_id, now=soon, caller_key_hash=KEY)
    late = NOW + timedelta(hours=23)
    others = [
        await open_page(database, gateway, customer_id=customer_id, now=late, caller_key_hash=KEY),
        await open_page(database, gateway, customer_id=customer_id, now=NOW, caller_key_hash=sha256(b"x").digest()),
        await open_page(database, gateway, customer_id=customer_id, now=NOW),
    ]

    assert again == first
    assert len({first.url, *(other.url for other in others)}) == 4
    assert twin.store.count("checkout.session") == 4


async def test_a_key_is_its_customers_own(
    database: Database, gateway: StripeGateway, customer_id: int, other_id: int
) -> None:
    """
    Another customer who happens to use the same one has a page of their own.
    """
    first = await open_page(database, gateway, customer_id=customer_id, caller_key_hash=KEY)
    other = await open_page(database, gateway, customer_id=other_id, caller_key_hash=KEY)

    assert first.url != other.url


async def test_a_key_used_for_another_request_is_refused(
    database: Database, gateway: StripeGateway, twin: Twin, customer_id: int
) -> None:
    """
    The answer would lead somewhere else than asked.
    """
    await open_page(database, gateway, customer_id=customer_id, caller_key_hash=KEY)

    with pytest.raises(KeyReused):
        await open_page(
            database, gateway, customer_id=customer_id, caller_key_hash=KEY, return_url="https://shop.example"
        )

    assert twin.store.count("checkout.session") == 1


async def test_a_lost_answer_is_found_again_under_the_callers_key(
    database: Database, gateway: StripeGateway, twin: Twin, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    The key for Stripe was stored before it was asked: there is one page.
    """
    twin.faults.plan([Fault("timeout_after", method="POST", template="/v1/checkout/sessions")])
    with pytest.raises(OutcomeUnknown):
        await open_page(database, gateway, customer_id=customer_id, caller_key_hash=KEY)

    setup = await open_page(database, gateway, customer_id=customer_id, caller_key_hash=KEY)

    assert [session["id"] for session in twin.store.all("checkout.session")] == [setup.stripe_card_setup_id]
    assert await count(owner, "card_setups") == 1


async def test_planted_bug_with_stripes_memory_off_a_repeat_opens_a_second_page(
    database: Database, gateway: StripeGateway, twin: Twin, customer_id: int
) -> None:
    """
    The test above would fail: the key is what makes the two one. What is noted here is one page all the same.
    """
    twin.api.keys.is_on = False
    twin.faults.plan([Fault("timeout_after", method="POST", template="/v1/checkout/sessions")])
    with pytest.raises(OutcomeUnknown):
        await open_page(database, gateway, customer_id=customer_id, caller_key_hash=KEY)

    await open_page(database, gateway, customer_id=customer_id, caller_key_hash=KEY)

    assert twin.store.count("checkout.session") == 2


async def test_a_repeat_while_the_first_is_on_its_way_is_told_so(
    database: Database, gateway: StripeGateway, twin: Twin, customer_id: int
) -> None:
    """
    Stripe is still at it, under the same key.
    """
    await open_page(database, gateway, customer_id=customer_id)  # makes the customer known
    twin.faults.latency_seconds = 0.05

    answers = await asyncio.gather(
        *(open_page(database, gateway, customer_id=customer_id, now=NOW, caller_key_hash=KEY) for _ in range(5)),
        return_exceptions=True,
    )

    opened = {answer.url for answer in answers if not isinstance(answer, BaseException)}
    refused = {type(answer) for answer in answers if isinstance(answer, BaseException)}
    assert len(opened) == 1
    assert refused <= {RequestInProgress}
    assert twin.store.count("checkout.session") == 2


async def test_other_trouble_at_stripe_is_not_taken_for_a_repeat(
    database: Database, gateway: StripeGateway, twin: Twin, customer_id: int
) -> None:
    """
    A limit, say.
    """
    twin.faults.plan([Fault("rate_limited", method="POST", template="/v1/checkout/sessions")])

    with pytest.raises(GatewayUnavailable):
        await open_page(database, gateway, customer_id=customer_id, caller_key_hash=KEY)


async def test_the_promise_to_look_is_made_before_stripe_is_asked(
    database: Database, twin: Twin, owner: asyncpg.Connection, customer_id: int
) -> None:
    """
    With the row that has the key, and in its transaction.
    """
    seen: list[tuple[int, int]] = []

    async def look() -> None:
        jobs = await owner.fetchval("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'card_setup.look'")
        seen.append((jobs, await count(owner, "card_setups")))

    async with eventful_gateway(twin, "POST", "/v1/checkout/sessions", look) as gateway:
        await open_page(database, gateway, customer_id=customer_id)

    assert seen == [(1, 1)]
