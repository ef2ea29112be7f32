"""
A paid invoice of a subscription of which money is given back: by us, at Stripe, and by the worker.
"""

from dataclasses import dataclass

from refunds.giving import Giving
from reversals.billed import Billed
from subscriptions.stage import Stage as PlanStage

PRO = 59_900


@dataclass(frozen=True)
class BilledGiving(Giving):
    """
    The first invoice of Pro, and the verbs that give its money back.
    """

    billed: Billed

    @property
    def taking(self) -> Billed:
        """
        Return the same invoice for the verbs and figures of reversals.
        """
        return self.billed

    @property
    def price_cents(self) -> int:
        """
        Return how much was paid.
        """
        return PRO

    @classmethod
    async def of_pro(cls, plans: PlanStage) -> "BilledGiving":
        """
        Subscribe to Pro.
        """
        billed = await Billed.at_first(plans)
        return cls(billed.stage, 0, str(billed.theirs.payments[0].payment_id), billed)
