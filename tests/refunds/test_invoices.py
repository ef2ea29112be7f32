"""
Giving back what an invoice of a subscription took: by an operator, at Stripe's pages, once; the subscription goes on.
"""

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from charges.stage import NOW
from charges.test_crashes import dying
from refunds.billed import PRO, BilledGiving
from reversals.billed import Billed
from rsolv import refunds, subscriptions
from rsolv.db import Database
from rsolv.stripe_gateway import Refund, StripeGateway
from stripe_twin.core.faults import KINDS, Fault, FaultKind
from stripe_twin.twin import Twin
from subscriptions.stage import Stage as PlanStage
from subscriptions.stage import set_stage as set_plan_stage

HALF = 29_950


@pytest.fixture
async def plans(database: Database, owner: asyncpg.Connection, gateway: StripeGateway, twin: Twin) -> PlanStage:
    """
    Acme with a card and no credits, who may subscribe.
    """
    return await set_plan_stage(database, owner, gateway, twin)


@pytest.fixture
async def pro(plans: PlanStage) -> BilledGiving:
    """
    Acme on Pro, whose first invoice is paid.
    """
    return await BilledGiving.of_pro(plans)


def made_elsewhere(payment_id: str) -> Refund:
    """
    Return a refund as it could be read at Stripe.
    """
    return Refund(
        id="re_1",
        state="succeeded",
        stripe_state="succeeded",
        amount_cents=1_000,
        currency="usd",
        payment_id=payment_id,
        charge_id="ch_1",
        reason=None,
        failure_reason=None,
        metadata={},
        created_at=NOW,
        request_id="req_1",
    )


async def test_an_operator_refunds_an_invoice(pro: BilledGiving) -> None:
    """
    Asked for in one transaction, made by the worker; half of the credits go with it, and the subscription goes on.
    """
    asked = await pro.ask(HALF)
    await pro.require_nothing_moved()
    before = await pro.billed.plans.newest()

    await pro.finish(asked.id)

    await pro.require_refunded_once(asked.id, cents=HALF)
    assert (asked.charge_id, asked.invoice_id) == (None, pro.billed.invoice_id)
    assert await pro.dollars() == {"processor": HALF, "revenue": -PRO, "refunded": HALF}
    assert await pro.taking.credits() == (30, 30)
    assert await pro.billed.plans.newest() == before


async def test_a_repeated_act_asks_once(pro: BilledGiving) -> None:
    """
    And another thing under the same act is refused.
    """
    first, second = [await pro.ask(HALF, act="t1") for _ in range(2)]

    assert first == second
    with pytest.raises(refunds.RefundDiffers):
        await pro.ask(HALF + 1, act="t1")


async def test_an_invoice_is_refunded_to_the_last_cent_and_no_further(pro: BilledGiving) -> None:
    """
    A part, what is left of it, and nothing more.
    """
    for cents in (19_967, None):
        await pro.finish((await pro.ask(cents)).id)

    with pytest.raises(refunds.RefundExceedsInvoice) as refused:
        await pro.ask(1)
    assert refused.value.facts == {"invoice_id": pro.billed.invoice_id, "left": "$0.00"}
    assert (await pro.taking.charge()).refund_state == "refunded"
    assert await pro.taking.credits() == (0, 60)
    assert await pro.breaches() == []


async def test_of_many_asked_for_at_once_no_more_are_taken_than_was_paid(pro: BilledGiving) -> None:
    """
    Those that would exceed it are refused.
    """
    answers = await asyncio.gather(*(pro.ask(10_000) for _ in range(8)), return_exceptions=True)

    refused = [answer for answer in answers if isinstance(answer, refunds.RefundExceedsInvoice)]
    assert (len(refused), len(await pro.all())) == (3, 5)


async def test_of_many_who_hear_of_one_at_once_one_takes_it_in(pro: BilledGiving) -> None:
    """
    The others wait for the first, and find nothing to do.
    """
    theirs = await pro.make_at_stripe(HALF)

    believed = await asyncio.gather(*(pro.believe(theirs) for _ in range(6)))

    [refund] = await pro.all()
    assert sorted(believed) == ["already"] * 5 + ["moved"]
    await pro.require_refunded_once(refund.id, cents=HALF)


@pytest.mark.parametrize("told", ["once", "twice"])
async def test_a_refund_made_at_stripe_is_taken_in(pro: BilledGiving, told: str) -> None:
    """
    However often it is heard of.
    """
    theirs = await pro.make_at_stripe(HALF)

    believed = [await pro.believe(theirs) for _ in range(2 if told == "twice" else 1)]

    [refund] = await pro.all()
    assert believed == ["moved", "already"][: len(believed)]
    assert (refund.asked_by, refund.invoice_id) == ("stripe", pro.billed.invoice_id)
    await pro.require_refunded_once(refund.id, cents=HALF)


async def test_one_that_failed_is_restored(plans: PlanStage) -> None:
    """
    It was taken back in good faith before; the books and the credits end as they were.
    """
    await plans.add_card("pm_card_refundFail")
    pro = await BilledGiving.of_pro(plans)
    asked = await pro.ask()
    await pro.advance(asked.id)
    taken = await pro.taking.credits()
    await pro.pass_time()

    await pro.believe(await pro.stage.gateway.read_refund(str((await pro.refund(asked.id)).stripe_refund_id)))

    assert taken == (0, 60)
    assert (await pro.refund(asked.id)).state == "failed"
    assert await pro.taking.credits() == (60, 0)
    await pro.require_nothing_moved()


async def test_a_disputed_invoice_is_not_refunded(pro: BilledGiving) -> None:
    """
    The bank has the money; both together would be more than was paid.
    """
    async with pro.stage.database.transaction() as connection:
        await subscriptions.note_dispute(
            connection, customer_id=pro.stage.customer_id, invoice_id=pro.billed.invoice_id, dispute_state="disputed"
        )

    with pytest.raises(refunds.InvoiceDisputed):
        await pro.ask()


async def test_what_was_not_paid_is_not_refunded(plans: PlanStage) -> None:
    """
    Nor what is nobody's.
    """
    await plans.add_card("pm_card_chargeCustomerFail")
    open_ = await BilledGiving.of_pro(plans)

    with pytest.raises(subscriptions.InvoiceNotPaid):
        await open_.ask()
    with pytest.raises(subscriptions.UnknownInvoice):
        await replace(open_, billed=replace(open_.billed, invoice_id=404)).ask()


async def test_which_of_several_payments_goes_back_is_said_at_stripe(plans: PlanStage) -> None:
    """
    We ask for nothing then; what is given back there is taken in.
    """
    await plans.add_card("pm_card_chargeCustomerFail")
    billed = await Billed.at_first(plans)
    paid = await billed.another(1)
    [payment] = paid.theirs.payments
    await paid.settle(replace(paid.theirs, payments=(payment, replace(payment, payment_id="pi_2"))))
    pro = BilledGiving(paid.stage, 0, "pi_1", paid)

    with pytest.raises(refunds.InvoicePaidInParts):
        await pro.ask()

    assert await pro.believe(made_elsewhere("pi_2")) == "moved"
    assert [(refund.amount_cents, refund.state) for refund in await pro.all()] == [(1_000, "succeeded")]
    assert await pro.breaches() == []


async def test_several_grants_are_parked_and_looked_at_again(plans: PlanStage) -> None:
    """
    No rule says which credits go back, so somebody is told, and nothing moves.
    """
    await plans.add_card("pm_card_chargeCustomerFail")
    unpaid = await Billed.at_first(plans)
    [line] = unpaid.theirs.lines
    double = await unpaid.another(1, lines=[replace(line, id="il_1"), replace(line, id="il_2")])
    pro = BilledGiving(double.stage, 0, "pi_1", double)
    before = await double.balances()

    believed = await pro.believe(made_elsewhere("pi_1"))

    [refund] = await pro.all()
    assert (believed, refund.state, refund.parked_reason) == ("parked", "asked", "several_grants")
    assert refund.wake_at is not None
    assert await double.balances() == before
    assert await pro.breaches() == []


@pytest.mark.parametrize("keys", ["kept", "forgotten"])
@pytest.mark.parametrize("kind", KINDS)
async def test_any_single_fault_ends_with_one_refund(pro: BilledGiving, kind: FaultKind, keys: str) -> None:
    """
    Also where Stripe remembers no keys: the refund is looked for before it is made again.
    """
    pro.stage.twin.api.keys.is_on = keys == "kept"
    asked = await pro.ask(HALF)
    pro.stage.twin.faults.plan([Fault(kind)])

    await pro.finish(asked.id)

    await pro.require_refunded_once(asked.id, cents=HALF)


@pytest.mark.parametrize("point", refunds.POINTS)
async def test_dying_at_any_point_ends_with_one_refund(pro: BilledGiving, point: str) -> None:
    """
    Without keys: the next worker looks at what is on disk and at Stripe, and goes on.
    """
    pro.stage.twin.api.keys.is_on = False
    asked = await pro.ask(HALF)

    await pro.finish(asked.id, dying=dying(point, times=1))

    await pro.require_refunded_once(asked.id, cents=HALF)


async def test_a_refund_is_of_one_thing(pro: BilledGiving) -> None:
    """
    By the row's own rules, and for ever.
    """
    await pro.ask(HALF)

    for what in ("invoice_id = NULL", "charge_id = 1", "invoice_id = 2"):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await pro.stage.owner.execute(f"UPDATE refunds SET {what}")  # noqa: S608 -- the words above


async def test_planted_bug_repeating_without_a_look_would_refund_twice(pro: BilledGiving) -> None:
    """
    With the tries forgotten, and the keys at Stripe, a lost answer becomes a second refund; the check says so.
    """
    pro.stage.twin.api.keys.is_on = False
    asked = await pro.ask(1_000)
    pro.stage.twin.faults.plan([Fault("timeout_after")])
    await pro.advance(asked.id)
    await pro.stage.owner.execute("UPDATE refunds SET tries = 0")

    await pro.finish(asked.id)

    with pytest.raises(AssertionError):
        await pro.require_refunded_once(asked.id, cents=1_000)
