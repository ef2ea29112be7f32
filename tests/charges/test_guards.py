"""
What the database refuses, whatever the code says.
"""

from itertools import product
from typing import get_args

import asyncpg
import pytest

from charges.stage import NOW, Stage
from charges.test_crashes import Died, dying
from rsolv.charges import ChargeState
from rsolv.db import Unavailable

STATES: tuple[ChargeState, ...] = get_args(ChargeState)
MOVES = {
    ("created", "preparing"),
    ("created", "canceled"),
    ("preparing", "prepared"),
    ("preparing", "canceled"),
    ("prepared", "confirming"),
    ("prepared", "unknown"),
    ("prepared", "canceled"),
    ("confirming", "succeeded"),
    ("confirming", "requires_action"),
    ("confirming", "declined"),
    ("confirming", "unknown"),
    ("requires_action", "succeeded"),
    ("requires_action", "declined"),
    ("requires_action", "canceled"),
    ("declined", "confirming"),
    ("declined", "unknown"),
    ("declined", "canceled"),
    ("declined", "uncollectible"),
    ("unknown", "succeeded"),
    ("unknown", "declined"),
    ("unknown", "requires_action"),
    ("unknown", "prepared"),
    ("unknown", "canceled"),
}
FINAL = ("succeeded", "canceled", "uncollectible")
PUT = """
    UPDATE charge_intents
    SET state = $1, attempts = 1, lease_until = NULL,
        wake_at = CASE WHEN $2 THEN NULL ELSE now() END,
        consent_id = (SELECT min(id) FROM consents), payment_method_id = (SELECT min(id) FROM payment_methods),
        money_posting_id = CASE WHEN $1 = 'succeeded' THEN (SELECT min(id) FROM ledger_postings) END,
        credits_posting_id = CASE WHEN $1 = 'succeeded' THEN (SELECT min(id) FROM ledger_postings) END,
        consumed_posting_id = CASE WHEN $1 = 'succeeded' THEN (SELECT min(id) FROM ledger_postings) END,
        settled_at = CASE WHEN $1 = 'succeeded' THEN now() END
"""


async def put(stage: Stage, state: str) -> None:
    """
    Write a state over a charge, with all else that it needs, as the owner of the tables.
    """
    await stage.owner.execute(PUT.replace("$1", f"'{state}'").replace("$2", str(state in FINAL)))


async def is_refused(stage: Stage, state: str) -> bool:
    """
    Say whether a charge may not be moved there.
    """
    try:
        await put(stage, state)
    except asyncpg.IntegrityConstraintViolationError:
        return True
    return False


async def with_payment(stage: Stage) -> int:
    """
    Leave a charge that has its payment.
    """
    charge_id = await stage.fix()
    with pytest.raises(Died):
        await stage.advance(charge_id, machine=stage.machine(at=dying("X7")))
    return charge_id


@pytest.mark.damages_books("charges are put where no move leads")
@pytest.mark.parametrize("from_state", STATES)
async def test_only_the_listed_moves_are_allowed(stage: Stage, from_state: ChargeState) -> None:
    """
    Every pair of states, tried on the table itself.
    """
    await with_payment(stage)
    refused = set()
    for to_state in STATES:
        await stage.owner.execute("ALTER TABLE charge_intents DISABLE TRIGGER USER")
        await put(stage, from_state)
        await stage.owner.execute("ALTER TABLE charge_intents ENABLE TRIGGER USER")
        refused |= {(from_state, to_state)} if await is_refused(stage, to_state) else set()

    others = set(product([from_state], STATES)) - MOVES - {(from_state, from_state)}
    assert refused == others


@pytest.mark.damages_books("the guard is gone")
async def test_planted_bug_without_the_trigger_any_move_passes(stage: Stage) -> None:
    """
    It is the trigger that refuses.
    """
    await with_payment(stage)
    assert await is_refused(stage, "succeeded")
    await stage.owner.execute("DROP TRIGGER charge_intents_obey ON charge_intents")

    assert not await is_refused(stage, "succeeded")
    assert [finding.id for finding in await stage.breaches()] == ["C-7", "C-2"]


ANOTHER = """
    INSERT INTO charge_intents (customer_id, debt_id, wake_at, created_at, moved_at)
    SELECT customer_id, id, now(), now(), now() FROM charge_debts
"""


async def test_a_debt_has_one_live_charge(stage: Stage) -> None:
    """
    Another comes only after the last one has ended unpaid.
    """
    charge_id = await stage.fix()

    with pytest.raises(asyncpg.UniqueViolationError):
        await stage.owner.execute(ANOTHER)
    await stage.owner.execute("UPDATE charge_intents SET state = 'canceled', wake_at = NULL WHERE id = $1", charge_id)
    await stage.owner.execute(ANOTHER)


async def test_a_paid_debt_has_no_other_charge(stage: Stage) -> None:
    """
    Success is alive for ever.
    """
    await stage.advance(await stage.fix())

    with pytest.raises(asyncpg.UniqueViolationError):
        await stage.owner.execute(ANOTHER)


@pytest.mark.damages_books("the guards are gone")
async def test_planted_bug_with_two_live_charges_a_debt_is_paid_twice(stage: Stage) -> None:
    """
    Without the index a second charge is made for it, and the checks notice: of the books, and of every test here.
    """
    await stage.owner.execute("DROP INDEX charge_intents_one_live_per_debt")
    await stage.owner.execute("ALTER TABLE charge_debts DISABLE TRIGGER USER")
    first = await stage.fix()
    await stage.owner.execute(ANOTHER)
    second = await stage.owner.fetchval("SELECT max(id) FROM charge_intents")

    await stage.advance(first)
    await stage.owner.execute("UPDATE charge_debts SET state = 'open'")
    await stage.advance(second)

    assert len(stage.paid()) == 2
    assert "C-2" in [finding.id for finding in await stage.breaches()]


@pytest.mark.parametrize(
    "change",
    [
        "stripe_payment_id = 'pi_another'",
        "stripe_payment_id = NULL, stripe_customer_id = NULL, livemode = NULL",
        "stripe_customer_id = 'cus_another'",
        "livemode = true",
        "nonce = repeat('0', 32)",
        "fence = fence - 1",
        "attempts = attempts - 1",
        "created_at = now()",
        "wake_at = NULL",
    ],
)
async def test_what_a_charge_is_never_changes(stage: Stage, change: str) -> None:
    """
    Its payment is its own for life, its fence only rises, and it is never forgotten.
    """
    await with_payment(stage)

    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await stage.owner.execute("UPDATE charge_intents SET " + change)  # noqa: S608 -- a case of ours


@pytest.mark.parametrize(
    "statement",
    [
        """
        INSERT INTO charge_intents (customer_id, debt_id, state, wake_at, created_at, moved_at)
        SELECT customer_id, debt_id, 'declined', now(), now(), now() FROM charge_intents
        """,
        "UPDATE charge_debts SET amount_cents = amount_cents + 1",
        "UPDATE charge_debts SET currency = 'eur'",
        "UPDATE charge_attempts SET key = 'another'",
        "UPDATE charge_attempts SET parameter_hash = repeat('0', 64)",
        "UPDATE charge_attempts SET sent_at = sent_at + interval '1 day'",
        "UPDATE charge_attempts SET outcome = 'made', answered_at = NULL",
        "UPDATE stripe_payments SET intent_id = intent_id",
        "DELETE FROM stripe_payments",
        "DELETE FROM charge_attempts",
        "DELETE FROM charge_intents",
        "DELETE FROM charge_debts",
        """
        INSERT INTO charge_attempts (customer_id, intent_id, kind, number, key, parameter_hash, sent_at)
        SELECT customer_id, intent_id, 'confirm', 1, 'k', parameter_hash, now() FROM charge_attempts
        """,
    ],
)
async def test_what_was_written_down_stays(stage: Stage, statement: str) -> None:
    """
    Debts, attempts and payments; a confirmation needs its consent and its card.
    """
    await with_payment(stage)

    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await stage.owner.execute(statement)


async def test_a_closed_debt_stays_closed(stage: Stage) -> None:
    """
    Paid is paid.
    """
    await stage.advance(await stage.fix())

    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await stage.owner.execute("UPDATE charge_debts SET state = 'open'")


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO charge_moves VALUES ('declined', 'succeeded')",
        "DELETE FROM charge_moves",
        "DELETE FROM charge_debts",
        "DELETE FROM charge_intents",
        "UPDATE stripe_payments SET intent_id = 1",
    ],
)
async def test_the_application_may_not_change_the_rules(stage: Stage, statement: str) -> None:
    """
    Web and worker act as a role without these rights.
    """

    async def act() -> None:
        async with stage.database.transaction() as connection:
            await connection.execute(statement)

    with pytest.raises((asyncpg.InsufficientPrivilegeError, Unavailable)):
        await act()


@pytest.mark.damages_books("the look-up is emptied")
async def test_the_books_know_a_payment_that_lost_its_charge(stage: Stage) -> None:
    """
    A planted bug: the look-up by which webhooks find a charge points to nothing.
    """
    charge_id = await stage.fix()
    await stage.advance(charge_id, at=NOW)
    await stage.owner.execute("ALTER TABLE stripe_payments DISABLE TRIGGER USER")
    await stage.owner.execute("DELETE FROM stripe_payments")

    assert [finding.id for finding in await stage.breaches()] == ["C-3"]
