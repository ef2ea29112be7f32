"""
The inbox of an installation that sells a plan, and what a test does with the events of its subscription.
"""

from dataclasses import dataclass
from datetime import datetime

from billing_events.postroom import Postroom
from subscriptions.stage import Stage

CREATED, UPDATED, DELETED = (f"customer.subscription.{word}" for word in ("created", "updated", "deleted"))
PAUSED, RESUMED = (f"customer.subscription.{word}" for word in ("paused", "resumed"))
PAID, SUCCEEDED, FAILED = (f"invoice.{word}" for word in ("paid", "payment_succeeded", "payment_failed"))
ACTION_NEEDED, NOT_FINALIZED = "invoice.payment_action_required", "invoice.finalization_failed"
PROCESSED, NOT_OURS = ("processed", None), ("ignored", "not_ours")


@dataclass(frozen=True)
class PlanPostroom(Postroom):
    """
    An inbox whose time is that of the stage, on which months pass.
    """

    stage: Stage

    @property
    def now(self) -> datetime:
        """
        Return the time here and at Stripe.
        """
        return self.stage.now

    async def require_periods(self, count: int) -> None:
        """
        Insist on so many periods, paid and credited once, and on books that hold and agree with Stripe's.
        """
        found = await self.stage.newest()
        paid = count * found.price_cents
        assert await self.stage.credits() == count * found.period_credits
        assert (self.stage.paid_cents(), await self.stage.received_cents()) == (paid, paid)
        assert await self.breaches() == []
