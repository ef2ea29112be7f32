"""
Lives at random, of months each: whatever happens, we and Stripe agree, and credits are those of what was paid.
"""

import random
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import stripe

from rsolv.kernel.errors import DomainError
from subscriptions.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

STEPS = 14
CARDS = ("pm_card_visa", "pm_card_mastercard", "pm_card_chargeCustomerFail", "pm_card_authenticationRequired")
LIVE = {"incomplete", "active", "past_due", "unpaid"}


class Life:
    """
    One customer's way, drawn from a seed: what they do, what their cards do, and how often we look.
    """

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage = stage
        self.chance = random.Random(seed)  # noqa: S311 -- drawn again by its seed
        self.acts: tuple[Callable[[], Awaitable[object]], ...] = (
            stage.subscribe,
            stage.subscribe,
            self.cancel,
            stage.resume,
            self.change_card,
            self.pay_by_hand,
            self.wait,
            self.wait,
            self.wait_unseen,
        )

    async def step(self) -> None:
        """
        Do one thing; what is refused changes nothing.
        """
        with suppress(DomainError):
            await self.chance.choice(self.acts)()

    async def cancel(self) -> None:
        """
        End it, now or later.
        """
        await self.stage.cancel(at_period_end=self.chance.random() < 0.7)

    async def change_card(self) -> None:
        """
        Have another default card, good or bad.
        """
        await self.stage.add_card(self.chance.choice(CARDS))
        await self.stage.do_card_jobs()

    async def pay_by_hand(self) -> None:
        """
        Pay what is open on Stripe's page, if anything is.
        """
        with suppress(ValueError, stripe.StripeError):
            await self.stage.pay_open_invoice("pm_card_visa")

    async def wait(self) -> None:
        """
        Let time pass, looking whenever it is time to.
        """
        await self.stage.live(timedelta(hours=self.chance.choice([1, 30, 24 * 9, 24 * 33])))

    async def wait_unseen(self) -> None:
        """
        Let time pass while nobody looks.
        """
        self.stage.pass_time(timedelta(hours=self.chance.choice([2, 24 * 5, 24 * 40])))

    async def require_agreement(self) -> None:
        """
        Look, and insist that state, plan, money and credits are what Stripe's objects say.
        """
        stage = self.stage
        await stage.live(timedelta(hours=2))
        for row in await stage.owner.fetch("SELECT id FROM subscriptions ORDER BY id"):
            await stage.look(row["id"])
        theirs = {each["id"]: each for each in stage.theirs()}
        rows = await stage.owner.fetch("SELECT stripe_subscription_id, state, cancel_at_period_end FROM subscriptions")
        ours = {row["stripe_subscription_id"]: row for row in rows}
        assert {key: row["state"] for key, row in ours.items()} == {key: each["status"] for key, each in theirs.items()}
        assert sum(each["status"] in LIVE for each in theirs.values()) <= 1
        assert await stage.credits() == 60 * paid_periods(stage)
        is_active = any(each["status"] == "active" for each in theirs.values())
        plan, _ = await stage.customer()
        assert plan == stage.plan or not is_active
        assert plan != stage.plan or is_active or any(each["status"] == "past_due" for each in theirs.values())
        await stage.require_sound_books()


def paid_periods(stage: Stage) -> int:
    """
    Count the periods that were paid for at Stripe.
    """
    reasons = {"subscription_create", "subscription_cycle"}
    invoices = stage.twin.store.all("invoice")
    return sum(each["status"] == "paid" and each["billing_reason"] in reasons for each in invoices)


@pytest.mark.parametrize("seed", range(6))
async def test_after_every_step_of_a_life_we_and_stripe_agree(stage: Stage, seed: int) -> None:
    """
    A model to build more lives on.
    """
    life = Life(stage, seed)
    for _ in range(STEPS):
        await life.step()
        await life.require_agreement()
