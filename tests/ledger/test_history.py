"""
Any history at all: chance calls the verbs, a plain model in Python keeps its own books, and both agree.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factories.ledger import NOW, correct, give, new_cause, open_ledger, read_books, spend, undo
from rsolv import ledger
from rsolv.db import Connection

DAYS = st.integers(min_value=0, max_value=6)
CREDITS = st.integers(min_value=1, max_value=9)
PICK = st.integers(min_value=0, max_value=50)
STEPS = st.one_of(
    st.tuples(st.just("give"), CREDITS, st.none() | DAYS),
    st.tuples(st.just("spend"), CREDITS, DAYS),
    st.tuples(st.just("correct"), st.integers(min_value=-9, max_value=9).filter(bool), st.none()),
    st.tuples(st.just("undo"), PICK, st.none()),
    st.tuples(st.just("repeat"), PICK, st.none()),
)

Step = tuple[str, int, int | None]
"""
What to do, with which figure, and on which day.
"""

Call = tuple[str, int, datetime | None]
"""
The same with the day made a time.
"""


@dataclass
class Move:
    """
    What the model remembers of one posting: which buckets it moved by how much, and what a repeat must hear.
    """

    cause: ledger.Cause
    drawn: dict[int, int]
    call: Call
    posting_id: int
    balance_after: int
    is_grant: bool = False
    is_undone: bool = False


@dataclass
class Model:
    """
    The books as a plain program would keep them: buckets with an expiry, and the moves made.
    """

    expiries: list[datetime | None] = field(default_factory=list)
    remaining: list[int] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)

    def give(self, credits: int, expires_at: datetime | None) -> dict[int, int]:
        """
        Say what granting does.
        """
        self.expiries.append(expires_at)
        self.remaining.append(0)
        return {len(self.remaining) - 1: credits}

    def draw(self, credits: int, at: datetime) -> dict[int, int] | None:
        """
        Say what consuming or taking does, or None when there is too little.
        """
        in_effect = [n for n, expiry in enumerate(self.expiries) if expiry is None or expiry > at]
        in_order = sorted(in_effect, key=lambda n: (self.expiries[n] is None, self.expiries[n] or at, n))
        drawn: dict[int, int] = {}
        for n in in_order:
            taken = min(credits - sum(-amount for amount in drawn.values()), self.remaining[n])
            drawn |= {n: -taken} if taken else {}
        return drawn if -sum(drawn.values()) == credits else None

    def undo(self, move: Move) -> dict[int, int] | None:
        """
        Say what reversing does, or None when it is refused.
        """
        if move.is_undone:
            return None
        if move.is_grant:
            return {n: -self.remaining[n] for n in move.drawn if self.remaining[n]} or None
        opposite = {n: -amount for n, amount in move.drawn.items()}
        return opposite if all(self.remaining[n] + amount >= 0 for n, amount in opposite.items()) else None

    def balance(self) -> int:
        """
        Return the available credits.
        """
        return sum(self.remaining)


class ForgetfulModel(Model):
    """
    A model that believes nothing ever expires.
    """

    def give(self, credits: int, expires_at: datetime | None) -> dict[int, int]:
        """
        Say what granting does, forgetting the expiry.
        """
        return super().give(credits, None)


@given(steps=st.lists(STEPS, max_size=25))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_history_leaves_the_books_that_a_plain_model_keeps(
    connection: asyncpg.Connection, steps: list[Step]
) -> None:
    """
    Balance, grants and answers agree with the model after each step, and afterwards every invariant holds.
    """
    async with connection.transaction():
        acme = await open_ledger(connection)
        model = Model()

        await _live_through(connection, acme, model, steps)

        books = await read_books(connection, customer_id=acme)
        assert books.sums() == books.balances()
        assert len(books.postings) == len(model.moves)
        assert ledger.breached(await ledger.verify(connection)) == []


async def test_planted_bug_spending_the_oldest_first_whatever_expires_would_be_noticed(
    connection: asyncpg.Connection,
) -> None:
    """
    A model that forgets expiry disagrees with the books as soon as it matters.
    """
    acme = await open_ledger(connection)
    steps: list[Step] = [("give", 3, None), ("give", 3, 5), ("spend", 2, 0)]

    with pytest.raises(AssertionError):
        await _live_through(connection, acme, ForgetfulModel(), steps)


async def _live_through(connection: Connection, acme: int, model: Model, steps: list[Step]) -> None:
    for step in steps:
        await _take(connection, acme, model, step)
        assert (await read_books(connection, customer_id=acme)).remaining() == model.remaining
        assert await ledger.balance(connection, customer_id=acme) == model.balance()


async def _take(connection: Connection, acme: int, model: Model, step: Step) -> None:
    name, number, days = step
    if name in {"undo", "repeat"}:
        if model.moves:
            act = _undo if name == "undo" else _repeat
            await act(connection, acme, model, model.moves[number % len(model.moves)])
        return
    call = (name, number, None if days is None else NOW + timedelta(days=days))
    drawn = _expected(model, call)
    cause = new_cause()
    if drawn is None:
        assert await _refusal(connection, acme, cause, call) is ledger.InsufficientCredits
        return
    posted = await _do(connection, acme, cause, call)
    _note(
        model,
        Move(cause, drawn, call, posted.posting_id, posted.balance_after, is_grant=name != "spend" and number > 0),
    )
    assert (posted.credits, posted.balance_after, posted.repeated) == (sum(drawn.values()), model.balance(), False)


async def _undo(connection: Connection, acme: int, model: Model, move: Move) -> None:
    drawn = model.undo(move)
    cause = new_cause()
    if drawn is None:
        assert await _refusal(connection, acme, cause, ("undo", move.posting_id, None)) in {
            ledger.AlreadyReversed,
            ledger.InsufficientCredits,
        }
        return
    undone = await undo(connection, customer_id=acme, posting_id=move.posting_id, cause=cause)
    move.is_undone = True
    _note(model, Move(cause, drawn, ("undo", move.posting_id, None), undone.posting_id, undone.balance_after))
    shortfall = max(0, sum(move.drawn.values()) + sum(drawn.values()))
    assert (undone.credits, undone.shortfall_credits) == (sum(drawn.values()), shortfall)
    assert undone.balance_after == model.balance()


async def _repeat(connection: Connection, acme: int, model: Model, move: Move) -> None:
    posted = await _do(connection, acme, move.cause, move.call)
    assert posted.repeated
    assert (posted.posting_id, posted.credits) == (move.posting_id, sum(move.drawn.values()))
    assert posted.balance_after == move.balance_after


def _expected(model: Model, call: Call) -> dict[int, int] | None:
    name, number, at = call
    if name == "give":
        return model.give(number, at)
    if name == "correct" and number > 0:
        return model.give(number, None)
    return model.draw(abs(number), at or NOW)


def _note(model: Model, move: Move) -> None:
    for n, amount in move.drawn.items():
        model.remaining[n] += amount
    model.moves.append(move)


async def _do(connection: Connection, acme: int, cause: ledger.Cause, call: Call) -> ledger.Posted | ledger.Reversed:
    name, number, at = call
    if name == "give":
        return await give(connection, customer_id=acme, credits=number, cause=cause, expires_at=at)
    if name == "spend":
        return await spend(connection, customer_id=acme, credits=number, cause=cause, now=at or NOW)
    if name == "correct":
        return await correct(connection, customer_id=acme, credits=number, cause=cause)
    return await undo(connection, customer_id=acme, posting_id=number, cause=cause)


async def _refusal(connection: Connection, acme: int, cause: ledger.Cause, call: Call) -> type[Exception] | None:
    try:
        await _do(connection, acme, cause, call)
    except (ledger.InsufficientCredits, ledger.AlreadyReversed) as refusal:
        return type(refusal)
    return None
