"""
A worker that dies anywhere, freezes, or is not alone: the fix is paid for exactly once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest

from charges.stage import NOW, SECOND, Stage
from rsolv import charges, customers
from rsolv.charges.jobs import advance
from rsolv.stripe_gateway import StripeGateway
from stripe_twin.core.faults import Fault

KEYS = pytest.mark.parametrize("keys", ["kept", "forgotten"])
ALL_BUT_THE_LAST = list(charges.POINTS)[:-1]


class Died(BaseException):
    """
    What ends a worker here as a signal does elsewhere: nobody catches it.
    """


def dying(point: str, *, times: int = 1) -> Callable[[str], None]:
    """
    Return a hook at which a worker dies, so many times.
    """
    left = [times]

    def at(reached: str) -> None:
        if reached == point and left[0]:
            left[0] -= 1
            raise Died(point)

    return at


@KEYS
@pytest.mark.parametrize("deaths", [1, 3])
@pytest.mark.parametrize("point", charges.POINTS)
async def test_dying_at_any_point_ends_with_one_payment(stage: Stage, point: str, deaths: int, keys: str) -> None:
    """
    The next worker looks at what is on disk and at Stripe, and goes on. Also where Stripe remembers no keys.
    """
    stage.twin.api.keys.is_on = keys == "kept"
    charge_id = await stage.fix()
    machine = stage.machine(at=dying(point, times=deaths))
    for _ in range(deaths):
        await stage.end_leases()
        with suppress(Died):
            await stage.finish(charge_id, machine=machine)

    await stage.finish(charge_id)

    await stage.require_paid_once(charge_id)


@pytest.mark.parametrize("point", charges.POINTS)
async def test_a_worker_that_died_reached_the_point(stage: Stage, point: str) -> None:
    """
    The test above tests what it says: each point lies on the way of a charge without trouble.
    """
    charge_id = await stage.fix()

    with pytest.raises(Died):
        await stage.advance(charge_id, machine=stage.machine(at=dying(point)))


@KEYS
async def test_dying_with_a_day_between_ends_with_one_payment(stage: Stage, keys: str) -> None:
    """
    One death at each point, one after the other, and a day after each: longer than any key is remembered.
    """
    stage.twin.api.keys.is_on = keys == "kept"
    charge_id, at = await stage.fix(), NOW
    for point in ALL_BUT_THE_LAST:
        with suppress(Died):
            await stage.finish(charge_id, at=at, machine=stage.machine(at=dying(point)))
        at += timedelta(hours=25)

    await stage.finish(charge_id, at=at)

    await stage.require_paid_once(charge_id)


async def test_planted_bug_a_payment_per_try_would_charge_twice(stage: Stage) -> None:
    """
    Who makes another payment after an answer was lost charges again, and the check of all tests here notices.
    """
    charge_id = await stage.fix()
    charge = await stage.charge(charge_id)
    stripe_customer_id = await customers.ensure_stripe_customer(
        stage.database, stage.gateway, customer_id=stage.customer_id
    )
    for number in range(2):
        payment = await stage.gateway.create_payment(
            stripe_customer_id=stripe_customer_id,
            amount_cents=charge.amount_cents,
            currency=charge.currency,
            payment_method_id=None,
            description=charge.description,
            metadata={},
            key=f"create-{number}",
        )
        card = stage.twin.store.all("payment_method")[0]["id"]
        await stage.gateway.confirm_payment(payment.id, payment_method_id=card, key=f"confirm-{number}")

    assert len(stage.paid()) == 2
    with pytest.raises(AssertionError):
        await stage.require_paid_once(charge_id)


async def test_a_frozen_worker_that_wakes_late_changes_nothing(stage: Stage) -> None:
    """
    While it was asleep its lease ended and another settled: its fence is too old.
    """
    charge_id = await stage.fix()
    asleep, awake = asyncio.Event(), asyncio.Event()
    frozen = stage.machine(gateway=Sleepy(stage.gateway, asleep, awake))
    sleeper = asyncio.create_task(advance(frozen, customer_id=stage.customer_id, charge_id=charge_id, now=NOW))
    await asleep.wait()
    await stage.finish(charge_id)
    before = await stage.books()

    awake.set()
    await sleeper

    assert await stage.books() == before
    await stage.require_paid_once(charge_id)


async def test_a_frozen_worker_with_an_old_truth_changes_nothing(stage: Stage) -> None:
    """
    It read that nothing had happened, and slept; the charge is another's by now, who may be confirming it.
    """
    charge_id = await stage.fix()
    stage.twin.faults.plan([Fault("timeout_before", skip=1)])
    await stage.advance(charge_id)
    asleep, awake = asyncio.Event(), asyncio.Event()
    frozen = stage.machine(gateway=Sleepy(stage.gateway, asleep, awake, verb="read_payment"))
    later = NOW + timedelta(minutes=1)
    sleeper = asyncio.create_task(advance(frozen, customer_id=stage.customer_id, charge_id=charge_id, now=later))
    await asleep.wait()
    await stage.end_leases()
    with pytest.raises(Died):
        await stage.advance(charge_id, at=NOW + timedelta(hours=1), machine=stage.machine(at=dying("X9")))
    before = await stage.owner.fetch("SELECT * FROM charge_intents")

    awake.set()
    await sleeper

    assert await stage.owner.fetch("SELECT * FROM charge_intents") == before
    assert stage.paid() == []
    await stage.finish(charge_id)
    await stage.require_paid_once(charge_id)


class Sleepy:
    """
    A gateway that makes a call, and then keeps the answer to itself until somebody wakes it.
    """

    def __init__(
        self, gateway: StripeGateway, asleep: asyncio.Event, awake: asyncio.Event, *, verb: str = "confirm_payment"
    ) -> None:
        self._gateway = gateway
        self._asleep = asleep
        self._awake = awake
        self._verb = verb

    def __getattr__(self, name: str) -> object:
        call = getattr(self._gateway, name)
        return partial(self._called, call) if name == self._verb else call

    async def _called(self, call: Callable[..., Awaitable[object]], *asked: object, **more: object) -> object:
        try:
            return await call(*asked, **more)
        finally:
            self._asleep.set()
            await self._awake.wait()


@KEYS
async def test_many_workers_at_once_charge_once(stage: Stage, keys: str) -> None:
    """
    One takes the charge; the others promise to come again, and then find it done.
    """
    stage.twin.api.keys.is_on = keys == "kept"
    stage.twin.faults.latency_seconds = 0.005
    charge_id = await stage.fix()

    await asyncio.gather(*(stage.advance(charge_id) for _ in range(8)))
    await stage.advance(charge_id, at=NOW + SECOND)

    await stage.require_paid_once(charge_id)
    assert len(stage.theirs()) == 1


async def test_a_lease_of_a_living_worker_is_respected(stage: Stage) -> None:
    """
    Who comes before it has ended asks Stripe nothing, and leaves a job to come again.
    """
    charge_id = await stage.fix()
    with pytest.raises(Died):
        await stage.advance(charge_id, machine=stage.machine(at=dying("X4")))
    jobs = (
        "SELECT count(*) FROM pgqueuer WHERE entrypoint = 'charge.advance' AND execute_after > now() + interval '20 s'"
    )

    await stage.advance(charge_id, at=NOW + timedelta(minutes=5))

    assert (await stage.charge(charge_id)).state == "preparing"
    assert stage.theirs() == []
    assert await stage.owner.fetchval(jobs) == 1


async def test_planted_bug_without_lease_and_keys_two_workers_make_two_payments_and_pay_one(stage: Stage) -> None:
    """
    Leases and keys only save work: with both gone a payment too many is made, and only one of the two is confirmed.
    """
    stage.twin.api.keys.is_on = False
    stage.twin.faults.latency_seconds = 0.02
    charge_id = await stage.fix()
    machine = stage.machine(lease=timedelta(0))

    await asyncio.gather(*(stage.advance(charge_id, machine=machine) for _ in range(6)))
    await stage.finish(charge_id)

    assert len(stage.theirs()) > 1
    await stage.require_paid_once(charge_id)
