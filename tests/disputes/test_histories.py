"""
Any history at all: banks act, workers read and write whenever they like, and in the end all is where Stripe has it.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from charges.stage import NOW
from disputes.disputing import OPERATOR, Court, reading
from rsolv import disputes
from rsolv.charges import Charge
from rsolv.disputes.service.settle import Settled
from rsolv.stripe_gateway import Dispute as TheirDispute

PICK = st.integers(min_value=0, max_value=11)
STEPS = st.lists(
    st.tuples(st.sampled_from(["happen", "happen", "read", "write", "write", "look", "release"]), PICK), max_size=14
)
NEXT = {
    "nothing": ["inquiry", "open"],
    "inquiry": ["open", "warning_closed"],
    "warning_closed": ["open", "warning_closed"],
    "open": ["winning", "lost"],
    "winning": ["won", "won"],
    "won": ["open", "won"],
    "lost": ["open", "winning"],
}
"""
What a bank may do next; while it is winning, the decision is there and the money is not yet.
"""

AWAY = {"open", "winning", "lost"}
STAGES = {"warning_closed": "inquiry", "winning": "won"}
SETTLED = 3

Step = tuple[str, int]


@dataclass
class Bank:
    """
    One dispute as it truly is at Stripe, and as far as anybody here has believed a reading of it.
    """

    first: TheirDispute
    word: str = "nothing"
    movements: int = 0
    believed: int = 0
    is_heard: bool = False
    is_read: bool = True
    freezes: bool = False

    def act(self, choice: int) -> None:
        """
        Do what comes next.
        """
        word = NEXT[self.word][choice % 2]
        self.movements += (word in AWAY) is not (self.word in AWAY)
        self.is_read = self.is_read and word == self.word
        self.word = word

    def read(self) -> TheirDispute:
        """
        Say how it is now.
        """
        stage, self.is_read = STAGES.get(self.word, self.word), True
        return replace(
            self.first,
            stage=stage,
            stripe_state=self.word,
            movements=self.movements,
            is_withdrawn=self.movements % 2 == 1,
        )


@dataclass
class World:
    """
    The banks, what has been read and perhaps not been written yet, and the time.
    """

    court: Court
    connection: asyncpg.Connection
    banks: list[Bank]
    read: list[tuple[Bank, TheirDispute]] = field(default_factory=list)
    unwritten: list[tuple[Bank, TheirDispute]] = field(default_factory=list)
    now: datetime = NOW

    async def take(self, step: Step) -> None:
        """
        Have one thing happen.
        """
        name, number = step
        bank = self.banks[number % len(self.banks)]
        self.now += timedelta(minutes=2)
        if name == "happen":
            bank.act(number // len(self.banks))
        elif name == "release":
            await self._release()
        elif bank.word != "nothing" and name in {"read", "look"}:
            self.read.append((bank, bank.read()))
            self.unwritten.append(self.read[-1])
        if name in {"write", "look"} and self.read:
            await self.write(*self.read[-1 if name == "look" else number % len(self.read)])

    async def write(self, bank: Bank, theirs: TheirDispute) -> Settled:
        """
        Believe a reading, and note what that is to change.
        """
        self.unwritten = [each for each in self.unwritten if each[1] is not theirs]
        settled = await disputes.settle_dispute(self.connection, self.court.stage.bus, theirs, now=self.now)
        assert (settled.believed == "stale") is (theirs.movements < bank.believed), settled
        if theirs.movements > bank.believed:
            bank.freezes = theirs.is_withdrawn
        bank.believed, bank.is_heard = max(bank.believed, theirs.movements), True
        return settled

    async def require_agreement(self) -> None:
        """
        Insist that books and freeze are where the newest believed reading of each dispute has them.
        """
        heard = [bank for bank in self.banks if bank.is_heard]
        rows = await self.connection.fetch("SELECT stripe_dispute_id, money, parked_reason FROM disputes ORDER BY 1")
        found = {row["stripe_dispute_id"]: (row["money"] == "taken", row["parked_reason"]) for row in rows}
        assert found == {bank.first.id: (bank.believed % 2 == 1, None) for bank in heard}
        taken = sum(bank.first.amount_cents for bank in heard if bank.believed % 2)
        sums = "SELECT coalesce(sum(amount_cents) FILTER (WHERE state = 'taken'), 0) FROM reversals"
        assert await self.connection.fetchval(sums) == taken
        is_frozen = await disputes.is_frozen(self.connection, customer_id=self.court.stage.customer_id)
        assert is_frozen is any(bank.freezes for bank in self.banks)

    async def come_to_rest(self) -> None:
        """
        Write all that was read, the oldest last, then read what is due; then every dispute has been seen as it is.

        Of what nobody has read since it changed somebody is told.
        """
        self.unwritten += [(bank, bank.read()) for bank in self.banks if not bank.is_read]
        for bank, theirs in reversed(self.unwritten):
            self.now += timedelta(minutes=2)
            await self.write(bank, theirs)
        for _ in range(SETTLED):
            self.now += timedelta(days=2)
            due = await self.connection.fetch(
                "SELECT stripe_dispute_id AS id FROM disputes WHERE wake_at <= $1", self.now
            )
            for bank in self.banks:
                if bank.first.id in {row["id"] for row in due}:
                    await self.write(bank, bank.read())
        rows = await self.connection.fetch("SELECT stripe_dispute_id, stripe_state FROM disputes ORDER BY 1")
        known = {row["stripe_dispute_id"]: row["stripe_state"] for row in rows}
        assert known == {bank.first.id: bank.word for bank in self.banks if bank.is_heard}

    async def _release(self) -> None:
        released = await disputes.release(
            self.connection,
            customer_id=self.court.stage.customer_id,
            actor=OPERATOR,
            reason="test",
            now=self.now,
        )
        assert released == sum(bank.freezes for bank in self.banks)
        for bank in self.banks:
            bank.freezes = False


def banks_of(charge: Charge, other: Charge) -> list[Bank]:
    """
    Return three disputes that nobody has heard of: two of parts of one charge, one of the whole other.
    """
    cents = charge.amount_cents
    return [
        Bank(reading(charge, "du_a", amount_cents=1_000)),
        Bank(reading(charge, "du_b", amount_cents=cents - 1_000)),
        Bank(reading(other, "du_c")),
    ]


async def live_through(world: World, steps: list[Step]) -> None:
    """
    Have it all happen, and look after each step.
    """
    for step in steps:
        await world.take(step)
        await world.require_agreement()


@pytest.fixture
async def paid(court: Court) -> tuple[Charge, Charge]:
    """
    Two charges that were paid.
    """
    return await court.pay(), await court.pay()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=STEPS)
async def test_any_history_ends_where_stripe_has_it(
    court: Court, paid: tuple[Charge, Charge], steps: list[Step]
) -> None:
    """
    After each step the books agree with the newest reading, and once what is due has been read, with the truth.

    Among it stale readings, repeats, appeals, money that goes and comes again, and operators.
    """
    connection = court.stage.owner
    transaction = connection.transaction()
    await transaction.start()
    try:
        world = World(court, connection, banks_of(*paid))
        await live_through(world, steps)
        await world.come_to_rest()
        await world.require_agreement()
        assert await court.breaches() == []
    finally:
        await transaction.rollback()


async def test_planted_bug_a_look_that_never_comes_again_leaves_an_older_stage(
    court: Court, paid: tuple[Charge, Charge]
) -> None:
    """
    Two readings written in the wrong order; with the promise of another look taken away, nobody would find out.
    """
    connection = court.stage.owner
    async with connection.transaction():
        world = World(court, connection, banks_of(*paid))
        await live_through(world, [("happen", 3), ("read", 0), ("happen", 3), ("look", 0), ("write", 0)])
        await connection.execute("UPDATE disputes SET wake_at = NULL, closed_at = now()")

        with pytest.raises(AssertionError):
            await world.come_to_rest()
