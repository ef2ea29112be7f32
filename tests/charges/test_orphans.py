"""
What lost answers leave at Stripe: a second, unpaid payment of a charge is canceled after two days, and nothing else.
"""

from datetime import datetime, timedelta

import msgspec
import pytest

from charges.stage import NOW, SECOND, Stage
from factories.cards import until_it_works
from factories.stripe_wire import eventful_gateway
from rsolv import charges
from rsolv.audit import SYSTEM
from rsolv.charges.service.sweep import sweep_orphans
from rsolv.jobs import JobCall
from rsolv.stripe_gateway import OutcomeUnknown, StripeGateway
from spending_caps.capped import queued
from stripe_twin.core import Record
from stripe_twin.core.faults import KINDS, Fault, FaultKind

CREATE, CANCEL = "/v1/payment_intents", "/v1/payment_intents/{intent}/cancel"
LATER = NOW + timedelta(hours=49)
KEYS = pytest.mark.parametrize("keys", ["kept", "forgotten"])


async def leave_an_orphan(stage: Stage) -> int:
    """
    Lose the answer to a creation that Stripe then repeats in earnest; the charge is paid by the second payment.
    """
    stage.twin.api.keys.is_on = False
    charge_id = await stage.fix()
    stage.twin.faults.plan([Fault("timeout_after", method="POST", template=CREATE)])
    await stage.finish(charge_id)
    await stage.require_paid_once(charge_id)
    assert [each["status"] for each in await others(stage, charge_id)] == ["requires_payment_method"]
    return charge_id


async def others(stage: Stage, charge_id: int) -> list[Record]:
    """
    Return the payments at Stripe that are not the charge's.
    """
    own = (await stage.charge(charge_id)).stripe_payment_id
    return [each for each in stage.theirs() if each["id"] != own]


async def sweep(
    stage: Stage, *, at: datetime = LATER, tries: int = 0, gateway: StripeGateway | None = None
) -> list[int]:
    """
    Do the promised sweeps, and return the laps that are promised then.
    """
    stage.twin.account.advance(max(int(at.timestamp()), stage.twin.account.now))
    for job in await queued(stage.owner, "charge.sweep"):
        call = JobCall(job_id=job["id"], ids=msgspec.json.decode(job["payload"]), tries=tries)
        await sweep_orphans(stage.database, gateway or stage.gateway, call, now=at)
        await stage.owner.execute("DELETE FROM pgqueuer WHERE id = $1", job["id"])
    return [msgspec.json.decode(job["payload"])["lap"] for job in await queued(stage.owner, "charge.sweep")]


async def pay(stage: Stage, payment_id: str) -> None:
    """
    Have a payment succeed at Stripe, whoever did that.
    """
    (method,) = [each["id"] for each in stage.twin.store.all("payment_method") if each["customer"]]
    await stage.gateway.confirm_payment(payment_id, payment_method_id=method, key=f"by-hand-{payment_id}")


async def test_an_orphan_is_canceled_after_two_days(stage: Stage) -> None:
    """
    The charge's own payment stays what it is.
    """
    charge_id = await leave_an_orphan(stage)

    promised = await sweep(stage)

    assert [each["status"] for each in await others(stage, charge_id)] == ["canceled"]
    assert promised == []
    await stage.require_paid_once(charge_id)


async def test_before_that_nothing_is_touched(stage: Stage) -> None:
    """
    An answer may still be on its way: the promise is made again.
    """
    charge_id = await leave_an_orphan(stage)

    promised = await sweep(stage, at=NOW + timedelta(hours=47))

    assert [each["status"] for each in await others(stage, charge_id)] == ["requires_payment_method"]
    assert promised == [1]


@KEYS
@pytest.mark.parametrize("call", range(2), ids=["list", "cancel"])
@pytest.mark.parametrize("kind", KINDS)
async def test_any_single_fault_ends_with_the_orphan_canceled(
    stage: Stage, kind: FaultKind, call: int, keys: str
) -> None:
    """
    The queue tries again; each try reads first, and has a key of its own.
    """
    charge_id, tries = await leave_an_orphan(stage), iter(range(100))
    stage.twin.api.keys.is_on = keys == "kept"
    fault = Fault(kind, skip=call)
    stage.twin.faults.plan([fault])

    await until_it_works(stage.twin, lambda: sweep(stage, tries=next(tries)))

    assert fault.times == 0
    assert [each["status"] for each in await others(stage, charge_id)] == ["canceled"]
    await stage.require_paid_once(charge_id)


async def test_a_charge_that_went_well_promises_nothing(stage: Stage) -> None:
    """
    Nobody lists payments for it.
    """
    await stage.finish(await stage.fix())

    assert await queued(stage.owner, "charge.sweep") == []


async def test_payments_of_others_are_never_touched(stage: Stage) -> None:
    """
    Of another charge of the customer's, of another installation (another nonce), and without our words on them.
    """
    charge_id = await leave_an_orphan(stage)
    (orphan,) = await others(stage, charge_id)
    customer, metadata = orphan["customer"], orphan["metadata"]
    foreign = [
        await stage.gateway.create_payment(
            stripe_customer_id=customer,
            amount_cents=orphan["amount"],
            currency="usd",
            payment_method_id=None,
            description="A fix",
            metadata=words,
            key=f"other-{number}",
        )
        for number, words in enumerate(
            [metadata | {"rsolv_charge_nonce": "0" * 32}, metadata | {"rsolv_charge_id": "999"}, {}]
        )
    ]

    await sweep(stage)

    stood = {each["id"]: each["status"] for each in stage.theirs()}
    assert [stood[payment.id] for payment in foreign] == ["requires_payment_method"] * 3
    assert stood[orphan["id"]] == "canceled"


async def test_an_orphan_that_was_paid_is_left_alone_and_parks_the_charge(stage: Stage) -> None:
    """
    The customer has paid twice: somebody is told, nothing is undone by a machine, and the books stay as they are.
    """
    charge_id = await leave_an_orphan(stage)
    (orphan,) = await others(stage, charge_id)
    await pay(stage, orphan["id"])

    await sweep(stage)

    charge = await stage.charge(charge_id)
    assert (charge.state, charge.parked_reason) == ("succeeded", "orphan_paid")
    assert [each["status"] for each in await others(stage, charge_id)] == ["succeeded"]
    assert await stage.breaches() == []


async def test_one_that_is_paid_while_it_is_being_canceled_is_noticed(stage: Stage) -> None:
    """
    Stripe refuses to cancel it; what it is, is read.
    """
    charge_id = await leave_an_orphan(stage)
    (orphan,) = await others(stage, charge_id)
    path = f"/v1/payment_intents/{orphan['id']}/cancel"

    async with eventful_gateway(stage.twin, "POST", path, lambda: pay(stage, orphan["id"])) as gateway:
        await sweep(stage, gateway=gateway)

    assert (await stage.charge(charge_id)).parked_reason == "orphan_paid"


async def test_one_without_an_outcome_is_looked_at_again(stage: Stage) -> None:
    """
    Being processed it can neither be canceled nor called paid.
    """
    charge_id = await leave_an_orphan(stage)
    (orphan,) = await others(stage, charge_id)
    with stage.twin.store.unit():
        stage.twin.account.edit("payment_intent", orphan["id"])["status"] = "processing"

    assert await sweep(stage) == [1]

    assert (await stage.charge(charge_id)).parked_reason is None


async def test_a_charge_that_is_still_open_is_parked_too(stage: Stage) -> None:
    """
    Before it is paid by its own payment as well: whoever holds it loses it.
    """
    stage.twin.api.keys.is_on = False
    await stage.add_card("pm_card_chargeCustomerFail", at=NOW + SECOND)
    charge_id = await stage.fix()
    stage.twin.faults.plan([Fault("timeout_after", method="POST", template=CREATE)])
    await stage.advance(charge_id)
    declined = await stage.advance(charge_id, at=NOW + timedelta(minutes=1))
    (orphan,) = await others(stage, charge_id)
    with stage.twin.store.unit():
        paid = stage.twin.account.edit("payment_intent", orphan["id"])
        paid["status"], paid["amount_received"] = "succeeded", paid["amount"]

    await sweep(stage)

    charge = await stage.charge(charge_id)
    assert (declined.state, charge.state) == ("declined", "declined")
    assert (charge.parked_reason, charge.wake_at) == ("orphan_paid", None)


async def test_what_was_made_for_a_charge_that_ended_is_canceled(stage: Stage) -> None:
    """
    It was dropped before anybody knew of its payment.
    """
    charge_id = await stage.fix()
    stage.twin.faults.plan([Fault("timeout_after", method="POST", template=CREATE)])
    await stage.advance(charge_id)
    async with stage.database.transaction() as connection:
        await charges.cancel_debt(
            connection,
            customer_id=stage.customer_id,
            charge_id=charge_id,
            actor=SYSTEM,
            reason="a mistake",
            now=NOW + SECOND,
        )
    await stage.finish(charge_id, at=NOW + SECOND)

    await sweep(stage)

    assert [each["status"] for each in stage.theirs()] == ["canceled"]
    assert (await stage.charge(charge_id)).state == "canceled"
    await stage.require_nothing_moved()


async def test_while_a_payment_may_still_be_created_nothing_is_an_orphan(stage: Stage) -> None:
    """
    It may be adopted yet.
    """
    charge_id = await stage.fix()
    stage.twin.faults.plan([Fault("timeout_after", method="POST", template=CREATE)])
    await stage.advance(charge_id)

    assert await sweep(stage) == [1]

    assert [each["status"] for each in stage.theirs()] == ["requires_payment_method"]
    assert (await stage.charge(charge_id)).state == "preparing"


async def test_planted_bug_a_repeat_under_the_first_keys_answer_would_never_end(stage: Stage) -> None:
    """
    An error that Stripe keeps under a key is answered again for ever: a try needs a key of its own.
    """
    await leave_an_orphan(stage)
    stage.twin.api.keys.is_on = True
    stage.twin.faults.plan([Fault("error_stored", method="POST", template=CANCEL)])

    for _ in range(3):
        with pytest.raises(OutcomeUnknown):
            await sweep(stage, tries=0)


async def test_planted_bug_a_sweep_that_does_not_ask_whose_they_are_ends_another_charge(stage: Stage) -> None:
    """
    All that is unpaid of the customer's: the check of others' payments above notices.
    """
    await leave_an_orphan(stage)
    stage.twin.faults.plan([Fault("refused", method="POST", template="/v1/payment_intents/{intent}/confirm")])
    other = await stage.fix()
    own = (await stage.advance(other)).stripe_payment_id
    assert own is not None

    customer = stage.theirs()[0]["customer"]
    listed = stage.gateway.list_payments(stripe_customer_id=customer, created_since=NOW)
    for unpaid in [payment.id async for payment in listed if payment.state == "confirmable"]:
        await stage.gateway.cancel_payment(unpaid, key=f"naive-{unpaid}")

    assert (await stage.gateway.read_payment(own)).state == "canceled"
