"""
What keeps a charge from being made: it waits with its reason, is shown and told, and is never silently dropped.
"""

from datetime import datetime, timedelta

import pytest

from charges.stage import NOW, SECOND, Stage
from charges.test_crashes import Died, dying
from charges.test_declines import notices
from rsolv import payment_methods
from rsolv.audit import SYSTEM
from rsolv.charges import Held, Intent, PaymentOwed
from rsolv.db import Connection
from stripe_twin.core.faults import Fault

CONFIRM = "/v1/payment_intents/{intent}/confirm"


async def test_a_consent_withdrawn_before_the_charge_forbids_it(stage: Stage) -> None:
    """
    The debt stays, the charge is parked, nothing moves; given again, it is charged.
    """
    charge_id = await stage.fix()
    await stage.withdraw_consent()

    charge = await stage.finish(charge_id)

    assert (charge.state, charge.parked_reason, charge.wake_at) == ("prepared", "no_consent", None)
    assert await notices(stage) == ["no_consent"]
    await stage.require_nothing_moved()
    await stage.add_card("pm_card_mastercard", at=NOW + SECOND)
    await stage.finish(charge_id)
    await stage.require_paid_once(charge_id)


async def test_a_consent_to_a_lower_price_does_not_cover_the_charge(stage: Stage) -> None:
    """
    Raising a price extends no consent.
    """
    charge_id = await stage.fix()
    await stage.owner.execute("ALTER TABLE consents DISABLE TRIGGER USER")
    await stage.owner.execute("UPDATE consents SET fix_price_cents = fix_price_cents - 1")

    charge = await stage.finish(charge_id)

    assert (charge.state, charge.parked_reason) == ("prepared", "no_consent")
    await stage.require_nothing_moved()


@pytest.mark.parametrize("point", ["X7", "X9"])
async def test_a_consent_withdrawn_while_a_worker_is_dead_forbids_the_repeat(stage: Stage, point: str) -> None:
    """
    Also an attempt that was armed is not sent after the withdrawal, when the worker that armed it died before.
    """
    charge_id = await stage.fix()
    with pytest.raises(Died):
        await stage.advance(charge_id, machine=stage.machine(at=dying(point)))
    await stage.withdraw_consent()

    charge = await stage.finish(charge_id)

    assert (charge.state, charge.parked_reason) == ("prepared", "no_consent")
    await stage.require_nothing_moved()


async def test_planted_bug_a_charge_without_consent_would_be_noticed(stage: Stage) -> None:
    """
    Whoever confirms all the same leaves a payment that nothing here explains.
    """
    charge_id = await stage.fix()
    await stage.withdraw_consent()
    charge = await stage.finish(charge_id)
    card = stage.twin.store.all("payment_method")[0]["id"]
    await stage.gateway.confirm_payment(str(charge.stripe_payment_id), payment_method_id=card, key="anyway")

    with pytest.raises(AssertionError):
        await stage.require_nothing_moved()


async def test_without_a_payment_method_the_charge_waits_for_one(stage: Stage) -> None:
    """
    A card removed behind our back (the last one cannot be removed while something is owed).
    """
    charge_id = await stage.fix()
    await stage.owner.execute("UPDATE payment_methods SET is_default = false, removed_at = now()")

    charge = await stage.finish(charge_id)

    assert charge.parked_reason == "no_payment_method"
    await stage.require_nothing_moved()
    await stage.add_card("pm_card_amex", at=NOW + SECOND)
    await stage.finish(charge_id)
    await stage.require_paid_once(charge_id)


async def test_the_last_payment_method_stays_while_something_is_owed(stage: Stage) -> None:
    """
    Refused with the reason; once it is paid, the card may go.
    """
    charge_id = await stage.fix()
    async with stage.database.reading() as connection:
        method = await payment_methods.find_default(connection, customer_id=stage.customer_id)
    assert method is not None

    async def remove() -> None:
        async with stage.database.transaction() as connection:
            await payment_methods.remove(
                connection,
                stage.bus,
                customer_id=stage.customer_id,
                payment_method_id=method.id,
                actor=SYSTEM,
                now=NOW,
            )

    with pytest.raises(PaymentOwed):
        await remove()
    await stage.finish(charge_id)
    await remove()


@pytest.mark.parametrize("attempts", [0, 1], ids=["new", "under-way"])
async def test_while_billing_is_off_nothing_is_charged(stage: Stage, attempts: int) -> None:
    """
    What is under way is only read; switched on again, the charge is made.
    """
    charge_id = await stage.fix()
    stage.twin.faults.plan([Fault("timeout_before", method="POST", template=CONFIRM, times=attempts)])
    off = stage.machine(billing_enabled=False)
    for number in range(attempts):
        await stage.advance(charge_id, at=NOW + number * SECOND)

    for minutes in (1, 20, 40):
        charge = await stage.advance(charge_id, at=NOW + timedelta(minutes=minutes), machine=off)

    assert charge.parked_reason == "billing_off"
    assert charge.wake_at is not None
    await stage.require_nothing_moved()
    await stage.finish(charge_id)
    await stage.require_paid_once(charge_id)


async def test_while_billing_is_off_what_was_paid_is_settled(stage: Stage) -> None:
    """
    The answer was lost, then the switch was turned: reading is allowed, and so is the truth.
    """
    charge_id = await stage.fix()
    stage.twin.faults.plan([Fault("timeout_after", method="POST", template=CONFIRM)])
    await stage.advance(charge_id)

    await stage.finish(charge_id, machine=stage.machine(billing_enabled=False))

    await stage.require_paid_once(charge_id)


async def test_a_charge_over_a_cap_waits_until_the_cap_lets_it_go(stage: Stage) -> None:
    """
    The limit is asked in the arming transaction, and says when to look again.
    """
    charge_id = await stage.fix()
    next_month = NOW + timedelta(days=30)

    async def cap(_connection: Connection, _intent: Intent, now: datetime) -> Held | None:
        return None if now >= next_month else Held("over_cap", next_month)

    capped = stage.machine(cap=cap)

    charge = await stage.advance(charge_id, machine=capped)

    assert (charge.state, charge.parked_reason, charge.wake_at) == ("prepared", "over_cap", next_month)
    assert await notices(stage) == ["over_cap"]
    await stage.require_nothing_moved()
    await stage.advance(charge_id, at=next_month, machine=capped)
    await stage.require_paid_once(charge_id)
