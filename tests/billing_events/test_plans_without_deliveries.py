"""
Subscriptions whose events were never delivered, came before anybody handled them, or were overtaken while being read.
"""

import asyncio
import json

import asyncpg

from billing_events.subscribed import CREATED, PAID, PROCESSED, SUCCEEDED, UPDATED, PlanPostroom
from billing_events.test_poll import FIVE_MINUTES, polled
from cli.conftest import commands_on
from rsolv.billing_events.rules import processed
from rsolv.billing_events.service.means import Means, Settle
from rsolv.billing_events.service.plans import look_at_subscription
from subscriptions.stage import DAY, HOUR

MONTH = 30 * DAY + 2 * HOUR
FORMERLY = (CREATED, PAID, SUCCEEDED)


async def poll_twice(plans: PlanPostroom) -> None:
    """
    Poll, and once more five minutes later; nobody looks.
    """
    for _ in range(2):
        await polled(plans, plans.now)
        plans.stage.pass_time(FIVE_MINUTES)


async def test_with_every_delivery_lost_a_renewal_is_credited_within_two_polls(plans: PlanPostroom) -> None:
    """
    So is the first period, of which not even the answer came; and each once, however often it is listed.
    """
    await plans.stage.ask_in_vain()

    await poll_twice(plans)
    await plans.require_periods(1)
    plans.stage.pass_time(MONTH)
    await poll_twice(plans)

    await plans.require_periods(2)
    assert (await plans.stage.newest()).state == "active"


async def test_with_every_delivery_lost_a_failure_and_an_end_are_known_within_two_polls(plans: PlanPostroom) -> None:
    """
    The customer is past due, then lost.
    """
    await plans.stage.subscribe()
    await plans.stage.add_card("pm_card_chargeCustomerFail")
    await plans.stage.do_card_jobs()
    plans.stage.pass_time(MONTH)

    await poll_twice(plans)
    failed = await plans.stage.newest()
    plans.stage.pass_time(20 * DAY)
    await poll_twice(plans)

    assert (failed.state, (await plans.stage.newest()).state) == ("past_due", "canceled")
    assert [event.reason for event in plans.stage.churned] == ["payment_failed"]
    await plans.require_periods(1)


async def test_what_was_ignored_because_nobody_handled_it_is_replayed(
    plans: PlanPostroom, owner: asyncpg.Connection, database_url: str
) -> None:
    """
    Stored before its type was handled; an operator names the type, and the period is credited once.
    """
    await plans.stage.ask_in_vain()
    ids = await plans.take_in(*FORMERLY)
    await owner.execute(
        """
        UPDATE billing_events SET outcome = 'ignored', reason = 'no_handler', wake_at = NULL, handled_at = now()
        WHERE id = ANY($1)
        """,
        ids,
    )
    rsolv = commands_on(database_url)

    answers = [
        await asyncio.to_thread(rsolv, "events", "replay", "--outcome", "ignored", "--type", each, "--json")
        for each in FORMERLY
    ]
    ended = [await plans.finish(event_id) for event_id in ids]

    assert [json.loads(answer.stdout) for answer in answers] == [{"count": 1}] * len(FORMERLY)
    assert [(event.outcome, event.reason) for event in ended] == [PROCESSED] * len(FORMERLY)
    await plans.require_periods(1)
    await plans.stage.require_one_period()


async def test_a_word_that_was_overtaken_while_it_was_read_is_looked_at_again(plans: PlanPostroom) -> None:
    """
    It may be the older one, as it is here: it is not believed, and a look is promised with the mark.
    """
    await plans.stage.subscribe()
    await plans.stage.cancel(at_period_end=True)
    *_, event_id = await plans.take_in(UPDATED)
    stage = plans.stage
    means = Means(database=stage.database, gateway=stage.gateway, bus=stage.bus, now=plans.now)
    slow: Settle = await look_at_subscription(means, await plans.event(event_id))
    await stage.resume()

    async with stage.database.transaction() as connection:
        verdict = await slow(connection)

    found = await stage.newest()
    assert verdict == processed(stage.customer_id)
    assert (found.cancel_at_period_end, found.look_at) == (False, plans.now)
    assert (await stage.look()).cancel_at_period_end is False
