"""
Which payment at Stripe paid which invoice: known once, of one thing only, so that money that comes back finds its own.
"""

import asyncio
from dataclasses import replace

import asyncpg
import pytest
from structlog.testing import capture_logs

from charges.stage import Stage as ChargeStage
from rsolv import schema, subscriptions
from rsolv.stripe_gateway import Invoice
from subscriptions.stage import DAY, Stage

STEP = schema.MIGRATIONS / "versions" / "0020_invoices_taken_back"
INTO_INVOICES = """
    INSERT INTO stripe_invoice_payments (stripe_payment_id, customer_id, invoice_id)
    SELECT $1, customer_id, id FROM subscription_invoices LIMIT 1
"""
INTO_CHARGES = """
    INSERT INTO stripe_payments (stripe_payment_id, customer_id, intent_id)
    SELECT $1, customer_id, id FROM charge_intents LIMIT 1
"""
WAITING = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)"


async def known_payments(stage: Stage) -> dict[str, int]:
    """
    Return the payments that are known, each with the invoice that it paid.
    """
    rows = await stage.owner.fetch("SELECT stripe_payment_id, invoice_id FROM stripe_invoice_payments")
    return {row["stripe_payment_id"]: row["invoice_id"] for row in rows}


async def invoice_ids(stage: Stage) -> list[int]:
    """
    Return our invoices, the oldest first.
    """
    return [row["id"] for row in await stage.owner.fetch("SELECT id FROM subscription_invoices ORDER BY id")]


async def read_invoice(stage: Stage) -> Invoice:
    """
    Read the subscription's latest invoice at Stripe.
    """
    return await stage.gateway.read_invoice(str((await stage.newest()).latest_invoice_id))


async def settle(stage: Stage, theirs: Invoice) -> str:
    """
    Believe an invoice.
    """
    async with stage.database.transaction() as connection:
        return (await subscriptions.settle_invoice(connection, stage.bus, theirs, now=stage.now)).believed


async def forget_payments(stage: Stage) -> None:
    """
    Have the look-up be empty, as if it had never been filled.
    """
    await stage.owner.execute("ALTER TABLE stripe_invoice_payments DISABLE TRIGGER USER")
    await stage.owner.execute("DELETE FROM stripe_invoice_payments")
    await stage.owner.execute("ALTER TABLE stripe_invoice_payments ENABLE TRIGGER USER")


async def charge_a_fix(stage: Stage) -> str:
    """
    Have a fix charged, with no credits left, and return its payment.
    """
    await stage.owner.execute("UPDATE customers SET subscription_type = 'pay_as_you_go'")
    charging = ChargeStage(stage.database, stage.owner, stage.gateway, stage.twin, stage.acme, stage.bus)
    charge = await charging.finish(await charging.fix())
    return str(charge.stripe_payment_id)


async def test_the_payment_of_each_paid_invoice_is_known(stage: Stage) -> None:
    """
    Of the first one and of a renewal, each of its own.
    """
    await stage.subscribe()
    await stage.live(32 * DAY)

    known = await known_payments(stage)

    assert set(known) == {intent["id"] for intent in stage.twin.store.all("payment_intent")}
    assert sorted(known.values()) == await invoice_ids(stage)
    assert await stage.breaches() == []


async def test_what_was_not_paid_or_paid_elsewhere_has_no_payment(stage: Stage) -> None:
    """
    Nothing of it can come back through Stripe.
    """
    await stage.add_card("pm_card_chargeCustomerFail")
    await stage.subscribe()

    theirs = await read_invoice(stage)
    elsewhere = replace(theirs, payments=(replace(theirs.payments[0], state="canceled"),), state="paid")
    await settle(stage, elsewhere)

    assert await known_payments(stage) == {}
    assert await stage.breaches() == []


async def test_a_payment_of_an_invoice_that_is_known_as_paid_is_still_noted(stage: Stage) -> None:
    """
    By whatever word about it comes next; a repeat changes nothing.
    """
    await stage.subscribe()
    before = await known_payments(stage)
    await forget_payments(stage)

    settled = [await settle(stage, await read_invoice(stage)) for _ in range(2)]

    assert settled == ["already", "already"]
    assert await known_payments(stage) == before
    await stage.require_one_period()


async def test_the_step_fills_in_the_payments_of_before(stage: Stage) -> None:
    """
    From what the postings say, exactly.
    """
    await stage.subscribe()
    await stage.live(32 * DAY)
    before = await known_payments(stage)

    async with stage.owner.transaction():
        for way in ("down", "up"):
            await stage.owner.execute(STEP.with_suffix(f".{way}.sql").read_text())

    assert len(before) == 2
    assert await known_payments(stage) == before


async def test_a_payment_of_a_charge_stays_the_charges(stage: Stage) -> None:
    """
    Also should an invoice name it: that is believed otherwise, and reported.
    """
    payment_id = await charge_a_fix(stage)
    await stage.subscribe()
    await forget_payments(stage)
    theirs = await read_invoice(stage)

    with capture_logs() as logs:
        await settle(stage, replace(theirs, payments=(replace(theirs.payments[0], payment_id=payment_id),)))

    assert [entry["event"] for entry in logs] == ["payment_mixed_up"]
    assert await known_payments(stage) == {}
    assert await stage.breaches() == []


@pytest.mark.parametrize("statement", [INTO_INVOICES, INTO_CHARGES], ids=["of a charge", "of an invoice"])
async def test_the_database_refuses_a_payment_of_two_things(stage: Stage, statement: str) -> None:
    """
    When the code is bypassed.
    """
    payments = {INTO_INVOICES: await charge_a_fix(stage)}
    await stage.subscribe()
    [payments[INTO_CHARGES]] = await known_payments(stage)

    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="for something else already"):
        await stage.owner.execute(statement, payments[statement])


async def written_at_once(stage: Stage) -> list[object]:
    """
    Write one payment as a charge's and as an invoice's by two connections, the second while the first is open.
    """
    async with stage.database.transaction() as connection:
        await connection.execute(INTO_INVOICES, "pi_both")
        other = asyncio.create_task(stage.owner.execute(INTO_CHARGES, "pi_both"))
        while not other.done() and not await connection.fetchval(WAITING):
            pass
    return await asyncio.gather(other, return_exceptions=True)


async def set_up_for_both(stage: Stage) -> None:
    """
    Have an invoice and a charge that has no payment yet by the look-up.
    """
    await charge_a_fix(stage)
    await stage.subscribe()
    await stage.owner.execute("ALTER TABLE stripe_payments DISABLE TRIGGER stripe_payments_only_grow")
    await stage.owner.execute("DELETE FROM stripe_payments")


@pytest.mark.damages_books("the look-up is emptied", "C-1", "C-3")
async def test_of_two_at_once_one_has_the_payment(stage: Stage) -> None:
    """
    The second waits for the first and is refused.
    """
    await set_up_for_both(stage)

    [answer] = await written_at_once(stage)

    assert isinstance(answer, asyncpg.IntegrityConstraintViolationError)


@pytest.mark.damages_books("the look-up is emptied, and the lock is gone", "C-1", "C-3", "S-4")
async def test_planted_bug_without_the_lock_both_would_have_it(stage: Stage) -> None:
    """
    A look alone does not see what is not committed yet.
    """
    await set_up_for_both(stage)
    guard = await stage.owner.fetchval("SELECT pg_get_functiondef('stripe_payments_are_for_one'::regproc)")
    start = guard.index("PERFORM")
    await stage.owner.execute(guard[:start] + guard[guard.index(";", start) + 1 :])

    assert await written_at_once(stage) == ["INSERT 0 1"]
    assert "S-4" in await stage.breaches()
