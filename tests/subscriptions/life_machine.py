"""
Lives drawn by Hypothesis: a rule for each thing that may happen, agreement after each.
"""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import asyncpg
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from factories.customers import make_customer
from rsolv.db import Database
from rsolv.kernel.secret import Secret
from rsolv.stripe_gateway.client import GatewayOptions, open_gateway
from stripe_twin.billing.settings import change_settings
from stripe_twin.embedded import TwinTransport
from stripe_twin.twin import Twin
from subscriptions.agreement import require_agreement, require_sound_books
from subscriptions.hearing import Ear, Hearing
from subscriptions.life import Life
from subscriptions.life_model import Card, LifeModel
from subscriptions.stage import NOW, Stage

MONTHS_MAX, MONTH = 26, timedelta(days=30.44)
WAITS_HOURS = (1, 30, 5 * 24, 9 * 24, 20 * 24, 33 * 24, 33 * 24, 64 * 24, 64 * 24, 92 * 24)
DISAGREED = (AssertionError, asyncpg.PostgresError)

Done = TypeVar("Done")
Plant = Callable[[Life], Awaitable[None]]


async def no_bug(_life: Life) -> None:
    """
    Leave the product as it is.
    """


@dataclass
class Tally:
    """
    What was lived through: how many lives, of how many months together, the longest of them, and what was done.
    """

    lives: int = 0
    months: float = 0.0
    longest: float = 0.0
    steps: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: "Tally") -> "Tally":
        """
        Return what was lived through in both.
        """
        longest = max(self.longest, other.longest)
        return Tally(self.lives + other.lives, self.months + other.months, longest, self.steps + other.steps)


@dataclass(frozen=True)
class Ground:
    """
    Where databases come from: the server's URL for a name, and the name of the migrated template.
    """

    url: Callable[[str], str]
    template: str
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)


@asynccontextmanager
async def open_life(ground: Ground, *, ear: Ear, after_last_retry: str, days: int, chance: random.Random):
    """
    Begin a life on trial, in a database and with a twin of its own, so many days after the usual beginning.
    """
    name = f"life_{next(ground.numbers)}"
    admin = await asyncpg.connect(ground.url("postgres"))
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {ground.template}")
    twin = Twin()
    try:
        async with AsyncExitStack() as stack:
            database = await Database.open(ground.url(name), application="life", pool_size=4)
            stack.push_async_callback(database.close)
            owner = await asyncpg.connect(ground.url(name))
            stack.push_async_callback(owner.close)
            options = GatewayOptions(api_key=Secret("sk_test_ofthetests"))
            gateway = await stack.enter_async_context(open_gateway(options, TwinTransport(twin)))
            now = NOW + timedelta(days=days)
            twin.account.advance(int(now.timestamp()))
            with twin.store.unit():
                change_settings(twin.account, {"after_last_retry": after_last_retry})
            async with database.transaction() as connection:
                acme = await make_customer(connection, email="acme@example.com", name="Acme", now=now)
            stage = Stage(database, owner, gateway, twin, acme, now=now)
            model = LifeModel(now=now, after_last_retry=after_last_retry)
            yield Life(stage, model, Hearing(stage, ear, chance), chance)
        assert twin.mistakes == []
    finally:
        twin.close()
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


class LifeMachine(RuleBasedStateMachine):
    """
    One life. Made by `live`, which says on which ground, with which bug, and where it is counted.
    """

    ground: Ground
    tally: Tally
    plant: Plant

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.life: Life | None = None

    @initialize(
        ear=st.sampled_from(["looks", "deliveries"]),
        after_last_retry=st.sampled_from(["cancel", "unpaid"]),
        days=st.integers(0, 365),
        draws=st.integers(0, 2**32),
        card=st.sampled_from(["good", "good", "failing", "asking", None]),
        subscribes=st.booleans(),
    )
    def begin(
        self,
        ear: Ear,
        after_last_retry: str,
        days: int,
        draws: int,
        card: Card | None,
        subscribes: bool,  # noqa: FBT001 -- drawn by name
    ) -> None:
        """
        Be born: on trial, perhaps with a card.
        """
        chance = random.Random(draws)  # noqa: S311 -- drawn again by its seed
        self.opened = open_life(self.ground, ear=ear, after_last_retry=after_last_retry, days=days, chance=chance)
        self.life = self.runner.run(self.opened.__aenter__())
        self.born_at = self.life.stage.now
        self.runner.run(type(self).plant(self.life))
        if card is not None:
            self._do(self.life.change_card(card))
        if subscribes:
            self._do(self.life.subscribe())

    @property
    def is_young(self) -> bool:
        """
        Say whether there is time left to live through.
        """
        return self.life is not None and self._age() < MONTHS_MAX * MONTH

    @property
    def is_at_a_third(self) -> bool:
        """
        Say whether it is time for something that is refused: seldom, since it changes nothing.
        """
        return self.life is not None and self.life.steps.total() % 3 == 0

    @precondition(lambda self: self.life is not None and (self.life.model.plan is None or self.is_at_a_third))
    @rule()
    def subscribe(self) -> None:
        """
        Subscribe.
        """
        self._do(self.life.subscribe())

    @precondition(lambda self: self.life is not None and self.life.model.plans)
    @rule(at_period_end=st.sampled_from([True, True, False]))
    def cancel(self, at_period_end: bool) -> None:  # noqa: FBT001 -- drawn by name
        """
        Cancel.
        """
        self._do(self.life.cancel(at_period_end=at_period_end))

    @precondition(lambda self: self.life is not None and any(each.ends_with_period for each in self.life.model.plans))
    @rule()
    def resume(self) -> None:
        """
        Take it back.
        """
        self._do(self.life.resume())

    @rule(card=st.sampled_from(["good", "good", "failing", "asking"]))
    def change_card(self, card: Card) -> None:
        """
        Enter another card.
        """
        self._do(self.life.change_card(card))

    @precondition(lambda self: self.life is not None and self.life.open_bills())
    @rule()
    def pay_by_hand(self) -> None:
        """
        Pay a bill.
        """
        self._do(self.life.pay_by_hand())

    @rule(count=st.integers(1, 3), is_spent=st.booleans())
    def fix(self, count: int, is_spent: bool) -> None:  # noqa: FBT001 -- drawn by name
        """
        Have some fixes, perhaps after the last credit was taken away.
        """
        self._do(self.life.fixes(count, is_spent=is_spent))

    @precondition(lambda self: self.life is not None and self.life.refundable())
    @rule(is_whole=st.booleans())
    def refund(self, is_whole: bool) -> None:  # noqa: FBT001 -- drawn by name
        """
        Get money back.
        """
        self._do(self.life.refund(is_whole=is_whole))

    @precondition(lambda self: self.life is not None and self.life.disputable())
    @rule()
    def dispute(self) -> None:
        """
        Take money back.
        """
        self._do(self.life.dispute())

    @precondition(lambda self: self.life is not None and any(each.is_away for each in self.life.model.books.payments))
    @rule(won=st.booleans())
    def decide(self, won: bool) -> None:  # noqa: FBT001 -- drawn by name
        """
        Have it decided.
        """
        self._do(self.life.decide(won=won))

    @precondition(lambda self: self.life is not None and self.life.model.books.is_frozen)
    @rule()
    def release(self) -> None:
        """
        Be charged again.
        """
        self._do(self.life.release())

    @precondition(lambda self: self.is_young)
    @rule(hours=st.sampled_from(WAITS_HOURS))
    def wait(self, hours: int) -> None:
        """
        Let time pass while the worker works.
        """
        self.life.steps["time passed"] += 1
        self._do(self.life.hearing.live(timedelta(hours=hours)))

    @precondition(lambda self: self.is_young)
    @rule(hours=st.sampled_from(WAITS_HOURS))
    def wait_unheard(self, hours: int) -> None:
        """
        Let time pass while no worker runs.
        """
        self.life.steps["time passed while no worker ran"] += 1
        self.life.hearing.sleep(timedelta(hours=hours))
        self._do(asyncio.sleep(0))

    def teardown(self) -> None:
        """
        Look at all the books, count the life, forget it.
        """
        try:
            if self.life is not None:
                self._count()
                self.runner.run(require_sound_books(self.life))
        finally:
            if self.life is not None:
                self.runner.run(self.opened.__aexit__(None, None, None))
            self.runner.close()

    def _do(self, act: Awaitable[object]) -> None:
        """
        Do something, let two hours pass, hear of everything, and insist on agreement.
        """
        self.runner.run(self._done(act))

    async def _done(self, act: Awaitable[object]) -> None:
        life = self.life
        await act
        await life.hearing.live(timedelta(hours=2))
        life.model.pass_time(life.stage.now)
        await life.hearing.catch_up()
        life.model.notice()
        await require_agreement(life)

    def _age(self) -> timedelta:
        return self.life.stage.now - self.born_at

    def _count(self) -> None:
        months = self._age() / MONTH
        self.tally.lives += 1
        self.tally.months += months
        self.tally.longest = max(self.tally.longest, months)
        self.tally.steps += self.life.steps


def live_by_script(ground: Ground, *, plant: Plant = no_bug) -> Tally:
    """
    Live one life in which most of what can happen happens; raise where the three disagree.
    """
    machine, tally = _machine_on(ground, Tally(), plant)(), Tally()
    machine.tally = tally
    try:
        machine.begin(ear="looks", after_last_retry="cancel", days=0, draws=1, card="good", subscribes=True)
        machine.fix(count=2, is_spent=True)
        machine.dispute()
        machine.fix(count=1, is_spent=True)
        machine.decide(won=True)
        machine.refund(is_whole=True)
        machine.wait_unheard(hours=64 * 24)
        machine.change_card(card="failing")
        machine.wait(hours=33 * 24)
        machine.fix(count=1, is_spent=True)
        machine.change_card(card="good")
        machine.wait(hours=9 * 24)
        machine.cancel(at_period_end=True)
        machine.wait_unheard(hours=33 * 24)
        machine.fix(count=1, is_spent=True)
        machine.change_card(card="asking")
        machine.subscribe()
        machine.pay_by_hand()
        machine.cancel(at_period_end=False)
    finally:
        machine.teardown()
    return tally


def _machine_on(ground: Ground, tally: Tally, plant: Plant) -> type[LifeMachine]:
    parts = {"ground": ground, "tally": tally, "plant": staticmethod(plant)}
    return type("Machine", (LifeMachine,), parts)


def live(ground: Ground, tally: Tally, *, lives: int, steps: int, plant: Plant = no_bug, draw: int = 0) -> None:
    """
    Live so many lives of so many steps each; raise at the first in which the three disagree.
    """
    run_state_machine_as_test(
        seed(draw)(_machine_on(ground, tally, plant)),
        settings=settings(
            max_examples=lives,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
