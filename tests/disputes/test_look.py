"""
Reading disputes by ourselves: on time, whatever goes wrong at any call, and also those of which nobody told us.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from charges.stage import NOW
from disputes.disputing import INQUIRY, LATER, Court
from rsolv import disputes
from rsolv.charges import HELD_AT_A_TIME
from rsolv.disputes import DISPUTED, Settled
from rsolv.disputes.jobs import dispute_schedule, look_at_disputes, retry_disputed_charges
from rsolv.disputes.service.look import wake_due
from rsolv.disputes.service.settle import Believed
from rsolv.jobs import JobCall
from rsolv.kernel import clock
from rsolv.kernel.secret import Secret
from rsolv.stripe_gateway import GatewayMisused, GatewayUnavailable
from rsolv.stripe_gateway.client import GatewayOptions, open_gateway
from rsolv.worker import handled_jobs
from spending_caps.test_jobs import MANY_CHARGES, MANY_DEBTS, MANY_FIXES
from stripe_twin.core.faults import KINDS, Fault, FaultKind
from stripe_twin.embedded import TwinTransport

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
TRIES_MAX = 10
EVERY_FAULT = pytest.mark.parametrize("kind", KINDS)
KEYS = pytest.mark.parametrize("keys", ["kept", "forgotten"])


async def due(court: Court, at: object) -> list[str]:
    """
    Return what is promised to be read at a time.
    """
    async with court.stage.database.transaction() as connection:
        await wake_due(connection, now=at)
    return [str(ids["stripe_dispute_id"]) for ids in await court.queued("dispute.look")]


async def until_read(read: Callable[[], Awaitable[Settled | list[Settled]]]) -> None:
    """
    Try as the queue does.
    """
    for _ in range(TRIES_MAX):
        try:
            await read()
        except GatewayUnavailable:
            continue
        return
    raise AssertionError("it never worked")


@KEYS
@EVERY_FAULT
async def test_any_single_fault_while_reading_ends_with_sound_books(court: Court, kind: FaultKind, keys: str) -> None:
    """
    Nothing is concluded from a failed reading; the next one is believed.
    """
    court.stage.twin.api.keys.is_on = keys == "kept"
    charge = await court.pay("pm_card_createDispute")
    dispute_id = (await court.theirs(charge)).id
    court.stage.twin.faults.plan([Fault(kind)])

    await until_read(lambda: court.look(dispute_id))

    await court.require_withdrawn(charge)
    await court.decide(dispute_id, won=True)
    court.stage.twin.faults.plan([Fault(kind)])
    await until_read(lambda: court.look(dispute_id, at=LATER))
    await court.require_untouched(charge)


@EVERY_FAULT
async def test_any_single_fault_while_listing_ends_with_sound_books(court: Court, kind: FaultKind) -> None:
    """
    What nobody told us is found by its payment, which says that it is disputed.
    """
    charge = await court.pay("pm_card_createDispute")
    payment = await court.stage.gateway.read_payment(str(charge.stripe_payment_id))
    assert payment.is_disputed
    court.stage.twin.faults.plan([Fault(kind)])

    await until_read(
        lambda: disputes.look_at_payment(
            court.stage.database, court.stage.gateway, court.stage.bus, stripe_payment_id=payment.id, now=NOW
        )
    )

    await court.require_withdrawn(charge)


@EVERY_FAULT
async def test_what_waited_is_charged_once_whatever_goes_wrong(court: Court, kind: FaultKind) -> None:
    """
    The calls that confirm it are the same as ever.
    """
    _, dispute_id = await court.disputed()
    held = await court.held()
    await court.decide(dispute_id, won=True)
    await court.look(dispute_id)
    await court.retry()
    court.stage.twin.faults.plan([Fault(kind)])

    assert (await court.stage.finish(held.id, machine=court.machine)).state == "succeeded"

    assert len(court.stage.paid()) == 2
    assert await court.breaches() == []


async def test_an_open_dispute_is_read_again_and_again(court: Court) -> None:
    """
    A minute after a change, and then less often, to an hour; so the end is heard of without any event.
    """
    charge, dispute_id = await court.disputed()
    at, pauses = NOW, []
    for _ in range(9):
        wake_at = (await court.dispute(dispute_id)).wake_at
        assert wake_at is not None
        pauses.append(wake_at - at)
        at = wake_at
        await court.look(dispute_id, at=at)
    assert (pauses[0], pauses[-1]) == (MINUTE, HOUR)

    await court.decide(dispute_id, won=True)
    await court.look(dispute_id, at=at + HOUR)

    await court.require_untouched(charge)


async def test_the_schedule_promises_what_is_due_once(court: Court) -> None:
    """
    A job that was lost is promised again; one that waits is not doubled; what is over is left alone.
    """
    _, dispute_id = await court.disputed()

    assert await due(court, NOW) == []
    assert await due(court, NOW + MINUTE) == [dispute_id]
    assert await due(court, NOW + MINUTE) == [dispute_id]
    await court.stage.owner.execute("DELETE FROM pgqueuer")
    assert await due(court, NOW + HOUR) == [dispute_id]
    await court.stage.owner.execute("DELETE FROM pgqueuer")
    await court.decide(dispute_id, won=False)
    await court.look(dispute_id, at=LATER)
    await court.look(dispute_id, at=LATER + MINUTE)
    assert await due(court, LATER + HOUR) == []


async def test_the_schedule_runs_by_the_clock(court: Court) -> None:
    """
    What it promises is what is due now.
    """
    _, dispute_id = await court.disputed()
    schedule = dispute_schedule(court.stage.database)
    await court.stage.owner.execute("UPDATE disputes SET wake_at = now() - interval '1 second'")

    await schedule.run()

    assert await court.queued("dispute.look") == [{"stripe_dispute_id": dispute_id}]


async def test_more_than_fit_into_one_transaction_go_on_in_several(court: Court) -> None:
    """
    A full thousand promises the next; nothing that waited is left.
    """
    await court.disputed()
    await court.held()
    owner = court.stage.owner
    await owner.execute(f"{MANY_FIXES} WHERE state = 'charging'", HELD_AT_A_TIME)
    await owner.execute(f"{MANY_DEBTS} WHERE d.state = 'open' AND f.state = 'charging'")
    await owner.execute(f"{MANY_CHARGES} WHERE i.parked_reason = 'disputed' AND d.state = 'open'")
    waiting = "SELECT count(*) FROM charge_intents WHERE parked_reason = 'disputed'"
    assert await owner.fetchval(waiting) == HELD_AT_A_TIME + 1
    await court.release()

    assert await court.retry() == 1
    assert await owner.fetchval(waiting) == 1
    assert await court.retry() == 1

    assert await owner.fetchval(waiting) == 0
    assert await court.retry() == 0


async def test_the_jobs_read_and_retry(court: Court) -> None:
    """
    As the worker does them; a dispute is also read that nobody here has heard of.
    """
    charge = await court.pay("pm_card_createDispute")
    dispute_id = (await court.theirs(charge)).id
    look = look_at_disputes(court.stage.database, court.stage.gateway, court.stage.bus)
    call = JobCall(job_id=1, ids={"stripe_dispute_id": dispute_id}, tries=0)

    await look(call)
    held = await court.held()
    assert held.parked_reason == DISPUTED
    await court.decide(dispute_id, won=True)
    await look(call)
    retry = retry_disputed_charges(court.stage.database)
    await retry(JobCall(job_id=2, ids={"customer_id": court.stage.customer_id}, tries=0))

    assert (await court.stage.charge(held.id)).parked_reason is None
    await court.stage.owner.execute("UPDATE charge_intents SET wake_at = $1 WHERE wake_at IS NOT NULL", NOW)
    assert (await court.stage.finish(held.id, machine=court.machine)).state == "succeeded"


async def test_the_worker_holds_what_is_disputed(court: Court) -> None:
    """
    The look at disputes reaches the arming transaction, before the caps.
    """
    await court.disputed()
    charge_id = await court.stage.fix(at=clock.now())
    handler = handled_jobs(court.stage.database, court.stage.gateway, court.stage.bus)["charge.advance"]

    await handler(JobCall(job_id=1, ids={"customer_id": court.stage.customer_id, "charge_id": charge_id}, tries=0))

    assert (await court.stage.charge(charge_id)).parked_reason == DISPUTED


async def test_a_dispute_that_stripe_does_not_know_is_parked(court: Court) -> None:
    """
    Books and freeze stay, somebody is told, and it is looked for again.
    """
    charge, dispute_id = await court.disputed(INQUIRY)
    with court.stage.twin.store.unit():
        court.stage.twin.store.remove("dispute", dispute_id)

    assert await believed(court, dispute_id) == "parked"

    known = await court.dispute(dispute_id)
    assert known.parked_reason == "missing_at_stripe"
    assert known.wake_at is not None
    assert await court.notices() == ["inquiry", "parked"]
    await court.require_untouched(charge)
    assert await believed(court, "du_of_nobody") == "foreign"


async def believed(court: Court, dispute_id: str) -> Believed:
    return (await court.look(dispute_id, at=LATER)).believed


async def test_a_reading_that_is_refused_otherwise_is_no_news(court: Court) -> None:
    """
    A key without rights says nothing about a dispute.
    """
    charge, dispute_id = await court.disputed(INQUIRY)
    options = GatewayOptions(api_key=Secret("nobodys"))

    async with open_gateway(options, TwinTransport(court.stage.twin)) as stranger:
        with pytest.raises(GatewayMisused):
            await disputes.look_at_dispute(
                court.stage.database, stranger, court.stage.bus, stripe_dispute_id=dispute_id, now=LATER
            )

    await court.require_untouched(charge)
