"""
The promises about subscriptions that the worker keeps.
"""

import pytest

from factories.cards import do_jobs
from factories.stripe_wire import eventful_gateway
from rsolv.kernel import clock
from rsolv.subscriptions.jobs import look_schedule
from rsolv.subscriptions.service.look import promise_looks
from stripe_twin.core.faults import KINDS, Fault, FaultKind
from subscriptions.stage import DAY, HOUR, Stage

MINUTE = HOUR / 60
SET_CARD = "subscription.set_card"


async def promised(stage: Stage, kind: str) -> int:
    """
    Count the queued jobs of a kind.
    """
    return int(await stage.owner.fetchval("SELECT count(*) FROM pgqueuer WHERE entrypoint = $1", kind))


async def test_a_subscription_is_looked_at_once_when_its_time_has_come(stage: Stage) -> None:
    """
    The schedule promises the look, once however often it runs; not before its time.
    """
    opened = await stage.subscribe()
    async with stage.database.transaction() as connection:
        too_early = await promise_looks(connection, now=stage.now + HOUR)
    stage.pass_time(31 * DAY)

    async with stage.database.transaction() as connection:
        promises = [await promise_looks(connection, now=stage.now) for _ in range(2)]
    done = await do_jobs(stage.owner, stage.database, stage.gateway, stage.bus, kind="subscription.look")

    assert (too_early, promises, done) == (0, [1, 0], 1)
    assert await stage.credits() == 2 * opened.period_credits


async def test_a_look_that_never_comes_to_an_end_is_promised_again(stage: Stage) -> None:
    """
    An hour later, and not each minute until then; of those that wait one is enough.
    """
    await stage.subscribe()
    stage.pass_time(31 * DAY)

    async with stage.database.transaction() as connection:
        promises = [await promise_looks(connection, now=stage.now + minutes * MINUTE) for minutes in (0, 1, 59, 60, 61)]

    assert promises == [1, 0, 0, 1, 0]
    assert await promised(stage, "subscription.look") == 1


async def test_the_schedule_runs_every_minute_by_the_clock(stage: Stage) -> None:
    """
    What is due by the clock of now is promised.
    """
    await stage.subscribe()
    await stage.owner.execute("UPDATE subscriptions SET look_at = $1", clock.now())
    schedule = look_schedule(stage.database)

    await schedule.run()

    assert (schedule.cron, await promised(stage, "subscription.look")) == ("* * * * *", 1)


@pytest.mark.parametrize("call", range(2), ids=["read", "set"])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_card_is_the_subscriptions_own_in_the_end(stage: Stage, kind: FaultKind, call: int) -> None:
    """
    Whatever goes wrong once at a call; Stripe remembers no keys.
    """
    await stage.subscribe()
    card = await stage.add_card("pm_card_mastercard")
    stage.twin.api.keys.is_on = False
    fault = Fault(kind, skip=call)
    stage.twin.faults.plan([fault])

    await stage.until_it_works(lambda: do_jobs(stage.owner, stage.database, stage.gateway, stage.bus, kind=SET_CARD))

    assert fault.times == 0
    assert stage.theirs()[0]["default_payment_method"] == card.stripe_payment_method_id
    assert (await stage.newest()).payment_method_id == card.id


async def test_a_default_that_changes_meanwhile_is_told_next(stage: Stage) -> None:
    """
    Whoever told Stripe last looks once more at ours.
    """
    await stage.subscribe()
    await stage.add_card("pm_card_mastercard")

    async def another() -> None:
        await stage.add_card("pm_card_amex")

    async with eventful_gateway(stage.twin, "POST", "/v1/subscriptions", another) as gateway:
        await do_jobs(stage.owner, stage.database, gateway, stage.bus, kind=SET_CARD)
    await do_jobs(stage.owner, stage.database, stage.gateway, stage.bus, kind=SET_CARD)

    assert stage.theirs()[0]["default_payment_method"] == await stage.newest_card()


async def test_without_a_live_subscription_no_card_is_told(stage: Stage) -> None:
    """
    Nothing is promised; and a promise from before the end does nothing, here and at Stripe.
    """
    await stage.add_card("pm_card_mastercard")
    never = await promised(stage, SET_CARD)
    opened = await stage.subscribe()
    await stage.add_card("pm_card_amex")
    await stage.gateway.cancel_subscription(stage.theirs()[0]["id"])
    while_ended_there = await do_jobs(stage.owner, stage.database, stage.gateway, stage.bus, kind=SET_CARD)
    await stage.look()
    await stage.add_card("pm_card_discover")

    assert (never, while_ended_there, await promised(stage, SET_CARD)) == (0, 1, 0)
    assert stage.theirs()[0]["default_payment_method"] == opened.stripe_payment_method_id
