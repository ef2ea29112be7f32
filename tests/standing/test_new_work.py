"""
Once the grace is over no new scan is taken; what follows from an earlier one is stored and billed, always.
"""

import asyncio
from dataclasses import replace

import pytest

from charges.stage import NOW, SECOND, Stage, charging_bus
from factories.customers import make_customer, set_balance
from fixes.reports import report
from rsolv.charges import ChargeSettled
from rsolv.fixes import PhaseCompleted
from rsolv.kernel.events import Subscriber
from rsolv.standing import PaymentOverdue
from rsolv.wiring import wired_bus
from standing.owing import OVER, owe, scan, stands, store, stored_phases


async def test_in_grace_scans_are_taken(stage: Stage) -> None:
    """
    To its last moment.
    """
    await owe(stage)

    await store(stage, scan(), at=OVER - SECOND / 1_000)


async def test_the_scan_of_another_commit_is_refused_after_it(stage: Stage) -> None:
    """
    With what is owed; nothing of it is stored.
    """
    await store(stage, scan("before"), at=NOW)
    await owe(stage)
    before = await stored_phases(stage)

    with pytest.raises(PaymentOverdue):
        await store(stage, scan("after"), at=OVER)

    assert await stored_phases(stage) == before


async def test_a_scan_that_was_taken_before_may_be_stored_again(stage: Stage) -> None:
    """
    A repeat is no new work.
    """
    first = await store(stage, scan(), at=NOW)
    await owe(stage)

    again = await store(stage, scan(), at=OVER)

    assert again.phase_result_id == first.phase_result_id


async def test_what_follows_from_admitted_work_is_stored_and_billed(stage: Stage) -> None:
    """
    A validation, and a mitigation that opens another debt.
    """
    await store(stage, scan(), at=NOW)
    await owe(stage)

    validated = await store(stage, report("validate", issue_number=901, billable=False), at=OVER)
    fixed = await store(stage, report(issue_number=901), at=OVER)

    assert validated.billing.status == "not_billable"
    assert fixed.billing.status == "charging"
    assert await stage.owner.fetchval("SELECT count(*) FROM charge_debts WHERE state = 'open'") == 2


async def test_with_credits_left_a_debt_refuses_all_the_same(stage: Stage) -> None:
    """
    Credits pay for fixes to come, not for what is owed.
    """
    await owe(stage)
    async with stage.database.transaction() as connection:
        await set_balance(connection, customer_id=stage.customer_id, credits=3)

    with pytest.raises(PaymentOverdue):
        await store(stage, scan("another"), at=OVER)


async def test_paid_the_next_scan_is_taken(stage: Stage) -> None:
    """
    At once.
    """
    charge_id = await owe(stage)
    await stage.add_card("pm_card_visa", at=OVER)
    with pytest.raises(PaymentOverdue):
        await store(stage, scan(), at=OVER)

    await stage.finish(charge_id, at=OVER)

    await store(stage, scan(), at=OVER)


async def test_a_standing_is_each_customers_own(stage: Stage) -> None:
    """
    What acme owes is nothing to globex.
    """
    await owe(stage)
    async with stage.database.transaction() as connection:
        globex = replace(stage, acme=await make_customer(connection))

    await store(globex, scan(), at=OVER)

    assert (await stands(globex, at=OVER)).state == "good"


async def test_a_payment_that_is_not_committed_has_not_been_made(stage: Stage) -> None:
    """
    A scan meanwhile does not wait for it and is refused; with its commit the next one is taken.
    """
    charge_id = await owe(stage)
    await stage.add_card("pm_card_visa", at=OVER)
    settling, answered, bus = asyncio.Event(), asyncio.Event(), wired_bus()
    bus.subscribe(ChargeSettled, waiting(settling, answered))
    paying = asyncio.create_task(stage.finish(charge_id, at=OVER, machine=stage.machine(bus=bus)))
    await settling.wait()

    with pytest.raises(PaymentOverdue):
        await store(stage, scan(), at=OVER)

    answered.set()
    await paying
    await store(stage, scan(), at=OVER)


async def test_a_scan_that_looked_before_a_decline_was_committed_is_taken(stage: Stage) -> None:
    """
    The database's order decides, whatever the clocks say; the next one is refused.
    """
    await store(stage, scan("earlier"), at=NOW)  # the customer's row is written with the first one
    looked, declined, bus = asyncio.Event(), asyncio.Event(), wired_bus()
    bus.subscribe(PhaseCompleted, waiting(looked, declined))
    storing = asyncio.create_task(store(replace(stage, bus=bus), scan("meanwhile"), at=OVER))
    await looked.wait()

    await owe(stage)

    declined.set()
    await storing
    with pytest.raises(PaymentOverdue):
        await store(stage, scan("later"), at=OVER)


async def test_planted_bug_without_the_subscriber_a_refused_customer_goes_on(stage: Stage) -> None:
    """
    The count of what is stored, by which the tests above judge, notices.
    """
    await owe(stage)
    before = await stored_phases(stage)

    await store(replace(stage, bus=charging_bus()), scan("after"), at=OVER)

    assert await stored_phases(stage) == before + 1


def waiting(reached: asyncio.Event, answered: asyncio.Event) -> Subscriber:
    """
    Return a subscriber that says that it was reached, and keeps the transaction open until it is answered.
    """

    async def hear(_connection: object, _event: object) -> None:
        reached.set()
        await answered.wait()

    return hear
