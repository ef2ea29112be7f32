"""
What the database refuses when the code is bypassed, and what the proofs notice when that is broken.
"""

from datetime import timedelta

import asyncpg
import pytest

from charges.stage import NOW
from refunds.giving import Giving
from rsolv.refunds import Refund
from rsolv.refunds.rules import is_never, left_cents, named_by, pause

_WRITE = "UPDATE refunds SET "


@pytest.fixture
async def done(giving: Giving) -> Refund:
    """
    A refund that succeeded.
    """
    return await giving.finish((await giving.ask(900)).id)


@pytest.mark.parametrize(
    "what",
    [
        "state = 'asked', wake_at = now()",
        "state = 'pending', wake_at = now()",
        "amount_cents = 1",
        "reason = 'another'",
        "asked_by = 'system'",
        "stripe_refund_id = 're_another'",
        "key_number = key_number - 1",
        "charge_id = charge_id + 1",
    ],
)
async def test_what_a_refund_is_never_changes_and_it_never_goes_back(giving: Giving, done: Refund, what: str) -> None:
    """
    The allowed moves are data; a trigger refuses all others.
    """
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await giving.stage.owner.execute(f"{_WRITE}{what} WHERE id = {done.id}")


@pytest.mark.parametrize(
    "what",
    ["wake_at = NULL", "state = 'pending'", "state = 'succeeded', wake_at = NULL", "amount_cents = 0", "act = ''"],
)
async def test_a_refund_that_was_asked_for_is_never_forgotten(giving: Giving, what: str) -> None:
    """
    It goes on by itself or is parked, and only what Stripe has is under way.
    """
    await giving.ask()

    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await giving.stage.owner.execute(_WRITE + what)


async def test_refunds_stay_and_begin_as_asked(giving: Giving, done: Refund) -> None:
    """
    Nothing is deleted, and nothing is written that was never asked for.
    """
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await giving.stage.owner.execute("DELETE FROM refunds")
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await giving.stage.owner.execute("DELETE FROM stripe_refunds")
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="begins as asked"):
        await giving.stage.owner.execute(
            """
            INSERT INTO refunds (customer_id, charge_id, amount_cents, currency, reason, asked_by, state, asked_at,
                                 moved_at)
            SELECT customer_id, charge_id, 1, currency, reason, asked_by, 'failed', asked_at, moved_at FROM refunds
            """
        )
    assert done.state == "succeeded"


async def test_one_refund_at_stripe_is_one_refund_here(giving: Giving, done: Refund) -> None:
    """
    The look-up has each id once.
    """
    other = await giving.ask(1)

    with pytest.raises(asyncpg.UniqueViolationError):
        await giving.stage.owner.execute(
            "INSERT INTO stripe_refunds (stripe_refund_id, customer_id, refund_id) VALUES ($1, $2, $3)",
            done.stripe_refund_id,
            giving.stage.customer_id,
            other.id,
        )


@pytest.mark.damages_books("each case breaks one promise")
@pytest.mark.parametrize(
    ("statements", "notices"),
    [
        (["UPDATE refunds SET state = 'failed'"], "R-4"),
        (
            [
                "ALTER TABLE refunds DISABLE TRIGGER USER",
                "ALTER TABLE refunds DROP CONSTRAINT refunds_never_forgotten",
                "UPDATE refunds SET state = 'pending'",
            ],
            "R-5",
        ),
    ],
)
async def test_planted_bug_a_refund_apart_from_the_books_is_noticed(
    giving: Giving, done: Refund, statements: list[str], notices: str
) -> None:
    """
    Each promise fails where it should.
    """
    assert await giving.breaches() == []

    for statement in statements:
        await giving.stage.owner.execute(statement)

    assert notices in await giving.breaches(), done


async def test_planted_bug_a_repeat_that_is_taken_for_another_refund_is_refused(giving: Giving, done: Refund) -> None:
    """
    With the memory of its id lost, the same refund takes nothing back again: its reversal stands.
    """
    (theirs,) = await giving.stage.gateway.list_refunds(giving.payment_id)
    await giving.stage.owner.execute("ALTER TABLE stripe_refunds DISABLE TRIGGER USER")
    await giving.stage.owner.execute("DELETE FROM stripe_refunds")

    await giving.believe(theirs)

    assert (await giving.taking.charge()).amount_refunded_cents == done.amount_cents
    assert (await giving.dollars())["processor"] == 2_000


async def test_looking_again_is_at_most_hourly(giving: Giving) -> None:
    """
    Seconds at first.
    """
    asked = await giving.ask()

    pauses = [pause(asked, now=NOW + after) for after in (timedelta(0), timedelta(minutes=10), timedelta(days=2))]

    assert pauses == [timedelta(seconds=10), timedelta(minutes=5), timedelta(hours=1)]


async def test_a_name_on_a_refund_that_is_no_id_names_nothing(giving: Giving) -> None:
    """
    Anybody can write metadata there.
    """
    named = []
    for number, text in enumerate(["", "12", "x", "٣", "9" * 30]):
        made = await giving.stage.gateway.refund_payment(
            giving.payment_id,
            amount_cents=1,
            reason="duplicate",
            metadata={"rsolv_refund_id": text} if text else {},
            key=str(number),
        )
        named.append(named_by(made))

    assert named == [None, 12, None, None, None]


def test_what_stripe_never_does_is_told_from_what_it_may_do_later() -> None:
    """
    And what is left counts all that is on its way.
    """
    assert is_never(code="charge_disputed", param=None)
    assert is_never(code=None, param="amount")
    assert not is_never(code="api_key_expired", param=None)
    assert left_cents(2_900, taken_back_cents=900, asked_cents=1_000) == 1_000
