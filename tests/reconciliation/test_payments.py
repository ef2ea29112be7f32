"""
Payments at Stripe and charges here: what agrees, what is settled, and what somebody has to look at.
"""

from contextlib import suppress

import pytest

from charges.stage import NOW, Stage
from charges.test_crashes import Died, dying
from reconciliation.stage import Office, classes
from rsolv import reconciliation
from rsolv.audit import Actor
from stripe_twin.core import Record

ADA = Actor("operator", "ada")


async def test_what_both_sides_say_alike_is_no_news(office: Office) -> None:
    """
    Everything is compared, nothing differs, and nothing is written but that it was looked at.
    """
    acme, other = await office.customer(), await office.customer("other")
    for stage in (acme, acme, other):
        await office.paid(stage)
    before = await acme.books()

    report = await office.reconcile()

    assert (report.kinds["payment"].compared, report.kinds["payment"].agreeing) == (3, 3)
    assert (report.differences, await office.open_discrepancies()) == ([], [])
    assert office.told["payment"] == 3
    assert await acme.books() == before


async def test_a_payment_nobody_heard_of_is_settled(office: Office) -> None:
    """
    The worker died after Stripe was paid, and no event came: charge, credit and fix are as if it had lived.
    """
    acme = await office.customer()
    charge_id = await acme.fix()
    with suppress(Died):
        await acme.finish(charge_id, machine=acme.machine(at=dying("X10")))

    report = await office.reconcile()

    assert (report.kinds["payment"].settled, report.differences) == (1, [])
    await acme.require_paid_once(charge_id)
    assert (await office.reconcile()).kinds["payment"].agreeing == 1


async def test_a_payment_is_settled_whose_charge_never_learned_its_id(office: Office) -> None:
    """
    Made and paid for a charge that has none: by its marks it is known whose it is.
    """
    acme = await office.customer()
    charge_id = await acme.fix()
    with suppress(Died):
        await acme.finish(charge_id, machine=acme.machine(at=dying("X5")))
    (made,) = acme.theirs()
    await acme.gateway.confirm_payment(made["id"], payment_method_id=await card_of(acme), key="by hand")

    report = await office.reconcile()

    assert (report.kinds["payment"].settled, report.differences) == (1, [])
    await acme.end_leases()
    await acme.finish(charge_id)
    await acme.require_paid_once(charge_id)


async def card_of(acme: Stage) -> str:
    """
    Return a card of the customer's at Stripe.
    """
    (method,) = [each for each in acme.twin.store.all("payment_method") if each["customer"]]
    return str(method["id"])


async def test_money_that_stripe_does_not_have_is_told(office: Office) -> None:
    """
    The posting stays; somebody looks.
    """
    acme = await office.customer()
    gone, unpaid = await office.paid(acme), await office.paid(acme)
    office.lose("payment_intent", str(gone.stripe_payment_id))
    office.edit("payment_intent", str(unpaid.stripe_payment_id), status="canceled", amount_received=0)
    before = await acme.books()

    report = await office.reconcile()

    assert classes(report.differences) == {
        ("payment", "missing_there", gone.stripe_payment_id),
        ("payment", "missing_there", unpaid.stripe_payment_id),
    }
    assert await acme.books() == before


@pytest.mark.parametrize(
    ("klass", "changed"),
    [
        ("amount", {"amount_received": 1}),
        ("currency", {"currency": "eur"}),
        ("owner", {"customer": "cus_another"}),
        ("owner", {"metadata__rsolv_customer_id": "999"}),
    ],
)
async def test_a_payment_that_says_otherwise_is_told_and_nothing_is_repaired(
    office: Office, klass: str, changed: dict[str, object]
) -> None:
    """
    Once: written down, alerted, promised to be told, and seen again without another word.
    """
    acme = await office.customer()
    charge = await office.paid(acme)
    office.edit("payment_intent", str(charge.stripe_payment_id), **changed)
    before = await acme.books()

    report = await office.reconcile()
    await office.reconcile()

    found = {("payment", klass, charge.stripe_payment_id)}
    assert classes(report.differences) == found
    assert classes(await office.open_discrepancies()) == found
    assert await office.jobs("mail.send_discrepancy_notice") == 1
    assert await acme.books() == before


async def test_a_second_payment_for_one_charge_is_a_duplicate(office: Office) -> None:
    """
    Whatever made it, the customer has paid twice.
    """
    acme = await office.customer()
    charge = await office.paid(acme)
    (first,) = acme.paid()
    second = await pay_again(office, first)

    report = await office.reconcile()

    assert classes(report.differences) == {("payment", "duplicate", second)}
    (discrepancy,) = await office.open_discrepancies()
    assert (discrepancy.customer_id, discrepancy.amount_cents) == (acme.customer_id, charge.amount_cents)


async def pay_again(office: Office, first: Record) -> str:
    """
    Pay a second time with the marks of the first.
    """
    made = await office.gateway.create_payment(
        stripe_customer_id=str(first["customer"]),
        amount_cents=int(str(first["amount"])),
        currency="usd",
        payment_method_id=None,
        description="again",
        metadata=dict(first["metadata"]),
        key=f"again {first['id']}",
    )
    (method,) = [each for each in office.twin.store.all("payment_method") if each["customer"] == first["customer"]]
    await office.gateway.confirm_payment(made.id, payment_method_id=method["id"], key=f"again {made.id}")
    return made.id


async def test_money_of_our_customer_that_nobody_asked_for_is_told(office: Office) -> None:
    """
    Without a mark of ours, towards no invoice: somebody charged them by hand. Of strangers we say nothing.
    """
    acme = await office.customer()
    await office.paid(acme)
    (first,) = acme.paid()
    by_hand = await pay_again(office, first | {"metadata": {}})
    stranger = await office.gateway.create_customer(email="s@example.com", name="S", metadata={}, key="stranger")
    await office.gateway.create_payment(
        stripe_customer_id=stranger.id,
        amount_cents=500,
        currency="usd",
        payment_method_id=None,
        description="not ours",
        metadata={},
        key="not ours",
    )

    report = await office.reconcile()

    assert classes(report.differences) == {("payment", "missing_here", by_hand)}
    assert report.kinds["payment"].foreign == 1


async def test_a_charge_whose_payment_was_canceled_at_stripe_is_brought_up_to_date(office: Office) -> None:
    """
    Nothing moved, and the charge ends.
    """
    acme = await office.customer()
    charge_id = await acme.fix()
    with suppress(Died):
        await acme.finish(charge_id, machine=acme.machine(at=dying("X7")))
    (made,) = acme.theirs()
    await office.gateway.cancel_payment(made["id"], key="by hand")

    report = await office.reconcile()

    assert (report.kinds["payment"].settled, report.differences) == (1, [])
    assert (await acme.charge(charge_id)).state == "canceled"


async def test_an_unpaid_payment_is_nobodys_concern(office: Office) -> None:
    """
    A charge on its way, and an orphan that a lost answer left: neither is money.
    """
    acme = await office.customer()
    with suppress(Died):
        await acme.finish(await acme.fix(), machine=acme.machine(at=dying("X7")))

    report = await office.reconcile()

    assert (report.kinds["payment"].agreeing, report.differences) == (1, [])


async def test_a_discrepancy_that_has_gone_is_closed(office: Office) -> None:
    """
    By the comparison that finds both sides alike.
    """
    acme = await office.customer()
    charge = await office.paid(acme)
    office.edit("payment_intent", str(charge.stripe_payment_id), currency="eur")
    await office.reconcile()
    office.edit("payment_intent", str(charge.stripe_payment_id), currency="usd")

    await office.reconcile()

    assert await office.open_discrepancies() == []


async def test_what_an_operator_accepted_is_not_told_again_until_it_changes(office: Office) -> None:
    """
    Closed with a reason, it stays closed while both sides say what they said; another word is news.
    """
    acme = await office.customer()
    charge = await office.paid(acme)
    office.edit("payment_intent", str(charge.stripe_payment_id), amount_received=1)
    await office.reconcile()
    (found,) = await office.open_discrepancies()
    async with office.database.transaction() as connection:
        await reconciliation.close_discrepancy(
            connection, found.id, actor=ADA, reason="the bank's mistake, settled by mail", now=NOW
        )

    await office.reconcile()
    accepted = await office.open_discrepancies()
    office.edit("payment_intent", str(charge.stripe_payment_id), amount_received=2)
    await office.reconcile()

    assert accepted == []
    assert len(await office.open_discrepancies()) == 1


async def test_a_discrepancy_is_closed_once(office: Office) -> None:
    """
    And one that is not there cannot be.
    """
    acme = await office.customer()
    charge = await office.paid(acme)
    office.edit("payment_intent", str(charge.stripe_payment_id), currency="eur")
    await office.reconcile()
    (found,) = await office.open_discrepancies()

    async with office.database.transaction() as connection:
        closed = await reconciliation.close_discrepancy(connection, found.id, actor=ADA, reason="seen", now=NOW)
        with pytest.raises(reconciliation.DiscrepancyClosed):
            await reconciliation.close_discrepancy(connection, found.id, actor=ADA, reason="seen", now=NOW)
        with pytest.raises(reconciliation.UnknownDiscrepancy):
            await reconciliation.close_discrepancy(connection, 999, actor=ADA, reason="seen", now=NOW)

    assert (closed.closed_by, closed.close_reason) == ("operator:ada", "seen")


async def test_a_charge_is_found_that_is_older_than_the_list(office: Office) -> None:
    """
    Paid within the time looked at, made before it: read by its id.
    """
    acme = await office.customer()
    charge = await office.paid(acme)
    office.edit("payment_intent", str(charge.stripe_payment_id), created=0)

    report = await office.reconcile()

    assert (report.kinds["payment"].agreeing, report.differences) == (1, [])
