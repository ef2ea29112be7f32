"""
The last card is removed while a fix opens a debt: no debt is left without a card.

Whoever commits first is seen by the other.
"""

import asyncio

import pytest

from charges.stage import NOW, Stage, charging_bus
from fixes.reports import report
from rsolv import catalog, charges, fixes, payment_methods
from rsolv.audit import SYSTEM
from rsolv.charges import PaymentOwed
from rsolv.db import Connection
from rsolv.fixes import PhaseCompleted, StoredPhase
from rsolv.fixes.queries import fixes as fix_queries
from rsolv.kernel.events import EventBus, Subscriber
from rsolv.payment_methods import PaymentMethod, PaymentMethodRemoving
from spending_caps.test_races import until_somebody_waits

AT_ONCE = 8
DEADLINE_SECONDS = 30.0
UNKEPT = "SELECT FROM payment_methods WHERE is_default FOR UPDATE SKIP LOCKED"


async def remove(stage: Stage, *, bus: EventBus | None = None) -> PaymentMethod:
    """
    Remove acme's default card.
    """
    async with stage.database.transaction() as connection:
        default = await payment_methods.find_default(connection, customer_id=stage.customer_id)
        assert default is not None
        return await payment_methods.remove(
            connection,
            bus or stage.bus,
            customer_id=stage.customer_id,
            payment_method_id=default.id,
            actor=SYSTEM,
            now=NOW,
        )


async def fix(stage: Stage, number: int, *, bus: EventBus | None = None) -> StoredPhase:
    """
    Report a fix.
    """
    async with stage.database.transaction() as connection:
        return await fixes.store_phase(
            connection,
            report(issue_number=8_000 + number),
            customer_id=stage.customer_id,
            api_key_id=stage.acme.key.api_key.id,
            bus=bus or stage.bus,
            ownership_required=False,
            now=NOW,
        )


async def debts_without_a_card(stage: Stage) -> int:
    """
    Count what is owed by somebody who has no card.
    """
    return int(
        await stage.owner.fetchval(
            """
            SELECT count(*) FROM charge_debts AS d WHERE state = 'open' AND NOT EXISTS (
                SELECT FROM payment_methods AS m WHERE m.customer_id = d.customer_id AND m.removed_at IS NULL)
            """
        )
    )


def until_waited_for(stage: Stage) -> Subscriber:
    """
    Return a subscriber that keeps its transaction open until somebody else waits for it.
    """

    async def hear(_connection: object, _event: object) -> None:
        await until_somebody_waits(stage)

    return hear


async def test_a_removal_waits_for_a_debt_that_is_being_opened_and_then_refuses(stage: Stage) -> None:
    """
    It counts after it has waited.
    """
    bus = charging_bus()
    bus.subscribe(PhaseCompleted, until_waited_for(stage))
    fixing = asyncio.create_task(fix(stage, 1, bus=bus))
    await until_kept(stage)

    with pytest.raises(PaymentOwed):
        await remove(stage)

    assert (await fixing).billing.status == "charging"
    assert await debts_without_a_card(stage) == 0


async def test_a_fix_waits_for_a_removal_and_is_then_blocked(stage: Stage) -> None:
    """
    It sees that the card is gone.
    """
    bus, removing = charging_bus(), asyncio.Event()

    async def hear(_connection: object, _event: object) -> None:
        removing.set()
        await until_somebody_waits(stage)

    bus.subscribe(PaymentMethodRemoving, hear)
    removal = asyncio.create_task(remove(stage, bus=bus))
    await removing.wait()

    stored = await fix(stage, 1)

    assert (await removal).removed_at is not None
    assert (stored.billing.status, stored.billing.reason) == ("blocked", "no_billing_info")
    assert await debts_without_a_card(stage) == 0


async def test_a_fix_that_waited_for_a_removal_is_charged_to_the_card_that_remains(stage: Stage) -> None:
    """
    The newest of the others has become the default with the removal.
    """
    await stage.add_card("pm_card_mastercard")
    bus, removing = charging_bus(), asyncio.Event()

    async def hear(_connection: object, _event: object) -> None:
        removing.set()
        await until_somebody_waits(stage)

    bus.subscribe(PaymentMethodRemoving, hear)
    removal = asyncio.create_task(remove(stage, bus=bus))
    await removing.wait()

    stored = await fix(stage, 1)

    await removal
    assert stored.billing.status == "charging"


@pytest.mark.parametrize("attempt", range(3))
async def test_however_they_fall_no_debt_is_left_without_a_card(stage: Stage, attempt: int) -> None:
    """
    Fixes, a removal, a new card and a charge that settles, all at once: nobody waits in a circle either.
    """
    settling = await stage.fix()

    ended = await asyncio.gather(
        *(fix(stage, 100 * attempt + number) for number in range(AT_ONCE)),
        remove(stage),
        stage.add_card("pm_card_mastercard"),
        stage.advance(settling),
        return_exceptions=True,
    )

    assert {type(each) for each in ended if isinstance(each, BaseException)} <= {PaymentOwed}
    assert await debts_without_a_card(stage) == 0
    assert await stage.breaches() == []


async def test_planted_bug_a_look_that_keeps_nothing_leaves_a_debt_without_a_card(stage: Stage) -> None:
    """
    The card is there when the fix looks, and gone when its debt is committed; the count above notices.
    """
    looked, removed, bus = asyncio.Event(), asyncio.Event(), EventBus()

    async def meter_by_looking_only(connection: Connection, completed: PhaseCompleted) -> None:
        fix_id = await fix_queries.insert_fix_once(connection, completed)
        assert fix_id is not None
        assert await payment_methods.find_default(connection, customer_id=completed.customer_id) is not None
        looked.set()
        await removed.wait()
        await fix_queries.charge_fix(connection, customer_id=completed.customer_id, fix_id=fix_id)
        version = await catalog.get_pinned(connection, customer_id=completed.customer_id)
        await charges.open_debt(
            connection,
            customer_id=completed.customer_id,
            fix_id=fix_id,
            amount_cents=1,
            currency="usd",
            plan="pay_as_you_go",
            catalog_version_id=version.id,
            api_key_id=completed.api_key_id,
            description="A fix",
            now=NOW,
        )

    bus.subscribe(PhaseCompleted, meter_by_looking_only)
    fixing = asyncio.create_task(fix(stage, 1, bus=bus))
    await looked.wait()
    await remove(stage)
    removed.set()
    await fixing

    assert await debts_without_a_card(stage) == 1


async def until_kept(stage: Stage) -> None:
    """
    Return when somebody keeps the card: a removal would wait now.
    """
    async with asyncio.timeout(DEADLINE_SECONDS):
        while await stage.owner.fetch(UNKEPT):  # noqa: ASYNC110 -- the lock is in another process
            await asyncio.sleep(0)
