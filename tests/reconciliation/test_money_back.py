"""
Refunds and disputes at Stripe, and what they took back here.
"""

import pytest

from charges.stage import NOW, SECOND, Stage
from reconciliation.stage import Office, classes
from refunds.giving import Giving
from rsolv.charges import Charge
from stripe_twin.payments import decide_dispute


async def refunded_at_stripe(office: Office, charge: Charge, cents: int, *, key: str = "by hand") -> str:
    """
    Give a part of a charge back by hand, on Stripe's own pages.
    """
    made = await office.gateway.refund_payment(
        str(charge.stripe_payment_id), amount_cents=cents, reason="duplicate", metadata={}, key=key
    )
    return made.id


async def disputed(office: Office, acme: Stage, card: str = "pm_card_createDispute") -> tuple[Charge, str]:
    """
    Charge somebody whose bank takes it back at once.
    """
    await acme.add_card(card, at=NOW + SECOND)
    charge = await office.paid(acme)
    (dispute,) = await office.gateway.list_disputes(str(charge.stripe_payment_id))
    return charge, dispute.id


async def test_a_refund_nobody_heard_of_is_taken_in(office: Office) -> None:
    """
    Its money and its credit are taken back; compared again it agrees.
    """
    acme = await office.customer()
    charge = await office.paid(acme)
    await refunded_at_stripe(office, charge, charge.amount_cents)

    report = await office.reconcile()

    assert (report.kinds["refund"].settled, report.differences) == (1, [])
    assert (await acme.charge(charge.id)).refund_state == "refunded"
    assert await office.breaches() == []
    assert (await office.reconcile()).kinds["refund"].agreeing == 1


async def test_a_refund_that_failed_unheard_is_restored(office: Office) -> None:
    """
    What the bank sent back is ours again here as well.
    """
    acme = await office.customer()
    charge = await office.paid(acme)
    refund_id = await refunded_at_stripe(office, charge, 900)
    await office.reconcile()
    office.edit("refund", refund_id, status="failed", failure_reason="expired_or_canceled_card")

    report = await office.reconcile()

    assert (report.kinds["refund"].settled, report.differences) == (1, [])
    assert (await acme.charge(charge.id)).refund_state == "none"
    assert await office.breaches() == []


async def test_a_refund_of_a_payment_nobody_heard_of_is_settled_after_it(office: Office) -> None:
    """
    Payments are compared first, so one comparison is enough.
    """
    acme = await office.customer()
    charge = await office.paid(acme)
    giving = await Giving.of_a_new_charge(acme)
    await refunded_at_stripe(office, charge, 100)
    await refunded_at_stripe(office, await acme.charge(giving.charge_id), 200, key="second")

    report = await office.reconcile()

    assert (report.kinds["refund"].settled, report.differences) == (2, [])


@pytest.mark.parametrize(
    ("klass", "changed"),
    [
        ("amount", {"amount": 1}),
        ("currency", {"currency": "eur"}),
        ("owner", {"payment_intent": "pi_another"}),
    ],
)
async def test_a_refund_that_says_otherwise_is_told(office: Office, klass: str, changed: dict[str, object]) -> None:
    """
    And moves nothing.
    """
    acme = await office.customer()
    charge = await office.paid(acme)
    refund_id = await refunded_at_stripe(office, charge, 900)
    await office.reconcile()
    before = await acme.books()
    office.edit("refund", refund_id, **changed)

    report = await office.reconcile()

    assert classes(report.differences) == {("refund", klass, refund_id)}
    assert await acme.books() == before


async def test_a_refund_that_stripe_lost_is_told(office: Office) -> None:
    """
    Our books gave back what Stripe did not.
    """
    acme = await office.customer()
    charge = await office.paid(acme)
    refund_id = await refunded_at_stripe(office, charge, 900)
    await office.reconcile()
    office.lose("refund", refund_id)

    report = await office.reconcile()

    assert classes(report.differences) == {("refund", "missing_there", refund_id)}


async def test_a_refund_made_twice_for_one_asked_is_a_duplicate(office: Office) -> None:
    """
    Both are in the books, since both took money; that it was one too many is told.
    """
    acme = await office.customer()
    giving = await Giving.of_a_new_charge(acme)
    asked = await giving.ask(900)
    made = await giving.advance(asked.id)
    (first,) = await office.gateway.list_refunds(giving.payment_id)
    second = await office.gateway.refund_payment(
        giving.payment_id, amount_cents=900, reason="duplicate", metadata=first.metadata, key="another key"
    )

    report = await office.reconcile()

    assert made.state == "succeeded"
    assert classes(report.differences) == {("refund", "duplicate", second.id)}
    assert await office.breaches() == []


async def test_a_dispute_nobody_heard_of_is_taken_in_and_freezes(office: Office) -> None:
    """
    The money is away at Stripe, so it is here.
    """
    acme = await office.customer()
    charge, _ = await disputed(office, acme)

    report = await office.reconcile()

    assert (report.kinds["dispute"].settled, report.differences) == (1, [])
    assert (await acme.charge(charge.id)).dispute_state == "disputed"
    assert await office.owner.fetchval("SELECT freezes_charges FROM disputes") is True
    assert await office.breaches() == []


async def test_a_dispute_that_was_won_unheard_is_restored(office: Office) -> None:
    """
    By reading it, as the schedule would.
    """
    acme = await office.customer()
    charge, dispute_id = await disputed(office, acme)
    await office.reconcile()
    with office.twin.store.unit():
        decide_dispute(office.twin.account, dispute_id, won=True)

    report = await office.reconcile()

    assert (report.kinds["dispute"].settled, report.differences) == (1, [])
    assert (await acme.charge(charge.id)).dispute_state == "won"
    assert await office.breaches() == []


async def test_a_dispute_of_another_amount_is_told(office: Office) -> None:
    """
    And so is one that Stripe lost.
    """
    acme = await office.customer()
    _, first = await disputed(office, acme)
    _, second = await disputed(office, acme)
    await office.reconcile()
    office.edit("dispute", first, amount=1)
    office.lose("dispute", second)

    report = await office.reconcile()

    assert classes(report.differences) == {("dispute", "amount", first), ("dispute", "missing_there", second)}
