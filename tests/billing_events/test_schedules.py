"""
What comes back by the clock: listing what happened, and going after what was forgotten.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import asyncpg
import pytest

from billing_events.postroom import Postroom
from billing_events.test_payments import PAID, paid_unseen
from charges.stage import NOW
from rsolv.billing_events.jobs import handle_event, poll, poll_schedule, wake_schedule
from rsolv.billing_events.service.end import fail
from rsolv.db import Database, Unavailable
from rsolv.stripe_gateway import GatewayMisused, StripeEvent
from stripe_twin.core.faults import Fault


@dataclass(frozen=True)
class NothingHappened:
    """
    A Stripe at which nothing ever happened.
    """

    asked: list[int] = field(default_factory=list)

    async def list_events(self, **asked: object) -> AsyncIterator[StripeEvent]:
        """
        List nothing, and note of how many types.
        """
        types = asked["types"]
        assert isinstance(types, list)
        self.asked.append(len(types))
        for nothing in ():
            yield nothing


async def test_what_happened_is_listed_every_five_minutes(postroom: Postroom, owner: asyncpg.Connection) -> None:
    """
    One that fails is followed by the next; the worker goes on.
    """
    schedule = poll_schedule(postroom.stage.database, postroom.stage.gateway)
    # The schedule asks the machine's clock, which is far from the twin's: it goes on from where it was.
    await owner.execute("INSERT INTO billing_event_polls (listed_until) VALUES ($1)", NOW)
    postroom.stage.twin.faults.plan([Fault("refused", times=None)])

    await schedule.run()
    after_failure = await owner.fetchval("SELECT count(*) FROM billing_events")
    postroom.stage.twin.faults.clear()
    await schedule.run()

    assert schedule.cron == "*/5 * * * *"
    assert after_failure == 0
    assert await owner.fetchval("SELECT count(*) FROM billing_events") > 0


async def test_a_poll_of_nothing_moves_nothing_on(database: Database, owner: asyncpg.Connection) -> None:
    """
    And Stripe is asked for twenty types at a time, as it demands.
    """
    stripe = NothingHappened()

    assert await poll(database, stripe, now=NOW) == 0
    assert await owner.fetchval("SELECT count(*) FROM billing_event_polls") == 0
    assert max(stripe.asked) <= 20


async def test_forgotten_events_are_gone_after_every_minute(postroom: Postroom, owner: asyncpg.Connection) -> None:
    """
    By the schedule that the worker has.
    """
    await paid_unseen(postroom)
    await postroom.take_in(PAID)
    await owner.execute("DELETE FROM pgqueuer")
    await owner.execute("UPDATE billing_events SET wake_at = now() - interval '1 hour'")

    await wake_schedule(postroom.stage.database).run()

    assert await owner.fetchval("SELECT entrypoint FROM pgqueuer") == "billing_event.handle"


async def test_a_mistake_of_ours_at_stripe_is_tried_and_then_parked(postroom: Postroom) -> None:
    """
    Such as a key without the right to read; an operator puts that right and replays.
    """
    charge_id = await paid_unseen(postroom)
    [event_id] = await postroom.take_in(PAID)
    box = postroom.box(gateway=WithoutRights())

    event = await postroom.finish(event_id, box=box)

    assert (event.outcome, event.reason, event.attempts) == ("parked", "GatewayMisused", 10)
    assert (await postroom.stage.charge(charge_id)).state == "confirming"


class WithoutRights:
    """
    A Stripe that refuses our key.
    """

    async def read_payment(self, payment_id: str) -> None:
        """
        Refuse.
        """
        raise GatewayMisused("read_payment", status=403)


class Away:
    """
    A Stripe at whose call the database goes away.
    """

    async def read_payment(self, payment_id: str) -> None:
        """
        Fail as a database does.
        """
        raise Unavailable


async def test_without_its_database_an_event_waits_for_its_lease(postroom: Postroom) -> None:
    """
    What went wrong could not be written down either.
    """
    await paid_unseen(postroom)
    [event_id] = await postroom.take_in(PAID)

    with pytest.raises(Unavailable):
        await handle_event(postroom.box(gateway=Away()), event_id, now=NOW)

    event = await postroom.event(event_id)
    assert (event.outcome, event.reason, event.attempts) == ("waiting", None, 1)
    assert event.wake_at is not None
    assert event.wake_at > NOW


async def test_a_failure_of_an_event_that_has_ended_is_no_news(postroom: Postroom) -> None:
    """
    Another worker was faster.
    """
    await paid_unseen(postroom)
    [event_id] = await postroom.take_in(PAID)
    ended = await postroom.handle(event_id)

    async with postroom.stage.database.transaction() as connection:
        await fail(connection, ended, ValueError(), now=NOW)

    assert await postroom.event(event_id) == ended
