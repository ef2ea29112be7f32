"""
Taking an invoice back, where it is not as with a charge: what it brought, and what it leaves alone.

That its money and credits go back by the same rules is shown by the tests of charges, which run for both.
"""

from dataclasses import replace

import asyncpg
import pytest

from reversals.billed import Billed
from reversals.taking import PRICE, Taking, reversal_rows
from reversals.test_guards import COPY
from rsolv import reversals, schema, subscriptions
from rsolv.reversals import ChargeReversed, Paid
from rsolv.subscriptions import Subscription
from subscriptions.stage import DAY, Stage

PRO, HALF = 59_900, 29_950


@pytest.fixture
async def pro(plans: Stage) -> Billed:
    """
    The first invoice of Pro, paid at Stripe: sixty credits.
    """
    return await Billed.at_first(plans)


async def standing(billed: Billed) -> tuple[Subscription, tuple[str, str | None], list[str]]:
    """
    Return all that a subscription means to its customer, apart from money and credits.
    """
    return await billed.plans.newest(), await billed.plans.customer(), await billed.plans.notices()


async def test_half_of_pro_takes_half_of_its_credits(pro: Billed) -> None:
    """
    Unspent they are taken, and nothing is owed.
    """
    taken = await pro.take(HALF)

    assert (taken.paid_cents, taken.credits_due, taken.credits_taken, taken.receivable_cents) == (PRO, 30, 30, 0)
    assert await pro.dollars() == {"processor": HALF, "revenue": -PRO, "refunded": HALF}
    assert await pro.credits() == (30, 30)
    assert ((await pro.charge()).amount_refunded_cents, (await pro.charge()).refund_state) == (HALF, "partly_refunded")
    assert await pro.breaches() == []


async def test_spent_credits_of_pro_are_owed_and_collected_when_they_flow_back(pro: Billed) -> None:
    """
    A fix that is reversed afterwards ends in the same books as one before.
    """
    spent = await pro.spend(60)
    await pro.take(HALF)
    owed = await pro.dollars()

    await pro.unspend(spent.posting_id)

    assert owed == {"processor": HALF, "revenue": -PRO, "receivable": HALF}
    assert await pro.dollars() == {"processor": HALF, "revenue": -PRO, "refunded": HALF}
    assert await pro.credits() == (30, 30)
    assert await pro.breaches() == []


async def test_each_period_gives_back_its_own_credits(pro: Billed) -> None:
    """
    The first period's are spent first, and so the second one's are there to be taken.
    """
    await pro.plans.live(32 * DAY)
    second = replace(
        pro, invoice_id=await pro.stage.owner.fetchval("SELECT max(id) FROM subscription_invoices"), charge_id=0
    )
    await pro.spend(60)

    first_taken, second_taken = await pro.take(PRO, "re_1"), await second.take(PRO, "re_2")

    assert [(each.credits_taken, each.receivable_cents) for each in (first_taken, second_taken)] == [(0, PRO), (60, 0)]
    assert await pro.credits() == (0, 60)
    assert await pro.breaches() == []


async def test_money_back_never_changes_the_subscription(pro: Billed) -> None:
    """
    Whether it goes on is Stripe's word: taken back whole, disputed and restored, it is as it was.
    """
    before = await standing(pro)

    await pro.take(HALF, "re_1")
    await pro.take(HALF, "dp_1", kind="dispute")
    await pro.restore("dp_1", kind="dispute")

    assert await standing(pro) == before


@pytest.mark.damages_books("what is disputed here is known to no dispute", "D-3")
@pytest.mark.parametrize("kind", ["refund", "dispute"])
@pytest.mark.parametrize("spent", [0, 60])
async def test_a_lost_customer_brought_what_stayed(pro: Billed, kind: reversals.ReversalKind, spent: int) -> None:
    """
    Money that went back is none, also where it is owed for credits that are spent: nobody collects that.
    """
    for credits in [spent] if spent else []:
        await pro.spend(credits)
    await pro.take(HALF, kind=kind)

    await pro.plans.cancel(at_period_end=False)

    assert [event.lifetime_value_cents for event in pro.plans.churned] == [PRO - HALF]


async def test_nobody_is_told_of_a_charge(pro: Billed) -> None:
    """
    What waits for a spending cap has no more room by it: invoices do not count under caps.
    """
    heard: list[ChargeReversed] = []

    async def note(_connection: object, event: ChargeReversed) -> None:
        heard.append(event)

    pro.stage.bus.subscribe(ChargeReversed, note)
    await pro.take()
    await pro.restore()

    assert heard == []


async def test_an_invoice_without_credits_gives_back_money_alone(billed: Billed) -> None:
    """
    Such as one for a change in the middle of a period: nothing of it can be owed.
    """
    [line] = billed.theirs.lines
    prorated = await billed.another(1, lines=[replace(line, id="il_1", is_proration=True)])

    taken = await prorated.take(1_000)

    assert (taken.credits_due, taken.receivable_cents) == (0, 0)
    assert await prorated.dollars() == {"processor": 1_900, "revenue": -PRICE, "refunded": 1_000}
    assert await prorated.breaches() == []


async def test_what_else_was_billed_shares_what_goes_back(billed: Billed) -> None:
    """
    Money has no line: of an invoice that bills a period and as much again, half takes half of the credits.
    """
    [line] = billed.theirs.lines
    mixed = await billed.another(1, lines=[replace(line, id="il_1"), replace(line, id="il_2", price_id=None)])

    taken = await mixed.take(PRICE // 2)

    assert (taken.credits_granted, taken.credits_due) == (60, 30)
    assert await mixed.breaches() == []


async def test_several_grants_are_for_somebody_to_decide(billed: Billed) -> None:
    """
    No rule says which of them goes back, so nothing does.
    """
    [line] = billed.theirs.lines
    double = await billed.another(1, lines=[replace(line, id="il_1"), replace(line, id="il_2")])
    before = await double.stage.books()

    with pytest.raises(reversals.SeveralGrants) as refused:
        await double.take()

    assert refused.value.facts == {"invoice_id": double.invoice_id}
    assert await double.stage.books() == before
    assert await reversal_rows(double.stage.owner) == []


async def test_what_was_not_paid_cannot_be_taken_back(billed: Billed) -> None:
    """
    Nor what is nobody's.
    """
    with pytest.raises(subscriptions.InvoiceNotPaid):
        await billed.take()
    with pytest.raises(subscriptions.UnknownInvoice):
        await replace(billed, invoice_id=404).take()

    assert await billed.stage.money() == {}


async def test_more_than_was_paid_is_refused_and_leaves_no_trace(pro: Billed) -> None:
    """
    A refund and a dispute together do not exceed the invoice.
    """
    await pro.take(HALF)
    before = await pro.stage.books()

    with pytest.raises(reversals.ReversalExceedsPayment) as refused:
        await pro.take(HALF + 1, "dp_1", kind="dispute")

    assert refused.value.facts == {"invoice_id": pro.invoice_id, "left_cents": HALF, "amount_cents": HALF + 1}
    assert await pro.stage.books() == before


@pytest.mark.parametrize("table", ["reversals", "subscription_invoices", "ledger_entries"])
async def test_dying_half_way_leaves_nothing(pro: Billed, table: str) -> None:
    """
    At whichever write: money, credits, the row and the invoice move together or not at all.
    """
    before = await pro.stage.books()
    await pro.stage.owner.execute(
        "CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'planted'; END $$"
    )
    await pro.stage.owner.execute(
        f"CREATE TRIGGER planted BEFORE INSERT OR UPDATE ON {table} EXECUTE FUNCTION planted()"
    )

    with pytest.raises(asyncpg.RaiseError, match="planted"):
        await pro.take()

    assert await pro.stage.books() == before
    assert await reversal_rows(pro.stage.owner) == []
    assert (await pro.charge()).amount_refunded_cents == 0


async def test_an_invoice_and_a_charge_of_the_same_id_are_told_apart(billed: Billed) -> None:
    """
    A customer's charge 1 and invoice 1 have nothing to do with each other.
    """
    invoice = await billed.another(1)
    await invoice.empty()
    await invoice.stage.add_card()
    charge_id = await invoice.stage.fix()
    await invoice.stage.finish(charge_id)
    charge = Taking(invoice.stage, charge_id)
    await charge.take(PRICE, "re_1")

    await invoice.take(PRICE, "re_2")

    listed = [
        await reversals.list_reversals(invoice.stage.owner, customer_id=invoice.customer_id, paid=paid)
        for paid in (charge.paid, invoice.paid, Paid("charge", 404), Paid("invoice", 404))
    ]
    assert [[each.stripe_object_id for each in found] for found in listed] == [["re_1"], ["re_2"], [], []]
    assert await invoice.breaches() == []


async def test_more_than_was_paid_is_refused_by_the_database(pro: Billed) -> None:
    """
    Whatever the code believes.
    """
    await pro.take(HALF)

    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="more than invoice"):
        await pro.stage.owner.execute(COPY_OF_INVOICE, "re_2", HALF + 1)


@pytest.mark.parametrize("what", ["invoice_id = NULL", "source_kind = 'charge'"])
async def test_what_an_invoice_gave_back_stays_the_invoices(pro: Billed, what: str) -> None:
    """
    By the row's own rules.
    """
    await pro.take(HALF)

    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await pro.stage.owner.execute(f"UPDATE reversals SET {what}")  # noqa: S608 -- the words above


COPY_OF_INVOICE = COPY.replace("money_posting_id, taken_at", "money_posting_id, taken_at, invoice_id")


async def test_the_step_back_refuses_once_an_invoice_gave_back(pro: Billed) -> None:
    """
    Whole: before it there is no place for what was taken.
    """
    await pro.take(HALF)
    step = schema.MIGRATIONS / "versions" / "0020_invoices_taken_back.down.sql"

    with pytest.raises(asyncpg.CheckViolationError, match="reversals_source_known"):
        async with pro.stage.owner.transaction():
            await pro.stage.owner.execute(step.read_text())

    assert await pro.breaches() == []


@pytest.mark.damages_books("more is taken back than was paid", "R-1", "R-2")
async def test_planted_bug_without_its_trigger_too_much_is_noticed(pro: Billed) -> None:
    """
    R-1 sees what the database no longer refuses.
    """
    await pro.take(HALF)
    await pro.stage.owner.execute("ALTER TABLE reversals DISABLE TRIGGER reversals_within_payment")
    await pro.stage.owner.execute(COPY_OF_INVOICE, "re_2", HALF + 1)

    assert "R-1" in await pro.breaches()


@pytest.mark.damages_books("an invoice forgets what went back", "R-1")
async def test_planted_bug_an_invoice_that_forgets_what_went_back_is_noticed(pro: Billed) -> None:
    """
    What is shown to the customer agrees with the books.
    """
    await pro.take(HALF)

    await pro.stage.owner.execute("UPDATE subscription_invoices SET amount_refunded_cents = 0")

    assert await pro.breaches() == ["R-1"]
