"""
Disputes of a subscription's payment: the same as of a charge, and the subscription goes on unless Stripe ends it.
"""

import asyncio
from dataclasses import dataclass, replace

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings

from charges.stage import NOW
from charges.test_crashes import Died
from disputes.disputing import FRAUDULENT, INQUIRY, LATER, Court, moved, reading
from disputes.test_commands import run
from disputes.test_histories import STEPS, Step, World, banks_of, live_through
from reversals.billed import Billed
from rsolv import disputes
from rsolv.db import Database
from rsolv.stripe_gateway import Dispute as TheirDispute
from rsolv.stripe_gateway import StripeGateway
from stripe_twin.twin import Twin
from subscriptions.stage import Stage as PlanStage
from subscriptions.stage import set_stage as set_plan_stage

PRO = 59_900


@dataclass(frozen=True)
class Bill:
    """
    What readings of a dispute are made from, in place of a charge.
    """

    amount_cents: int
    currency: str
    stripe_payment_id: str


@dataclass(frozen=True)
class Case:
    """
    An invoice, and the court in which it is disputed.
    """

    court: Court
    billed: Billed

    @classmethod
    async def of_pro(cls, plans: PlanStage, *, card: str = "pm_card_visa") -> "Case":
        """
        Subscribe to Pro by a card.
        """
        await plans.add_card(card)
        billed = await Billed.at_first(plans)
        return cls(Court(billed.stage), billed)

    @property
    def bill(self) -> Bill:
        """
        Return what was paid.
        """
        theirs = self.billed.theirs
        return Bill(theirs.amount_paid_cents, theirs.currency, str(theirs.payments[0].payment_id))

    async def theirs(self) -> TheirDispute:
        """
        Return the dispute as Stripe has it.
        """
        [found] = await self.court.stage.gateway.list_disputes(self.bill.stripe_payment_id)
        return await self.court.stage.gateway.read_dispute(found.id)

    async def require_withdrawn(self, cents: int) -> None:
        """
        Insist that so much of the invoice is taken back, once, that acme is frozen, and on sound books.
        """
        money, invoice = await self.court.money(), await self.billed.charge()
        assert money.get("processor", 0) == self.bill.amount_cents - cents
        assert money.get("receivable", 0) + money.get("disputed", 0) == cents
        assert (invoice.amount_disputed_cents, invoice.dispute_state) == (cents, "disputed")
        assert await self.court.is_frozen()
        assert await self.court.breaches() == []

    async def require_untouched(self) -> None:
        """
        Insist that the invoice is ours, whole, that acme is not frozen, and on sound books.
        """
        paid = self.bill.amount_cents
        assert await self.court.money() == {"processor": paid, "revenue": -paid}
        assert await self.billed.credits() == (60, 0)
        assert not await self.court.is_frozen()
        assert await self.court.breaches() == []


@pytest.fixture
async def plans(database: Database, owner: asyncpg.Connection, gateway: StripeGateway, twin: Twin) -> PlanStage:
    """
    Acme with a card and no credits, who may subscribe.
    """
    return await set_plan_stage(database, owner, gateway, twin)


@pytest.fixture
async def pro(plans: PlanStage) -> Case:
    """
    Acme on Pro, and nothing disputed at Stripe yet.
    """
    return await Case.of_pro(plans)


async def test_an_inquiry_moves_nothing_and_is_shown(plans: PlanStage) -> None:
    """
    The invoice says that it is asked about; operators hear of it.
    """
    case = await Case.of_pro(plans, card=INQUIRY)

    await case.court.look((await case.theirs()).id)

    known = await case.court.dispute((await case.theirs()).id)
    assert (known.charge_id, known.invoice_id, known.stage) == (None, case.billed.invoice_id, "inquiry")
    assert (await case.billed.charge()).dispute_state == "inquiry"
    assert await case.court.notices() == ["inquiry"]
    await case.require_untouched()


async def test_money_that_is_withdrawn_is_reversed_and_freezes_new_charges(plans: PlanStage) -> None:
    """
    All credits of the period go with it; the next fix waits; the subscription and the plan stay as they are.
    """
    case = await Case.of_pro(plans, card=FRAUDULENT)
    before = await plans.newest(), await plans.customer()

    await case.court.look((await case.theirs()).id)

    await case.require_withdrawn(PRO)
    assert await case.billed.credits() == (0, 60)
    assert (await plans.newest(), await plans.customer()) == before
    assert await case.court.acts() == ["charges:frozen", "dispute:open", "dispute:taken"]
    assert (await case.court.held()).parked_reason == disputes.DISPUTED


async def test_a_win_restores_all_and_lets_charges_go_on(plans: PlanStage) -> None:
    """
    To the cent and to the credit.
    """
    case = await Case.of_pro(plans, card=FRAUDULENT)
    dispute_id = (await case.theirs()).id
    await case.court.look(dispute_id)
    await case.court.decide(dispute_id, won=True)

    await case.court.look(dispute_id)

    assert (await case.billed.charge()).dispute_state == "won"
    await case.require_untouched()


async def test_a_loss_stays_taken_until_an_operator_lets_go(plans: PlanStage) -> None:
    """
    The freeze is lifted; the money stays where it is.
    """
    case = await Case.of_pro(plans, card=FRAUDULENT)
    dispute_id = (await case.theirs()).id
    await case.court.look(dispute_id)
    await case.court.decide(dispute_id, won=False)
    await case.court.look(dispute_id)
    lost = await case.billed.charge()

    released = await case.court.release()

    assert (lost.dispute_state, lost.amount_disputed_cents, released) == ("lost", PRO, 1)
    assert not await case.court.is_frozen()
    assert (await case.court.money())["disputed"] == PRO
    assert await case.court.breaches() == []


async def test_an_older_reading_is_passed_over(pro: Case) -> None:
    """
    Money went and came back; who still has the first reading in hand changes nothing.
    """
    for movements in (1, 2):
        await pro.court.settle(moved(pro.bill, "open", movements))

    settled = await pro.court.settle(moved(pro.bill, "open", 1))

    assert settled.believed == "stale"
    await pro.require_untouched()


async def test_planted_bug_believing_whoever_comes_last_takes_it_again(pro: Case) -> None:
    """
    Without the count of movements.
    """
    for movements in (1, 2):
        await pro.court.settle(moved(pro.bill, "open", movements))

    await pro.court.settle(moved(pro.bill, "open", 3))  # as if the older reading did not say that it is

    with pytest.raises(AssertionError):
        await pro.require_untouched()


async def test_two_at_once_take_it_back_once(pro: Case) -> None:
    """
    The others wait for the first, and find nothing to do.
    """
    settled = await asyncio.gather(*(pro.court.settle(reading(pro.bill)) for _ in range(4)))

    assert sorted(each.believed for each in settled) == ["already"] * 3 + ["settled"]
    await pro.require_withdrawn(PRO)


async def test_dying_half_way_leaves_nothing(pro: Case) -> None:
    """
    Books, freeze, notices and record are one transaction.
    """

    async def settle_and_die() -> None:
        async with pro.court.stage.database.transaction() as connection:
            await disputes.settle_dispute(connection, pro.court.stage.bus, reading(pro.bill), now=NOW)
            raise Died

    with pytest.raises(Died):
        await settle_and_die()

    assert await pro.court.notices() == []
    await pro.require_untouched()


async def test_what_is_left_after_a_refund_can_be_disputed_and_no_more(pro: Case) -> None:
    """
    More than that is parked, and freezes all the same.
    """
    await pro.billed.take(29_950, "re_1")

    parked = await pro.court.settle(reading(pro.bill, "du_1", amount_cents=29_951))
    taken = await pro.court.settle(reading(pro.bill, "du_2", amount_cents=29_950))

    assert (parked.believed, parked.dispute.parked_reason) == ("parked", "more_than_captured")
    assert (taken.believed, (await pro.court.money())["disputed"]) == ("settled", 29_950)
    assert await pro.court.is_frozen()
    assert await pro.court.breaches() == []


@pytest.mark.parametrize(
    ("parts", "reason"), [({"currency": "eur"}, "currency_differs"), ({"amount_cents": PRO + 1}, "amount_differs")]
)
async def test_what_does_not_agree_with_the_invoice_is_parked(pro: Case, parts: dict[str, object], reason: str) -> None:
    """
    Nothing moves, charges are frozen, and somebody looks.
    """
    settled = await pro.court.settle(reading(pro.bill, **parts))

    assert (settled.believed, settled.dispute.parked_reason) == ("parked", reason)
    assert await pro.billed.credits() == (60, 0)
    assert await pro.court.is_frozen()


async def test_several_grants_are_parked_and_freeze(plans: PlanStage) -> None:
    """
    No rule says which credits go back.
    """
    await plans.add_card("pm_card_chargeCustomerFail")
    unpaid = await Billed.at_first(plans)
    [line] = unpaid.theirs.lines
    double = await unpaid.another(1, lines=[replace(line, id="il_1"), replace(line, id="il_2")])
    case = Case(Court(double.stage), double)

    settled = await case.court.settle(reading(case.bill))

    assert (settled.believed, settled.dispute.parked_reason) == ("parked", "several_grants")
    assert await double.credits() == (120, 0)
    assert await case.court.is_frozen()
    assert await case.court.breaches() == []


async def test_a_dispute_is_of_one_thing(pro: Case) -> None:
    """
    By the row's own rules, and for ever.
    """
    await pro.court.settle(reading(pro.bill))

    for what in ("invoice_id = NULL", "charge_id = 1", "invoice_id = 2"):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await pro.court.stage.owner.execute(f"UPDATE disputes SET {what}")  # noqa: S608 -- the words above


@pytest.mark.damages_books("a dispute is of another invoice", "D-1")
async def test_planted_bug_a_reversal_of_something_else_is_noticed(pro: Case) -> None:
    """
    D-1 compares which invoice it is.
    """
    await pro.court.settle(reading(pro.bill))
    await pro.court.stage.owner.execute("ALTER TABLE disputes DISABLE TRIGGER disputes_obey")
    await pro.court.stage.owner.execute("ALTER TABLE disputes DROP CONSTRAINT disputes_invoice_fkey")

    await pro.court.stage.owner.execute("UPDATE disputes SET invoice_id = 404")

    assert "D-1" in [finding.id for finding in await pro.court.breaches()]


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=STEPS)
async def test_any_history_ends_where_stripe_has_it(pairs: tuple[Case, Case], steps: list[Step]) -> None:
    """
    As for charges: readings in any order, appeals, money that goes and comes again, and operators.
    """
    court = pairs[0].court
    connection = court.stage.owner
    transaction = connection.transaction()
    await transaction.start()
    try:
        world = World(court, connection, banks_of(pairs[0].bill, pairs[1].bill))
        await live_through(world, steps)
        await world.come_to_rest()
        await world.require_agreement()
        assert await court.breaches() == []
    finally:
        await transaction.rollback()


@pytest.fixture
async def pairs(plans: PlanStage) -> tuple[Case, Case]:
    """
    Two invoices that were paid.
    """
    await plans.add_card("pm_card_chargeCustomerFail")
    unpaid = await Billed.at_first(plans)
    paid = [await unpaid.another(number) for number in (1, 2)]
    court = Court(unpaid.stage)
    return Case(court, paid[0]), Case(court, paid[1])


async def test_disputes_are_shown_at_the_command_line(plans: PlanStage, database_url: str) -> None:
    """
    With the invoice that they are about.
    """
    case = await Case.of_pro(plans, card=FRAUDULENT)
    dispute_id = (await case.theirs()).id
    await case.court.look(dispute_id, at=LATER)

    listed = (await run(database_url, "disputes", "list")).stdout
    shown = (await run(database_url, "disputes", "show", dispute_id)).stdout

    assert f"invoice {case.billed.invoice_id}" in listed
    assert f"invoice {case.billed.invoice_id} of customer {plans.customer_id}" in shown
