"""
Events about cards and customers: pages that were filled in, cards that were renewed or taken away, customers deleted.
"""

import asyncpg
import pytest

from billing_events.postroom import Postroom
from charges.stage import NOW, declared
from factories.cards import open_page, type_card
from factories.paying import attached, cards_of
from rsolv import card_setups, payment_methods
from rsolv.payment_methods import find_known, settle_method
from stripe_twin.core import Record
from stripe_twin.core.exchange import Request

COMPLETED, EXPIRED, SAVED = "checkout.session.completed", "checkout.session.expired", "setup_intent.succeeded"
DETACHED, RENEWED = "payment_method.detached", "payment_method.automatically_updated"


async def opened(postroom: Postroom) -> card_setups.CardSetup:
    """
    Send acme to a page.
    """
    stage = postroom.stage
    return await open_page(stage.database, stage.gateway, customer_id=stage.customer_id, now=NOW)


async def setup_of(postroom: Postroom, setup: card_setups.CardSetup) -> card_setups.CardSetup:
    """
    Return a setup as it is.
    """
    async with postroom.stage.database.reading() as connection:
        return await card_setups.get_setup(connection, customer_id=postroom.stage.customer_id, card_setup_id=setup.id)


async def renew(postroom: Postroom, stripe_id: str) -> Record:
    """
    Have a card's network renew it, and return it as Stripe then has it.
    """
    path = f"/_twin/payment_methods/{stripe_id}/renew"
    answer = await postroom.stage.twin.respond(Request(method="POST", path=path, headers={}, body=b""))
    assert answer.status == 200, answer.body
    return postroom.stage.twin.account.get("payment_method", stripe_id)


async def detach_elsewhere(postroom: Postroom, stripe_id: str) -> None:
    """
    Take a card away at Stripe, as somebody does in its dashboard.
    """
    await postroom.stage.gateway.detach_payment_method(stripe_id, key=f"dashboard {stripe_id}")


@pytest.mark.parametrize("told", [(COMPLETED,), (SAVED,), (COMPLETED, SAVED), (SAVED, COMPLETED)], ids="+".join)
async def test_a_card_entered_on_a_page_is_added_by_its_events(
    postroom: Postroom, owner: asyncpg.Connection, told: tuple[str, ...]
) -> None:
    """
    Nobody came back from the page; one event is enough, and the other one changes nothing more.
    """
    setup = await opened(postroom)
    type_card(postroom.stage.twin, setup)

    outcomes = [await postroom.deliver(each) for each in told]

    assert outcomes == [{each: ("processed", None)} for each in told]
    assert (await setup_of(postroom, setup)).state == "completed"
    assert len(await cards_of(owner, postroom.stage.customer_id)) == 2
    assert await postroom.breaches() == []


async def test_a_page_that_expired_ends_by_its_event(postroom: Postroom) -> None:
    """
    Its consent is never used.
    """
    setup = await opened(postroom)
    postroom.stage.twin.account.advance(postroom.stage.twin.account.now + 25 * 3_600)

    outcomes = await postroom.deliver(EXPIRED)

    assert outcomes == {EXPIRED: ("processed", None)}
    assert (await setup_of(postroom, setup)).state == "expired"


async def test_an_event_of_a_page_that_was_never_shown_changes_nothing(
    postroom: Postroom, owner: asyncpg.Connection
) -> None:
    """
    Its address was never stored, so nobody can have been there; nor is a customer of others anybody here.
    """
    setup = await opened(postroom)
    type_card(postroom.stage.twin, setup)
    [intent], [customer] = postroom.told(SAVED), postroom.told("customer.created")
    lost = await owner.fetchval(
        """
        INSERT INTO card_setups (customer_id, key, stripe_customer_id, text_version, catalog_version_id, currency,
                                 fix_price_cents, actor, opened_at)
        SELECT customer_id, 'lost', stripe_customer_id, text_version, catalog_version_id, currency, fix_price_cents,
               actor, opened_at
        FROM card_setups WHERE id = $1 RETURNING id
        """,
        setup.id,
    )
    marked = {**intent["data"]["object"]["metadata"], "rsolv_card_setup_id": str(lost)}
    other = {**customer["data"]["object"], "id": "cus_other"}

    events = [
        await postroom.handle(
            await postroom.receive(intent, data={"object": {**intent["data"]["object"], "metadata": marked}})
        ),
        await postroom.handle(await postroom.receive(customer, type="customer.deleted", data={"object": other})),
    ]

    assert [(event.outcome, event.reason) for event in events] == [("ignored", "nothing_yet"), ("ignored", "not_ours")]


async def test_what_is_no_mark_of_ours_leads_nowhere(postroom: Postroom) -> None:
    """
    Whatever somebody else wrote into their metadata.
    """
    setup = await opened(postroom)
    type_card(postroom.stage.twin, setup)
    [intent] = postroom.told(SAVED)
    marks = {"rsolv_customer_id": "seven", "rsolv_card_setup_id": "9" * 40}

    event = await postroom.handle(
        await postroom.receive(intent, data={"object": {**intent["data"]["object"], "metadata": marks}})
    )

    assert (event.outcome, event.reason) == ("ignored", "not_ours")


async def test_a_page_of_others_is_ignored(postroom: Postroom) -> None:
    """
    Neither its id nor what it says of itself makes it ours.
    """
    setup = await opened(postroom)
    type_card(postroom.stage.twin, setup)
    [session], [intent] = postroom.told(COMPLETED), postroom.told(SAVED)
    other = {**session["data"]["object"], "id": "cs_test_other"}
    marked = {**intent["data"]["object"], "metadata": {"rsolv_customer_id": "7", "rsolv_card_setup_id": "99"}}

    events = [
        await postroom.handle(await postroom.receive(session, data={"object": other})),
        await postroom.handle(await postroom.receive(intent, data={"object": marked})),
    ]

    assert [(event.outcome, event.reason) for event in events] == [("ignored", "not_ours")] * 2
    assert (await setup_of(postroom, setup)).state == "open"


async def test_a_page_that_is_not_what_we_opened_is_parked_after_the_last_try(postroom: Postroom) -> None:
    """
    Nothing of it is believed, and somebody is told.
    """
    setup = await opened(postroom)
    type_card(postroom.stage.twin, setup)
    with postroom.stage.twin.store.unit():
        postroom.stage.twin.account.edit("checkout.session", setup.stripe_card_setup_id or "")["metadata"] = {}

    [event_id] = await postroom.take_in(COMPLETED)
    event = await postroom.finish(event_id)

    assert (event.outcome, event.reason, event.attempts) == ("parked", "CardSetupMixedUp", 10)
    assert (await setup_of(postroom, setup)).state == "open"
    assert await postroom.audited("billing_event:parked") == [(postroom.stage.customer_id, f"billing_event {event_id}")]


async def test_a_renewed_card_shows_its_new_dates(postroom: Postroom, owner: asyncpg.Connection) -> None:
    """
    Its network renewed it; nothing else about it changes.
    """
    [before] = await cards_of(owner, postroom.stage.customer_id)
    renewed = await renew(postroom, before["stripe_payment_method_id"])

    outcomes = await postroom.deliver(RENEWED)

    [after] = await cards_of(owner, postroom.stage.customer_id)
    assert outcomes == {RENEWED: ("processed", None)}
    assert after["expires_year"] == renewed["card"]["exp_year"] != before["expires_year"]
    assert (after["id"], after["is_default"]) == (before["id"], True)


async def test_a_card_that_was_detached_elsewhere_is_removed_here(
    postroom: Postroom, owner: asyncpg.Connection
) -> None:
    """
    It could not be charged any more; the other one is charged from now on.
    """
    [first] = await cards_of(owner, postroom.stage.customer_id)
    second = await postroom.stage.add_card("pm_card_mastercard")
    await detach_elsewhere(postroom, second.stripe_payment_method_id)

    outcomes = await postroom.deliver(DETACHED)

    kept, removed = await cards_of(owner, postroom.stage.customer_id)
    assert outcomes == {DETACHED: ("processed", None)}
    assert (kept["id"], kept["is_default"]) == (first["id"], True)
    assert removed["removed_at"] is not None


async def test_the_last_card_is_kept_while_something_is_owed_and_somebody_is_told(
    postroom: Postroom, owner: asyncpg.Connection
) -> None:
    """
    Once there is another card, the parked event is replayed, and the old one goes.
    """
    [first] = await cards_of(owner, postroom.stage.customer_id)
    await postroom.stage.fix()
    await detach_elsewhere(postroom, first["stripe_payment_method_id"])

    [event_id] = await postroom.take_in(DETACHED)
    parked = await postroom.handle(event_id)
    kept = await cards_of(owner, postroom.stage.customer_id)
    await postroom.stage.add_card("pm_card_mastercard")
    await postroom.replay(event_id)
    replayed = await postroom.handle(event_id)

    assert (parked.outcome, parked.reason) == ("parked", "payment_owed")
    assert [card["removed_at"] for card in kept] == [None]
    assert replayed.outcome == "processed"
    assert [card["removed_at"] is None for card in await cards_of(owner, postroom.stage.customer_id)] == [False, True]


async def test_what_we_removed_ourselves_stays_removed(postroom: Postroom, owner: asyncpg.Connection) -> None:
    """
    Also when an event from before tells that it was attached or renewed.
    """
    [card] = await cards_of(owner, postroom.stage.customer_id)
    await renew(postroom, card["stripe_payment_method_id"])
    async with postroom.stage.database.transaction() as connection:
        await payment_methods.remove(
            connection,
            postroom.stage.bus,
            customer_id=postroom.stage.customer_id,
            payment_method_id=card["id"],
            actor=declared().actor,
            now=NOW,
        )

    outcomes = await postroom.deliver(RENEWED, "payment_method.attached")

    [after] = await cards_of(owner, postroom.stage.customer_id)
    assert set(outcomes.values()) == {("processed", None)}
    assert after["removed_at"] is not None
    assert attached(postroom.stage.twin) != set()


async def test_a_card_without_consent_is_not_added(postroom: Postroom, owner: asyncpg.Connection) -> None:
    """
    Attached by somebody in Stripe's dashboard: nobody agreed to be charged by it.
    """
    [customer] = postroom.stage.twin.store.all("customer")
    await postroom.deliver()
    await postroom.stage.gateway.attach_payment_method(
        "pm_card_mastercard", stripe_customer_id=customer["id"], key="dashboard"
    )

    outcomes = await postroom.deliver()

    assert outcomes["payment_method.attached"] == ("ignored", "not_ours")
    assert len(await cards_of(owner, postroom.stage.customer_id)) == 1


async def test_an_older_reading_of_a_card_never_undoes_a_newer_one(
    postroom: Postroom, owner: asyncpg.Connection
) -> None:
    """
    Two workers read, the card was renewed between, and the one who read first believes last: it is sent to read again.
    """
    stage = postroom.stage
    [card] = await cards_of(owner, stage.customer_id)
    stripe_id = card["stripe_payment_method_id"]
    async with stage.database.reading() as connection:
        known = await find_known(connection, stripe_payment_method_id=stripe_id)
    assert known is not None
    older = await stage.gateway.read_payment_method(stripe_id)
    await renew(postroom, stripe_id)
    await postroom.deliver(RENEWED)

    with pytest.raises(payment_methods.PaymentMethodMoved):
        async with stage.database.transaction() as connection:
            await settle_method(connection, stage.bus, known, older, now=NOW)

    [after] = await cards_of(owner, stage.customer_id)
    assert after["expires_year"] != card["expires_year"]


async def test_a_card_that_is_another_customers_at_stripe_is_parked(
    postroom: Postroom, owner: asyncpg.Connection
) -> None:
    """
    That cannot be; so somebody looks, and nothing changes.
    """
    [card] = await cards_of(owner, postroom.stage.customer_id)
    with postroom.stage.twin.store.unit():
        postroom.stage.twin.account.edit("payment_method", card["stripe_payment_method_id"])["customer"] = "cus_other"

    outcomes = await postroom.deliver("payment_method.attached")

    assert outcomes == {"payment_method.attached": ("parked", "PaymentMethodMixedUp")}
    assert await cards_of(owner, postroom.stage.customer_id) == [card]


async def test_a_customer_deleted_at_stripe_is_parked_with_their_id(postroom: Postroom) -> None:
    """
    No charge of theirs can work from now on, which only a person can cure.
    """
    [customer] = postroom.stage.twin.store.all("customer")
    await postroom.at_stripe("DELETE", f"/v1/customers/{customer['id']}")

    [event_id] = await postroom.take_in("customer.deleted")
    event = await postroom.handle(event_id)

    assert (event.outcome, event.reason) == ("parked", "customer_deleted_at_stripe")
    assert event.customer_id == postroom.stage.customer_id
    assert await postroom.audited("billing_event:parked") == [(postroom.stage.customer_id, f"billing_event {event_id}")]
