"""
A paid charge of which money is given back: by us, at Stripe, and by the worker.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from charges.stage import NOW, Stage, charging_bus
from charges.test_crashes import Died
from reversals.taking import INVARIANTS, PRICE, Taking
from rsolv import charges, ledger, refunds, stripe_gateway
from rsolv.audit import Actor
from rsolv.kernel.events import EventBus
from rsolv.refunds import Refund
from rsolv.refunds.jobs import Machine, advance
from rsolv.refunds.rules import nothing

ADA = Actor("operator", "ada")
RUNS_AT_MOST = 300


def refunding_bus() -> EventBus:
    """
    Return a bus on which refunds hear of charges too.
    """
    bus = charging_bus()
    bus.subscribe(charges.ChargePaidAfterEnd, refunds.refund_late_payment)
    return bus


@dataclass(frozen=True)
class Giving:
    """
    A paid charge, and the verbs that give its money back.
    """

    stage: Stage
    charge_id: int
    payment_id: str

    @classmethod
    async def of_a_new_charge(cls, stage: Stage, *, card: str | None = None) -> "Giving":
        """
        Charge a fix, to a certain card if one is named.
        """
        for name in [card] if card else []:
            await stage.add_card(name)
        charge_id = await stage.fix()
        charge = await stage.finish(charge_id)
        return cls(stage, charge_id, str(charge.stripe_payment_id))

    @property
    def taking(self) -> Taking:
        """
        Return the same charge for the verbs and figures of reversals.
        """
        return Taking(self.stage, self.charge_id)

    @property
    def price_cents(self) -> int:
        """
        Return how much was paid.
        """
        return PRICE

    async def ask(self, cents: int | None = None, *, act: str | None = None, reason: str = "wrong fix") -> Refund:
        """
        Ask for a refund, as an operator.
        """
        async with self.stage.database.transaction() as connection:
            return await refunds.ask_refund(
                connection,
                customer_id=self.stage.customer_id,
                paid=self.taking.paid,
                amount_cents=cents,
                reason=reason,
                actor=ADA,
                act=act,
                now=NOW,
            )

    async def advance(self, refund_id: int, *, at: datetime = NOW, dying: Callable[[str], None] = nothing) -> Refund:
        """
        Go on with a refund once, and return it as it then is. The twin's time is ours.
        """
        self.stage.twin.account.advance(int(at.timestamp()))
        machine = Machine(database=self.stage.database, gateway=self.stage.gateway, bus=self.stage.bus, at=dying)
        await advance(machine, customer_id=self.stage.customer_id, refund_id=refund_id, now=at)
        return await self.refund(refund_id)

    async def finish(self, refund_id: int, *, at: datetime = NOW, dying: Callable[[str], None] = nothing) -> Refund:
        """
        Go on with a refund at each of its times until it has ended; workers that died are forgotten.
        """
        for _ in range(RUNS_AT_MOST):
            refund = await self.refund(refund_id)
            if refund.wake_at is None:
                return refund
            at = max(at, refund.wake_at)
            await self.end_leases()
            with suppress(Died):
                await self.advance(refund_id, at=at, dying=dying)
        raise AssertionError(f"never came to rest: {await self.refund(refund_id)}")

    async def finish_once_dying(self, refund_id: int, dying: Callable[[str], None]) -> None:
        """
        Go on with a refund until its worker dies.
        """
        with suppress(Died):
            await self.advance(refund_id, dying=dying)

    async def advance_until(self, refund_id: int, end: datetime) -> Refund:
        """
        Go on with a refund at each of its times before the end.
        """
        refund = await self.refund(refund_id)
        while refund.wake_at is not None and refund.wake_at < end:
            refund = await self.advance(refund_id, at=max(NOW, refund.wake_at))
        return refund

    async def end_leases(self) -> None:
        """
        Let the time pass that a dead worker's lease still had.
        """
        await self.stage.owner.execute("UPDATE refunds SET lease_until = NULL WHERE lease_until IS NOT NULL")

    async def refund(self, refund_id: int) -> Refund:
        """
        Return a refund as it is.
        """
        async with self.stage.database.reading() as connection:
            return await refunds.get_refund(connection, customer_id=self.stage.customer_id, refund_id=refund_id)

    async def all(self) -> list[Refund]:
        """
        Return acme's refunds, the oldest first.
        """
        async with self.stage.database.reading() as connection:
            return (await refunds.list_refunds(connection, customer_id=self.stage.customer_id, limit=100))[::-1]

    async def believe(self, theirs: stripe_gateway.Refund) -> str:
        """
        Settle as a webhook does, with what was read.
        """
        async with self.stage.database.transaction() as connection:
            return (await refunds.settle_refund(connection, self.stage.bus, theirs, now=NOW)).believed

    async def make_at_stripe(self, cents: int = PRICE, *, key: str = "by hand") -> stripe_gateway.Refund:
        """
        Give money back on Stripe's pages.
        """
        return await self.stage.gateway.refund_payment(
            self.payment_id, amount_cents=cents, reason="duplicate", metadata={}, key=key
        )

    async def pass_time(self, seconds: int = 61) -> None:
        """
        Let the bank decide at the twin.
        """
        account = self.stage.twin.account
        account.advance(account.now + seconds)

    def theirs(self) -> list[tuple[str, int]]:
        """
        Return the refunds at Stripe: state and amount.
        """
        return [(each["status"], each["amount"]) for each in self.stage.twin.store.all("refund")]

    async def dollars(self) -> Mapping[str, int]:
        """
        Return the balances of money that are not nothing.
        """
        return await self.taking.dollars()

    async def breaches(self) -> list[str]:
        """
        Return the ids of the promises that do not hold.
        """
        found = await ledger.verify(self.stage.owner, (*INVARIANTS, *refunds.INVARIANTS))
        return [each.id for each in ledger.breached(found)]

    async def require_refunded_once(self, refund_id: int, *, cents: int | None = None) -> None:
        """
        Insist on one refund at Stripe, of all unless told how much, one posting of its money, and sound books.
        """
        cents = self.price_cents if cents is None else cents
        refund = await self.refund(refund_id)
        assert (refund.state, refund.amount_cents) == ("succeeded", cents), refund
        assert self.theirs() == [("succeeded", cents)]
        assert (await self.taking.charge()).amount_refunded_cents == cents
        assert (await self.stage.money())["usd"]["processor"] == self.price_cents - cents
        assert await self.breaches() == []

    async def require_nothing_moved(self) -> None:
        """
        Insist that the charge's money is where it was, and on sound books.
        """
        assert await self.dollars() == {"processor": self.price_cents, "revenue": -self.price_cents}
        assert (await self.taking.charge()).refund_state == "none"
        assert await self.breaches() == []
