"""
The kill switch: while billing is off fixes are recorded and nothing moves; on again, each is billed once, in order.
"""

import asyncio
from datetime import timedelta

import asyncpg
import msgspec
import pytest

from charges.stage import NOW, Stage, set_stage
from factories.customers import give_credits
from fixes.reports import report
from rsolv import catalog, fixes, ledger
from rsolv.db import Connection, Database
from rsolv.fixes import FixMetered
from rsolv.kernel.events import EventBus
from rsolv.stripe_gateway import StripeGateway
from rsolv.wiring import wired_bus
from stripe_twin.twin import Twin


@pytest.fixture
async def stage(database: Database, owner: asyncpg.Connection, gateway: StripeGateway, twin: Twin) -> Stage:
    """
    Acme with a card, a consent and no credits.
    """
    return await set_stage(database, owner, gateway, twin)


async def reported(stage: Stage, bus: EventBus, issue_number: int) -> FixMetered:
    """
    Report a fix to an installation with this bus.
    """
    async with stage.database.transaction() as connection:
        stored = await fixes.store_phase(
            connection,
            report(issue_number=issue_number),
            customer_id=stage.customer_id,
            api_key_id=stage.acme.key.api_key.id,
            bus=bus,
            ownership_required=False,
            now=NOW,
        )
    return stored.billing


async def bill_all(stage: Stage) -> list[int]:
    """
    Bill what was recorded, as the schedule does, and return the fixes in their order.
    """
    billed: list[int] = []
    while True:
        async with stage.database.transaction() as connection:
            fix_id = await fixes.bill_next_recorded(
                connection, after_id=billed[-1] if billed else 0, now=NOW + timedelta(days=1)
            )
        if fix_id is None:
            return billed
        billed.append(fix_id)


async def states(connection: Connection) -> list[str]:
    return [row["state"] for row in await connection.fetch("SELECT state FROM fixes ORDER BY id")]


async def test_while_billing_is_off_fixes_are_recorded_and_nothing_moves(stage: Stage) -> None:
    """
    With credits or without: no credit is consumed, no debt opened; reported again it is the same fix.
    """
    async with stage.database.transaction() as connection:
        await give_credits(connection, customer_id=stage.customer_id, credits=1)
    off = wired_bus(billing_enabled=False)

    answers = [await reported(stage, off, issue) for issue in (1, 2, 1)]

    assert answers == [FixMetered("recorded", 1)] * 3
    assert await states(stage.owner) == ["recorded", "recorded"]
    assert await stage.owner.fetchval("SELECT count(*) FROM charge_debts") == 0
    await stage.require_nothing_moved()


async def test_on_again_everything_recorded_is_billed_once_and_in_order(stage: Stage) -> None:
    """
    The credit goes to the first fix, the next ones are charged; a second run finds nothing.
    """
    async with stage.database.transaction() as connection:
        await give_credits(connection, customer_id=stage.customer_id, credits=1)
    off = wired_bus(billing_enabled=False)
    for issue in (1, 2, 3):
        await reported(stage, off, issue)

    billed = await bill_all(stage)

    assert billed == sorted(billed)
    assert await states(stage.owner) == ["consumed", "charging", "charging"]
    assert await bill_all(stage) == []
    assert await ledger.balance(stage.owner, customer_id=stage.customer_id) == 0
    assert await stage.breaches() == []


async def test_a_recorded_fix_is_billed_at_the_price_of_its_time(stage: Stage) -> None:
    """
    A customer who agreed to another version meanwhile pays for what was fixed before at the older price.
    """
    await reported(stage, wired_bus(billing_enabled=False), 1)
    async with stage.database.transaction() as connection:
        before = await catalog.get_pinned(connection, customer_id=stage.customer_id)
        dearer = msgspec.structs.replace(before.catalog.pay_as_you_go()[1], fix_price_cents=9_900)
        plans = before.catalog.plans | {before.catalog.pay_as_you_go()[0]: dearer}
        later, _ = await catalog.apply_catalog(
            connection, msgspec.structs.replace(before.catalog, plans=plans, effective_at=NOW), now=NOW
        )
    await stage.owner.execute("UPDATE catalog_pins SET version_id = $1", later.id)
    price = before.catalog.fix_price_cents(stage.acme.customer.subscription_type)

    await bill_all(stage)

    debt = await stage.owner.fetchrow("SELECT amount_cents, catalog_version_id, plan FROM charge_debts")
    assert (debt["amount_cents"], debt["catalog_version_id"]) == (price, before.id)


async def test_a_recorded_fix_that_is_reported_again_is_billed_then(stage: Stage) -> None:
    """
    The schedule finds it billed.
    """
    await reported(stage, wired_bus(billing_enabled=False), 1)

    answer = await reported(stage, stage.bus, 1)

    assert answer.status == "charging"
    assert await bill_all(stage) == []


async def test_two_at_once_bill_a_recorded_fix_once(stage: Stage) -> None:
    """
    Two workers, or a worker and a report: one debt for each fix.
    """
    off = wired_bus(billing_enabled=False)
    for issue in range(1, 6):
        await reported(stage, off, issue)

    await asyncio.gather(
        bill_all(stage), bill_all(stage), *(reported(stage, stage.bus, issue) for issue in range(1, 6))
    )
    await bill_all(stage)

    assert await states(stage.owner) == ["charging"] * 5
    assert await stage.owner.fetchval("SELECT count(*) FROM charge_debts") == 5
    assert await stage.breaches() == []


async def test_a_charge_under_way_is_only_looked_at_while_billing_is_off(stage: Stage) -> None:
    """
    Nothing new is confirmed; on again it goes on by itself.
    """
    charge_id = await stage.fix()

    waiting = await stage.advance(charge_id, machine=stage.machine(billing_enabled=False))
    assert (waiting.state, waiting.parked_reason) == ("preparing", "billing_off")
    assert waiting.wake_at is not None
    assert stage.theirs() == []

    await stage.finish(charge_id)
    await stage.require_paid_once(charge_id)


async def test_the_database_refuses_a_recorded_fix_without_its_price(stage: Stage) -> None:
    """
    Also when the code is bypassed.
    """
    await reported(stage, wired_bus(billing_enabled=False), 1)

    with pytest.raises(asyncpg.CheckViolationError):
        await stage.owner.execute("UPDATE fixes SET recorded_plan = NULL")
