"""
Nothing depends on deliveries: what happened is listed, and settles all the same.
"""

from datetime import datetime, timedelta

import asyncpg
import pytest

from billing_events.postroom import Postroom
from billing_events.test_cards import detach_elsewhere, opened, setup_of
from billing_events.test_payments import paid_unseen
from charges.stage import NOW
from factories.cards import type_card
from factories.paying import cards_of
from rsolv.billing_events.jobs import poll
from rsolv.stripe_gateway import GatewayUnavailable
from stripe_twin.core.faults import Fault

FIVE_MINUTES = timedelta(minutes=5)


async def polled(postroom: Postroom, at: datetime = NOW) -> int:
    """
    Poll once and handle what is new.
    """
    count = await poll(postroom.stage.database, postroom.stage.gateway, now=at)
    rows = await postroom.stage.owner.fetch("SELECT id FROM billing_events WHERE outcome = 'waiting' ORDER BY id")
    for row in rows:
        await postroom.finish(row["id"], at=at)
    return count


async def test_with_every_delivery_lost_all_settles_within_two_polls(
    postroom: Postroom, owner: asyncpg.Connection
) -> None:
    """
    A charge whose worker died, a page from which nobody came back, a card that was taken away elsewhere.
    """
    charge_id = await paid_unseen(postroom)
    await postroom.stage.add_card("pm_card_mastercard")
    first, *_ = await cards_of(owner, postroom.stage.customer_id)
    await detach_elsewhere(postroom, first["stripe_payment_method_id"])
    setup = await opened(postroom)
    type_card(postroom.stage.twin, setup)

    for number in range(2):
        await polled(postroom, NOW + number * FIVE_MINUTES)

    assert (await postroom.stage.charge(charge_id)).state == "succeeded"
    assert len(postroom.stage.paid()) == 1
    assert (await setup_of(postroom, setup)).state == "completed"
    assert (await cards_of(owner, postroom.stage.customer_id))[0]["removed_at"] is not None
    assert await postroom.breaches() == []


async def test_what_is_stored_already_is_not_new(postroom: Postroom) -> None:
    """
    However it came; the two hours before the last poll's end are listed again each time.
    """
    await postroom.take_in("payment_method.attached")
    await paid_unseen(postroom)

    first, second = await polled(postroom), await polled(postroom, NOW + FIVE_MINUTES)

    assert (first, second) == (1, 0)


async def test_an_event_that_is_listed_late_is_found_by_the_overlap(
    postroom: Postroom, owner: asyncpg.Connection
) -> None:
    """
    The last poll saw what happened after it, and not this one.
    """
    await paid_unseen(postroom)
    await owner.execute("INSERT INTO billing_event_polls (listed_until) VALUES ($1)", NOW + timedelta(hours=1))

    assert await polled(postroom) == 2


async def test_a_poll_goes_on_from_where_the_last_one_ended(postroom: Postroom, owner: asyncpg.Connection) -> None:
    """
    Not from the newest event that was delivered: what was lost before it would never be found.
    """
    await polled(postroom)
    await owner.execute("UPDATE billing_event_polls SET listed_until = $1", NOW + timedelta(hours=3))
    await paid_unseen(postroom)

    later = await polled(postroom)
    await owner.execute("UPDATE billing_event_polls SET listed_until = $1", NOW)

    assert (later, await polled(postroom)) == (0, 1)


async def test_a_poll_that_fails_half_way_moves_nothing_on(postroom: Postroom, owner: asyncpg.Connection) -> None:
    """
    What it listed is stored, and the next one lists the same time again.
    """
    charge_ids = [await paid_unseen(postroom) for _ in range(2)]
    postroom.stage.twin.faults.plan([Fault("refused", template="/v1/events", times=None)])

    with pytest.raises(GatewayUnavailable):
        await polled(postroom)
    listed_until = await owner.fetchval("SELECT listed_until FROM billing_event_polls")
    postroom.stage.twin.faults.clear()
    await polled(postroom)

    assert listed_until is None
    assert [(await postroom.stage.charge(each)).state for each in charge_ids] == ["succeeded"] * 2


async def test_a_poll_of_more_than_a_page_stores_each_once(postroom: Postroom, owner: asyncpg.Connection) -> None:
    """
    Older events get the lower ids, page by page.
    """
    [customer] = postroom.stage.twin.store.all("customer")
    for number in range(120):
        made = await postroom.stage.gateway.create_payment(
            stripe_customer_id=customer["id"],
            amount_cents=700,
            currency="usd",
            payment_method_id=None,
            description="something else",
            metadata={},
            key=f"payment {number}",
        )
        await postroom.stage.gateway.cancel_payment(made.id, key=f"cancel {number}")

    assert await poll(postroom.stage.database, postroom.stage.gateway, now=NOW) == 121
    assert await owner.fetchval("SELECT count(DISTINCT object_id) FROM billing_events") == 121
    assert await owner.fetchval("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'billing_event.handle'") == 121
