"""
What the database refuses when the code is bypassed, and what the proofs notice when that is broken.
"""

import asyncpg
import pytest

from reversals.taking import PRICE, Taking
from rsolv import reversals

pytestmark = pytest.mark.damages_books("what is disputed here is known to no dispute", "D-3")

COPY = """
    INSERT INTO reversals (customer_id, kind, stripe_object_id, source_kind, source_id, paid_cents, credits_granted,
                           grant_posting_id, amount_cents, currency, credits_due, credits_taken, receivable_cents,
                           money_posting_id, taken_at)
    SELECT customer_id, kind, $1, source_kind, source_id, paid_cents, credits_granted, grant_posting_id, $2, currency,
           credits_due, credits_taken, 0, money_posting_id, taken_at
    FROM reversals
"""


async def test_more_than_was_paid_is_refused_by_the_database(taking: Taking) -> None:
    """
    M-09: whatever the code believes.
    """
    await taking.take(2_000)

    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="more than charge"):
        await taking.stage.owner.execute(COPY, "re_2", 901)


@pytest.mark.parametrize("what", ["amount_cents = 1", "stripe_object_id = 're_2'", "source_id = 7", "kind = 'dispute'"])
async def test_what_was_taken_never_changes(taking: Taking, what: str) -> None:
    """
    A reversal is restored, not rewritten.
    """
    await taking.take(2_000)

    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await taking.stage.owner.execute(f"UPDATE reversals SET {what}")  # noqa: S608 -- the words above


async def test_reversals_stay_and_restored_ones_for_good(taking: Taking) -> None:
    """
    Nothing is deleted, nothing rises again.
    """
    await taking.take()
    await taking.restore()

    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await taking.stage.owner.execute("DELETE FROM reversals")
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await taking.stage.owner.execute("UPDATE reversals SET state = 'taken'")


@pytest.mark.parametrize(
    "what", ["credits_taken = 2", "receivable_cents = 2901", "credits_due = 2", "state = 'restored'"]
)
async def test_impossible_figures_are_refused(taking: Taking, what: str) -> None:
    """
    No more taken than due, no more due than bought, no more owed than given back.
    """
    await taking.take()

    with pytest.raises(asyncpg.CheckViolationError):
        await taking.stage.owner.execute(f"UPDATE reversals SET {what}")  # noqa: S608 -- the words above


async def test_a_charge_without_payment_cannot_have_been_taken_back(taking: Taking) -> None:
    """
    The figure on the charge needs money that was paid.
    """
    charge_id = await taking.stage.fix()

    with pytest.raises(asyncpg.CheckViolationError, match="taken_back_when_paid"):
        await taking.stage.owner.execute("UPDATE charge_intents SET amount_refunded_cents = 1 WHERE id = $1", charge_id)


async def test_a_posting_of_a_reversal_is_not_undone_by_hand(sixty: Taking) -> None:
    """
    Neither its money nor its credits; other postings may be.
    """
    await sixty.take()
    owner = sixty.stage.owner
    made = await owner.fetch("SELECT id, cause_kind = 'refund' AS is_refunds FROM ledger_postings ORDER BY id")
    refused = []
    for posting in made:
        try:
            await reversals.require_no_reversal(owner, customer_id=sixty.customer_id, posting_id=posting["id"])
        except reversals.PostedByReversal:
            refused.append(posting["id"])

    assert refused == [posting["id"] for posting in made if posting["is_refunds"]]
    assert len(refused) == 2


@pytest.mark.damages_books("the guard is switched off")
async def test_planted_bug_without_its_trigger_too_much_is_noticed(taking: Taking) -> None:
    """
    R-1 sees what the database no longer refuses.
    """
    await taking.take(2_000)
    await taking.stage.owner.execute("ALTER TABLE reversals DISABLE TRIGGER reversals_within_payment")
    await taking.stage.owner.execute(COPY, "re_2", 901)

    assert "R-1" in await taking.breaches()


@pytest.mark.damages_books("each case breaks one promise")
@pytest.mark.parametrize(
    ("statement", "notices"),
    [
        ("UPDATE charge_intents SET amount_refunded_cents = 0", "R-1"),
        ("UPDATE reversals SET receivable_cents = 1", "R-2"),
        ("UPDATE reversals SET receivable_cents = 0, credits_due = 0", "R-3"),
    ],
)
async def test_planted_bug_figures_that_differ_from_the_books_are_noticed(
    taking: Taking, statement: str, notices: str
) -> None:
    """
    Each promise fails where it should.
    """
    await taking.take(PRICE)

    await taking.stage.owner.execute(statement)

    assert notices in await taking.breaches()
