"""
Two hundred discrepancies of eight kinds among twice as much that agrees: each found, in its class, and nothing else.

Beside it stand planted bugs: a comparison that forgets to look at one thing, which must be noticed by the same measure.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from charges.stage import Stage
from charges.test_crashes import Died, dying
from reconciliation.stage import SINCE, Office, classes
from reconciliation.test_money_back import refunded_at_stripe
from reconciliation.test_payments import pay_again
from rsolv.charges import Charge
from rsolv.reconciliation import SIDES, Difference, Report

OF_EACH_KIND = 25
Found = set[tuple[str, str, str]]
Inject = Callable[[Office, Stage], Awaitable[tuple[str, str, str]]]


async def _payment(office: Office, acme: Stage) -> tuple[Charge, str]:
    charge = await office.paid(acme)
    return charge, str(charge.stripe_payment_id)


async def unheard_payment(office: Office, acme: Stage) -> tuple[str, str, str]:
    """
    Paid, and the worker died.
    """
    charge_id = await acme.fix()
    with suppress(Died):
        await acme.finish(charge_id, machine=acme.machine(at=dying("X10")))
    return "payment", "missing_here", str((await acme.charge(charge_id)).stripe_payment_id)


async def payment_gone(office: Office, acme: Stage) -> tuple[str, str, str]:
    """
    Posted here, unknown there.
    """
    _, payment_id = await _payment(office, acme)
    office.lose("payment_intent", payment_id)
    return "payment", "missing_there", payment_id


async def other_amount(office: Office, acme: Stage) -> tuple[str, str, str]:
    """
    A cent too much.
    """
    charge, payment_id = await _payment(office, acme)
    office.edit("payment_intent", payment_id, amount_received=charge.amount_cents + 1)
    return "payment", "amount", payment_id


async def other_currency(office: Office, acme: Stage) -> tuple[str, str, str]:
    """
    As many of another kind.
    """
    _, payment_id = await _payment(office, acme)
    office.edit("payment_intent", payment_id, currency="eur")
    return "payment", "currency", payment_id


async def other_owner(office: Office, acme: Stage) -> tuple[str, str, str]:
    """
    Paid by somebody else.
    """
    _, payment_id = await _payment(office, acme)
    office.edit("payment_intent", payment_id, customer="cus_another")
    return "payment", "owner", payment_id


async def paid_twice(office: Office, acme: Stage) -> tuple[str, str, str]:
    """
    Two payments with the marks of one charge.
    """
    _, payment_id = await _payment(office, acme)
    first = office.twin.store.find("payment_intent", payment_id)
    assert first is not None
    return "payment", "duplicate", await pay_again(office, first)


async def unheard_refund(office: Office, acme: Stage) -> tuple[str, str, str]:
    """
    Given back by hand at Stripe.
    """
    charge, payment_id = await _payment(office, acme)
    return "refund", "missing_here", await refunded_at_stripe(office, charge, 900, key=payment_id)


async def canceled_unheard(office: Office, acme: Stage) -> tuple[str, str, str]:
    """
    Ended at Stripe before it was paid.
    """
    charge_id = await acme.fix()
    with suppress(Died):
        await acme.finish(charge_id, machine=acme.machine(at=dying("X7")))
    payment_id = str((await acme.charge(charge_id)).stripe_payment_id)
    await office.gateway.cancel_payment(payment_id, key=payment_id)
    return "payment", "stale", payment_id


INJECTIONS: tuple[Inject, ...] = (
    unheard_payment,
    payment_gone,
    other_amount,
    other_currency,
    other_owner,
    paid_twice,
    unheard_refund,
    canceled_unheard,
)


async def inject(office: Office, each: int) -> Found:
    """
    Do each of the eight things so many times, among payments and refunds that agree; return what must be found.
    """
    acme, honest = await office.customer(), await office.customer("honest")
    injected = []
    for _ in range(each):
        injected += [await act(office, acme) for act in INJECTIONS]
        await office.paid(honest)
    await refunded_at_stripe(office, await office.paid(honest), 100, key="honest")
    assert len(set(injected)) == len(INJECTIONS) * each
    return set(injected)


def found_by(settling: type[Any]) -> tuple[type[Any], Found]:
    """
    Return a side that notes each difference it sees before anything is settled, and its notes.
    """
    notes: Found = set()

    class Noting(settling):
        """
        Compare as always, and take notes.
        """

        def compare(self, ours: Any, theirs: Any) -> Difference | None:
            difference: Difference | None = super().compare(ours, theirs)
            notes.update(classes([difference] if difference else []))
            return difference

        def missing_there(self, stripe_object_id: str, ours: Any) -> Difference:
            difference: Difference = super().missing_there(stripe_object_id, ours)
            notes.update(classes([difference]))
            return difference

    return Noting, notes


async def compare_noting(office: Office, sides: tuple[type[Any], ...]) -> tuple[Report, Found]:
    """
    Compare with sides that take notes, and return all that they saw.
    """
    pairs = [found_by(side) for side in sides]
    report = await office.reconcile(since=SINCE, sides=tuple(side for side, _ in pairs))
    return report, set().union(*(notes for _, notes in pairs))


async def test_every_injected_discrepancy_is_found_in_its_class_and_no_other(office: Office) -> None:
    """
    What was unheard is settled, the rest is told, what agrees is left alone. A second look finds only what is left.
    """
    injected = await inject(office, OF_EACH_KIND)
    honest_refund = [each["id"] for each in office.twin.store.all("refund") if each["amount"] == 100]

    report, found = await compare_noting(office, SIDES)

    assert found == injected | {("refund", "missing_here", each) for each in honest_refund}
    left = {each for each in injected if each[1] not in ("missing_here", "stale")}
    assert classes(report.differences) == left
    assert Counter(klass for _, klass, _ in left) == dict.fromkeys(
        ("missing_there", "amount", "currency", "owner", "duplicate"), OF_EACH_KIND
    )
    assert (report.total.settled, report.total.rebuilt) == (3 * OF_EACH_KIND + 1, 0)
    assert classes((await office.reconcile()).differences) == left
    assert await office.breaches() == []


@pytest.mark.parametrize(
    "klass", ["missing_here", "missing_there", "amount", "currency", "owner", "duplicate", "stale"]
)
async def test_a_comparison_that_overlooks_a_class_is_noticed(office: Office, klass: str) -> None:
    """
    The planted bug: what is of one class is taken to agree.
    """
    injected = await inject(office, 1)
    payments, *others = SIDES

    class Blind(payments):
        """
        Overlook one class.
        """

        def compare(self, ours: Any, theirs: Any) -> Difference | None:
            difference: Difference | None = super().compare(ours, theirs)
            return None if difference is not None and difference.klass == klass else difference

        async def list_ours(self, connection: Any, *, after_id: int) -> Any:
            return [] if klass == "missing_there" else await super().list_ours(connection, after_id=after_id)

    _, found = await compare_noting(office, (Blind, *others))

    assert {each for each in injected - found if each[1] == klass and each[0] == "payment"}
