"""
Operators look at events, and set them going again.
"""

import asyncpg
import pytest

from billing_events.postroom import Postroom
from billing_events.test_payments import PAID, paid_unseen
from charges.stage import NOW
from rsolv import billing_events
from rsolv.audit import Actor
from rsolv.billing_events import EventFilter

EVE = Actor("operator", "eve")


async def replay_some(postroom: Postroom, wanted: EventFilter) -> list[int]:
    """
    Replay what is meant.
    """
    async with postroom.stage.database.transaction() as connection:
        return await billing_events.replay_some(connection, wanted, after_id=0, actor=EVE, now=NOW)


async def test_a_parked_event_is_handled_anew(postroom: Postroom) -> None:
    """
    Once what stood in its way is gone, it ends as any other; who replayed it is on record.
    """
    charge_id = await paid_unseen(postroom)
    [event_id] = await postroom.take_in(PAID)
    parked = await postroom.finish(event_id, box=postroom.box(livemode=True))

    await postroom.replay(event_id)
    waiting = await postroom.event(event_id)
    ended = await postroom.handle(event_id)

    assert (parked.outcome, waiting.outcome, ended.outcome) == ("parked", "waiting", "processed")
    assert (waiting.failures, waiting.reason, waiting.wake_at) == (0, None, NOW)
    assert await postroom.audited("billing_event:replayed") == [(None, f"billing_event {event_id}")]
    await postroom.stage.require_paid_once(charge_id)


async def test_replaying_what_was_processed_changes_nothing_more(postroom: Postroom) -> None:
    """
    Every effect is of a fact, and a fact is settled once.
    """
    charge_id = await paid_unseen(postroom)
    await postroom.deliver()
    before = await postroom.stage.books()

    ids = await replay_some(postroom, EventFilter())
    ended = [await postroom.finish(event_id) for event_id in ids]

    assert {event.outcome for event in ended} == {"processed", "ignored"}
    assert await postroom.stage.books() == before
    await postroom.stage.require_paid_once(charge_id)


async def test_a_filter_means_the_events_it_names(postroom: Postroom) -> None:
    """
    By outcome, by type, by customer, or all.
    """
    await paid_unseen(postroom)
    await postroom.deliver()
    stage = postroom.stage
    filters = {
        "processed": EventFilter(outcome="processed"),
        "typed": EventFilter(type=PAID),
        "acme's": EventFilter(customer_id=stage.customer_id),
        "nobody's": EventFilter(customer_id=stage.customer_id + 1),
        "all": EventFilter(),
    }

    async with stage.database.reading() as connection:
        listed = {
            name: await billing_events.list_events_for_operator(connection, wanted, limit=100)
            for name, wanted in filters.items()
        }

    assert {event.type for event in listed["processed"]} == {PAID, "payment_method.attached"}
    assert [event.type for event in listed["typed"]] == [PAID]
    assert listed["nobody's"] == []
    assert len(listed["acme's"]) == len(listed["all"]) == len(postroom.told())
    assert [event.id for event in listed["all"]] == sorted((event.id for event in listed["all"]), reverse=True)
    assert {event.payload for event in listed["all"]} == {None}


async def test_an_event_is_found_by_our_id_and_by_stripes(postroom: Postroom) -> None:
    """
    With what came in it; another id is no event's.
    """
    [told] = postroom.told("customer.created")
    event = await postroom.event(await postroom.receive(told) or 0)

    async with postroom.stage.database.reading() as connection:
        found = await billing_events.get_event_for_operator(connection, name=told["id"])
        with pytest.raises(billing_events.UnknownBillingEvent):
            await billing_events.get_event_for_operator(connection, name="evt_none")

    assert found == event
    assert found.payload is not None


async def test_replaying_an_unknown_event_writes_nothing(postroom: Postroom, owner: asyncpg.Connection) -> None:
    """
    Nor does a filter that nothing fits.
    """
    async with postroom.stage.database.transaction() as connection:
        with pytest.raises(billing_events.UnknownBillingEvent):
            await billing_events.replay(connection, name="evt_none", actor=EVE, now=NOW)

    assert await replay_some(postroom, EventFilter(outcome="parked")) == []
    assert await postroom.audited("billing_event:replayed") == []
    assert await owner.fetchval("SELECT count(*) FROM billing_events") == 0
