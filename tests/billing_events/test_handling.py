"""
Every stored event ends processed, ignored by a rule or parked, whatever happens to those who handle it.
"""

import asyncio
from contextlib import suppress
from datetime import timedelta

import asyncpg
import pytest

from billing_events.postroom import Postroom
from billing_events.test_payments import PAID, paid_unseen
from charges.stage import NOW
from charges.test_crashes import Died, dying
from rsolv import billing_events
from rsolv.billing_events.jobs import handle_billing_event
from rsolv.jobs import JobCall
from stripe_twin.core.faults import Fault

ENDED = {"processed", "ignored", "parked"}


@pytest.mark.parametrize("point", billing_events.POINTS)
async def test_dying_at_any_point_ends_with_the_event_processed_and_paid_once(postroom: Postroom, point: str) -> None:
    """
    The event comes back after its lease, and what was done already stays as it is.
    """
    charge_id = await paid_unseen(postroom)
    [event_id] = await postroom.take_in(PAID)

    with pytest.raises(Died):
        await postroom.handle(event_id, box=postroom.box(at=dying(point)))
    event = await postroom.finish(event_id)

    assert event.outcome == "processed"
    await postroom.stage.require_paid_once(charge_id)
    assert await postroom.breaches() == []


@pytest.mark.parametrize("point", billing_events.POINTS)
async def test_mark_and_effect_are_one(postroom: Postroom, point: str) -> None:
    """
    Wherever a worker dies, the event is marked exactly when the charge is paid here.
    """
    charge_id = await paid_unseen(postroom)
    [event_id] = await postroom.take_in(PAID)

    with suppress(Died):
        await postroom.handle(event_id, box=postroom.box(at=dying(point)))

    is_marked = (await postroom.event(event_id)).outcome == "processed"
    is_paid = (await postroom.stage.charge(charge_id)).state == "succeeded"
    assert is_marked is is_paid
    assert await postroom.breaches() == []


@pytest.mark.damages_books("an event is marked by hand")
async def test_a_mark_without_its_effect_is_noticed(postroom: Postroom, owner: asyncpg.Connection) -> None:
    """
    The planted bug: somebody marks first and would do the rest later, and dies.
    """
    await paid_unseen(postroom)
    [event_id] = await postroom.take_in(PAID)

    await owner.execute(
        "UPDATE billing_events SET outcome = 'processed', wake_at = NULL, handled_at = now() WHERE id = $1", event_id
    )

    assert [finding.id for finding in await postroom.breaches()] == ["W-3"]


@pytest.mark.damages_books("an event is forgotten")
async def test_an_event_that_nobody_comes_back_to_is_noticed(postroom: Postroom, owner: asyncpg.Connection) -> None:
    """
    The planted bug: without the constraint an event can be left waiting for nothing.
    """
    await paid_unseen(postroom)
    await postroom.take_in(PAID)
    with pytest.raises(asyncpg.CheckViolationError):
        await owner.execute("UPDATE billing_events SET wake_at = NULL")

    await owner.execute("ALTER TABLE billing_events DROP CONSTRAINT billing_events_never_forgotten")
    await owner.execute("UPDATE billing_events SET wake_at = NULL")

    assert [finding.id for finding in await postroom.breaches()] == ["W-1"]


async def test_an_event_that_kills_its_worker_each_time_is_parked(postroom: Postroom) -> None:
    """
    It is counted before it is looked at, so it cannot take every worker with it for ever.
    """
    await paid_unseen(postroom)
    [event_id] = await postroom.take_in(PAID)
    deadly = postroom.box(at=dying("E2", times=100))
    at = NOW
    for _ in range(10):
        with pytest.raises(Died):
            await postroom.handle(event_id, at=at, box=deadly)
        at += timedelta(hours=1)

    event = await postroom.handle(event_id, at=at, box=deadly)

    assert (event.outcome, event.reason, event.attempts) == ("parked", "worker_died", 10)


async def test_an_outage_of_stripe_is_waited_for_however_long_it_takes(postroom: Postroom) -> None:
    """
    More tries than a failing event is given, and none of them counts.
    """
    charge_id = await paid_unseen(postroom)
    [event_id] = await postroom.take_in(PAID)
    postroom.stage.twin.faults.plan([Fault("refused", times=25)])

    event = await postroom.finish(event_id)

    assert (event.outcome, event.failures) == ("processed", 1)
    assert event.attempts > 20
    await postroom.stage.require_paid_once(charge_id)


async def test_an_event_is_handled_by_two_at_once_with_one_effect(postroom: Postroom) -> None:
    """
    Two workers on two connections; the second finds it ended.
    """
    charge_id = await paid_unseen(postroom)
    [event_id] = await postroom.take_in(PAID)

    await asyncio.gather(*(postroom.handle(event_id) for _ in range(4)))

    assert (await postroom.event(event_id)).outcome == "processed"
    await postroom.stage.require_paid_once(charge_id)


async def test_a_type_that_nobody_handles_is_ignored_with_that_reason(postroom: Postroom) -> None:
    """
    Also one that Stripe has not today. It is kept, and can be replayed once somebody does.
    """
    [told] = postroom.told("customer.created")

    known = await postroom.handle(await postroom.receive(told))
    unheard = await postroom.handle(await postroom.receive(told, id="evt_2", type="unheard_of.happened"))

    assert {(event.outcome, event.reason) for event in (known, unheard)} == {("ignored", "no_handler")}
    assert known.customer_id == postroom.stage.customer_id


async def test_an_event_of_another_version_or_mode_is_parked_without_asking(postroom: Postroom) -> None:
    """
    Its endpoint was made with another version, or it belongs to another world of money.
    """
    await paid_unseen(postroom)
    [told] = postroom.told(PAID)
    postroom.stage.twin.faults.plan([Fault("refused", times=None)])

    older = await postroom.handle(await postroom.receive(told, id="evt_2", api_version="2025-03-31.basil"))
    live = await postroom.handle(await postroom.receive(told, id="evt_3", livemode=True))

    assert (older.outcome, older.reason) == ("parked", "api_version_differs")
    assert (live.outcome, live.reason) == ("parked", "livemode_differs")


async def test_a_thin_event_is_handled_like_its_snapshot(postroom: Postroom) -> None:
    """
    It brings an id only, which is all that is believed of the other one.
    """
    charge_id = await paid_unseen(postroom)
    [told] = postroom.told(PAID)
    thin = {
        "id": "evt_thin",
        "object": "v2.core.event",
        "type": f"v1.{PAID}",
        "created": NOW.isoformat(),
        "livemode": False,
        "related_object": {"id": told["data"]["object"]["id"], "type": "payment_intent", "url": "/v1/any"},
    }

    event = await postroom.handle(await postroom.receive(thin))

    assert (event.outcome, event.type, event.is_thin, event.amount_cents) == ("processed", PAID, True, None)
    await postroom.stage.require_paid_once(charge_id)


async def test_a_lost_job_is_promised_anew(postroom: Postroom, owner: asyncpg.Connection) -> None:
    """
    The event knows its time, whatever became of the queue; and one promise is enough.
    """
    charge_id = await paid_unseen(postroom)
    [event_id] = await postroom.take_in(PAID)
    await owner.execute("DELETE FROM pgqueuer")
    stage = postroom.stage

    async with stage.database.transaction() as connection:
        early = await billing_events.wake_overdue(connection, now=NOW)
        late = [await billing_events.wake_overdue(connection, now=NOW + timedelta(minutes=2)) for _ in range(3)]
    handler = handle_billing_event(stage.database, stage.gateway, stage.bus, livemode=False)
    await handler(JobCall(job_id=1, ids={"billing_event_id": event_id}, tries=0))

    assert (early, late) == (0, [1, 1, 1])
    assert await owner.fetchval("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'billing_event.handle'") == 1
    assert (await postroom.event(event_id)).outcome in ENDED
    await stage.require_paid_once(charge_id)
