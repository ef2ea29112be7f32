"""
Whatever goes wrong once, at any call, or wherever the worker dies: in the end one refund is made.
"""

from datetime import timedelta

import pytest

from charges.stage import NOW
from charges.test_crashes import dying
from refunds.giving import Giving
from rsolv import refunds
from stripe_twin.core.faults import KINDS, Fault, FaultKind

KEYS = pytest.mark.parametrize("keys", ["kept", "forgotten"])
UNKNOWN = ["timeout_before", "timeout_after", "cut_body", "error_stored"]


@KEYS
@pytest.mark.parametrize("kind", KINDS)
async def test_any_single_fault_ends_with_one_refund(giving: Giving, kind: FaultKind, keys: str) -> None:
    """
    Also where Stripe remembers no keys: the refund is looked for before it is made again.
    """
    giving.stage.twin.api.keys.is_on = keys == "kept"
    asked = await giving.ask()
    giving.stage.twin.faults.plan([Fault(kind)])

    await giving.finish(asked.id)

    await giving.require_refunded_once(asked.id)


@KEYS
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("call", [1, 2], ids=["looking", "making-again"])
async def test_a_fault_after_a_lost_answer_ends_with_one_refund(
    giving: Giving, kind: FaultKind, call: int, keys: str
) -> None:
    """
    The call and then the look, or the call that follows it.
    """
    giving.stage.twin.api.keys.is_on = keys == "kept"
    asked = await giving.ask(1_000)
    giving.stage.twin.faults.plan([Fault("timeout_before"), Fault(kind, skip=call)])

    await giving.finish(asked.id)

    await giving.require_refunded_once(asked.id, cents=1_000)


@KEYS
@pytest.mark.parametrize("kind", UNKNOWN)
async def test_a_day_between_the_call_and_its_repeat_changes_nothing(
    giving: Giving, kind: FaultKind, keys: str
) -> None:
    """
    A key is not trusted for so long; what is not at Stripe by then is made with another one.
    """
    giving.stage.twin.api.keys.is_on = keys == "kept"
    asked = await giving.ask(1_000)
    giving.stage.twin.faults.plan([Fault(kind)])
    await giving.advance(asked.id)

    done = await giving.finish(asked.id, at=NOW + timedelta(hours=25))

    await giving.require_refunded_once(asked.id, cents=1_000)
    assert done.key_number == {"timeout_before": 2, "error_stored": 2}.get(kind, 1)


@KEYS
@pytest.mark.parametrize("deaths", [1, 3])
@pytest.mark.parametrize("point", refunds.POINTS)
async def test_dying_at_any_point_ends_with_one_refund(giving: Giving, point: str, deaths: int, keys: str) -> None:
    """
    The next worker looks at what is on disk and at Stripe, and goes on.
    """
    giving.stage.twin.api.keys.is_on = keys == "kept"
    asked = await giving.ask(1_000)

    await giving.finish(asked.id, dying=dying(point, times=deaths))

    await giving.require_refunded_once(asked.id, cents=1_000)


async def test_planted_bug_repeating_without_a_look_would_refund_twice(giving: Giving) -> None:
    """
    With the tries forgotten, and the keys at Stripe, a lost answer becomes a second refund; the check says so.
    """
    giving.stage.twin.api.keys.is_on = False
    asked = await giving.ask(1_000)
    giving.stage.twin.faults.plan([Fault("timeout_after")])
    await giving.advance(asked.id)
    await giving.stage.owner.execute("UPDATE refunds SET tries = 0")

    await giving.finish(asked.id)

    with pytest.raises(AssertionError):
        await giving.require_refunded_once(asked.id, cents=1_000)


async def test_a_long_outage_is_told_and_ends_by_itself(giving: Giving) -> None:
    """
    Nobody has to do anything.
    """
    asked = await giving.ask()
    giving.stage.twin.faults.plan([Fault("refused", times=200)])

    parked = await giving.advance_until(asked.id, NOW + timedelta(days=4))
    giving.stage.twin.faults.clear()
    await giving.finish(asked.id)

    assert (parked.state, parked.parked_reason) == ("asked", "unresolved")
    await giving.require_refunded_once(asked.id)
