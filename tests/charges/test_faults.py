"""
Whatever goes wrong once, at any call to Stripe: in the end the fix is paid for exactly once.
"""

from datetime import timedelta

import pytest

from charges.stage import NOW, Stage
from stripe_twin.core.faults import KINDS, Fault, FaultKind

CALLS = {"creating": 0, "confirming": 1}
EVERY_FAULT = pytest.mark.parametrize("kind", KINDS)
AT_EVERY_CALL = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
KEYS = pytest.mark.parametrize("keys", ["kept", "forgotten"])


@KEYS
@AT_EVERY_CALL
@EVERY_FAULT
async def test_any_single_fault_ends_with_one_payment(stage: Stage, kind: FaultKind, call: int, keys: str) -> None:
    """
    Also where Stripe remembers no keys: what keeps a debt from being paid twice is that it has one payment for life.
    """
    stage.twin.api.keys.is_on = keys == "kept"
    charge_id = await stage.fix()
    stage.twin.faults.plan([Fault(kind, skip=call)])

    await stage.finish(charge_id)

    await stage.require_paid_once(charge_id)


@KEYS
@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after", "cut_body", "error_stored"])
async def test_a_day_between_the_call_and_its_repeat_changes_nothing(stage: Stage, kind: FaultKind, keys: str) -> None:
    """
    A key is not trusted for so long: the payment is read, and only what never happened is tried anew, with another key.
    """
    stage.twin.api.keys.is_on = keys == "kept"
    charge_id = await stage.fix()
    stage.twin.faults.plan([Fault(kind, skip=1)])
    await stage.advance(charge_id)

    await stage.finish(charge_id, at=NOW + timedelta(hours=25))

    await stage.require_paid_once(charge_id)


@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after", "cut_body", "error_stored"])
async def test_a_day_after_a_lost_creation_the_payment_is_looked_for(stage: Stage, kind: FaultKind) -> None:
    """
    What an earlier call made is adopted, found by list; no second payment is made beside it.
    """
    charge_id = await stage.fix()
    stage.twin.faults.plan([Fault(kind)])
    await stage.advance(charge_id)

    await stage.finish(charge_id, at=NOW + timedelta(hours=25))

    await stage.require_paid_once(charge_id)
    assert len(stage.theirs()) == 1


@pytest.mark.parametrize("skip", range(6))
async def test_many_faults_at_random_end_with_one_payment_each(stage: Stage, skip: int) -> None:
    """
    Many calls go wrong, each in some way, for a while.
    """
    charge_ids = [await stage.fix() for _ in range(3)]
    kinds = [kind for kind in KINDS if kind != "slow"]
    stage.twin.faults.plan([Fault(kind, times=2, probability=0.2, skip=skip) for kind in kinds])

    for charge_id in charge_ids:
        await stage.finish(charge_id)

    assert len(stage.paid()) == 3
    assert [(await stage.charge(charge_id)).state for charge_id in charge_ids] == ["succeeded"] * 3
    assert await stage.breaches() == []
