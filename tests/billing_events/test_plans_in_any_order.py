"""
A subscription's whole life, told in copies and out of order while it goes on: in the end all is as Stripe has it.
"""

import asyncio
import random

import pytest

from billing_events.subscribed import PlanPostroom
from subscriptions.stage import DAY, HOUR

MONTH = 31 * DAY + 2 * HOUR
WORKERS = 4


async def tell_some(plans: PlanPostroom, chance: random.Random) -> None:
    """
    Store what was told until now, and handle half of what is known, old events as well, by several at once.
    """
    await plans.take_in()
    rows = await plans.stage.owner.fetch("SELECT id FROM billing_events ORDER BY id")
    await handle(plans, chance.sample([row["id"] for row in rows], len(rows) // 2))


async def handle(plans: PlanPostroom, event_ids: list[int]) -> None:
    """
    Have events handled anew, in this order, by several at once.
    """
    left = iter(event_ids)

    async def one() -> None:
        for event_id in left:
            await plans.replay(event_id)
            await plans.finish(event_id)

    await asyncio.gather(*(one() for _ in range(WORKERS)))


@pytest.mark.parametrize("seed", range(3))
async def test_a_life_that_is_told_in_any_order_ends_as_it_was(plans: PlanPostroom, seed: int) -> None:
    """
    Begun, renewed, failed, recovered and ended; three periods, each credited once, and one customer lost once.
    """
    chance = random.Random(seed)  # noqa: S311 -- chance that can be repeated
    await plans.stage.subscribe()
    await tell_some(plans, chance)
    plans.stage.pass_time(MONTH)
    await tell_some(plans, chance)
    await plans.stage.add_card("pm_card_chargeCustomerFail")
    await plans.stage.do_card_jobs()
    plans.stage.pass_time(MONTH)
    await tell_some(plans, chance)
    await plans.stage.pay_open_invoice("pm_card_visa")
    await tell_some(plans, chance)
    (theirs,) = plans.stage.theirs()
    await plans.stage.gateway.cancel_subscription(theirs["id"])
    await plans.take_in()
    rows = await plans.stage.owner.fetch("SELECT id FROM billing_events")

    await handle(plans, chance.sample([row["id"] for row in rows] * 2, 2 * len(rows)))

    outcomes = await plans.stage.owner.fetch("SELECT DISTINCT outcome FROM billing_events ORDER BY outcome")
    assert [row["outcome"] for row in outcomes] == ["ignored", "processed"]
    assert (await plans.stage.newest()).state == "canceled"
    assert await plans.stage.customer() == ("pay_as_you_go", "canceled")
    assert len(plans.stage.churned) == 1
    await plans.require_periods(3)
