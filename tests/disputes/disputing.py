"""
A customer who pays and then has the bank take it back: what a test of disputes does and sees.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from charges.stage import NOW, SECOND, Stage
from rsolv import charges, disputes, fixes, ledger, reversals, subscriptions
from rsolv.audit import Actor
from rsolv.charges import Charge
from rsolv.charges.jobs import Machine
from rsolv.disputes import Dispute, Settled
from rsolv.disputes.service.freeze import wake_waiting
from rsolv.stripe_gateway import Dispute as TheirDispute
from rsolv.stripe_gateway import DisputeStage
from stripe_twin.payments import decide_dispute

FRAUDULENT, NOT_RECEIVED, INQUIRY = (
    "pm_card_createDispute",
    "pm_card_createDisputeProductNotReceived",
    "pm_card_createDisputeInquiry",
)
LATER = NOW + timedelta(days=1)
OPERATOR = Actor("operator", "ada")


@dataclass(frozen=True)
class Court:
    """
    A stage on which charges are disputed.
    """

    stage: Stage

    @property
    def machine(self) -> Machine:
        """
        Return a machine that asks before it charges whether the customer is frozen.
        """
        return self.stage.machine(cap=disputes.hold_disputed)

    async def pay(self, card: str = "pm_card_visa") -> Charge:
        """
        Have a fix paid by a card; afterwards an honest one is the default again.
        """
        await self.stage.add_card(card, at=NOW + SECOND)
        charge = await self.stage.finish(await self.stage.fix(), machine=self.machine)
        await self.stage.add_card(at=NOW + 2 * SECOND)
        assert charge.state == "succeeded", charge
        return charge

    async def theirs(self, charge: Charge) -> TheirDispute:
        """
        Return the dispute of a charge as Stripe has it.
        """
        [found] = await self.stage.gateway.list_disputes(str(charge.stripe_payment_id))
        return await self.stage.gateway.read_dispute(found.id)

    async def decide(self, dispute_id: str, *, won: bool) -> None:
        """
        Have the bank decide, at Stripe.
        """
        with self.stage.twin.store.unit():
            decide_dispute(self.stage.twin.account, dispute_id, won=won)

    async def settle(self, theirs: TheirDispute, *, at: datetime = NOW) -> Settled:
        """
        Believe a reading.
        """
        async with self.stage.database.transaction() as connection:
            return await disputes.settle_dispute(connection, self.stage.bus, theirs, now=at)

    async def look(self, dispute_id: str, *, at: datetime = NOW) -> Settled:
        """
        Read a dispute and believe it.
        """
        return await disputes.look_at_dispute(
            self.stage.database, self.stage.gateway, self.stage.bus, stripe_dispute_id=dispute_id, now=at
        )

    async def disputed(self, card: str = FRAUDULENT) -> tuple[Charge, str]:
        """
        Have a fix paid and disputed, and know of it: the charge and Stripe's id of the dispute.
        """
        charge = await self.pay(card)
        theirs = await self.theirs(charge)
        await self.look(theirs.id)
        return await self.stage.charge(charge.id), theirs.id

    async def dispute(self, dispute_id: str) -> Dispute:
        """
        Return a dispute as it is here.
        """
        async with self.stage.database.reading() as connection:
            return await disputes.get_dispute_by_stripe_id(connection, stripe_dispute_id=dispute_id)

    async def is_frozen(self) -> bool:
        """
        Say whether acme is not charged.
        """
        async with self.stage.database.reading() as connection:
            return await disputes.is_frozen(connection, customer_id=self.stage.customer_id)

    async def release(self, *, at: datetime = NOW) -> int:
        """
        Have an operator let acme be charged again.
        """
        async with self.stage.database.transaction() as connection:
            return await disputes.release(
                connection, customer_id=self.stage.customer_id, actor=OPERATOR, reason="paid by transfer", now=at
            )

    async def held(self) -> Charge:
        """
        Have another fix, and return its charge, which waits.
        """
        return await self.stage.advance(await self.stage.fix(), machine=self.machine)

    async def retry(self, *, at: datetime = NOW) -> int:
        """
        Do the promised retries, and return how many there were. The charges are then due.
        """
        rows = await self.queued("dispute.retry_held")
        await self.stage.owner.execute("DELETE FROM pgqueuer WHERE entrypoint = 'dispute.retry_held'")
        for ids in rows:
            async with self.stage.database.transaction() as connection:
                await wake_waiting(connection, customer_id=int(ids["customer_id"]), now=at)
        return len(rows)

    async def queued(self, kind: str) -> list[Mapping[str, str | int]]:
        """
        Return what the jobs of a kind that wait are about.
        """
        rows = await self.stage.owner.fetch(
            "SELECT payload FROM pgqueuer WHERE entrypoint = $1 AND status = 'queued' ORDER BY id", kind
        )
        return [msgspec.json.decode(row["payload"]) for row in rows]

    async def notices(self) -> list[str]:
        """
        Return what operators are to be told, in order.
        """
        return [str(ids["notice"]) for ids in await self.queued("mail.send_dispute_notice")]

    async def acts(self) -> list[str]:
        """
        Return what the record says of disputes and freezes, in order.
        """
        rows = await self.stage.owner.fetch(
            "SELECT action FROM audit_entries WHERE action LIKE 'dispute:%' OR action LIKE 'charges:%' ORDER BY id"
        )
        return [row["action"] for row in rows]

    async def money(self) -> dict[str, int]:
        """
        Return acme's balances in dollars' cents, without what is zero.
        """
        balances = (await self.stage.money()).get("usd", {})
        return {kind: cents for kind, cents in balances.items() if cents}

    async def breaches(self) -> list[ledger.Finding]:
        """
        Return what does not hold of all the books.
        """
        invariants = (
            *ledger.INVARIANTS,
            *fixes.INVARIANTS,
            *charges.INVARIANTS,
            *subscriptions.INVARIANTS,
            *reversals.INVARIANTS,
            *disputes.INVARIANTS,
        )
        return ledger.breached(await ledger.verify(self.stage.owner, invariants))

    async def require_withdrawn(self, charge: Charge, *, cents: int | None = None) -> None:
        """
        Insist that so much of a charge is taken back, once, that acme is frozen, and on sound books.
        """
        taken_cents = charge.amount_cents if cents is None else cents
        money = await self.money()
        assert money.get("processor", 0) == charge.amount_cents - taken_cents
        assert money.get("receivable", 0) + money.get("disputed", 0) == taken_cents
        assert (await self.stage.charge(charge.id)).amount_disputed_cents == taken_cents
        assert await self.is_frozen()
        assert await self.breaches() == []

    async def require_untouched(self, charge: Charge) -> None:
        """
        Insist that a charge is ours, whole, that acme is not frozen, and on sound books.
        """
        assert await self.money() == {"processor": charge.amount_cents, "revenue": -charge.amount_cents}
        assert not await self.is_frozen()
        assert await self.breaches() == []


def reading(charge: Charge, dispute_id: str = "du_1", **parts: object) -> TheirDispute:
    """
    Return a dispute as it could be read at Stripe: all of a charge, open, the money away.
    """
    read = TheirDispute(
        id=dispute_id,
        stage="open",
        stripe_state="needs_response",
        amount_cents=charge.amount_cents,
        is_withdrawn=True,
        movements=1,
        currency=charge.currency,
        payment_id=charge.stripe_payment_id,
        charge_id="ch_1",
        reason="fraudulent",
        respond_by=LATER,
        livemode=False,
        created_at=NOW,
        request_id="req_1",
    )
    return replace(read, **parts)


def moved(charge: Charge, stage: DisputeStage, movements: int, dispute_id: str = "du_1") -> TheirDispute:
    """
    Return a reading of a stage after so many movements of the money.
    """
    return reading(
        charge, dispute_id, stage=stage, stripe_state=stage, movements=movements, is_withdrawn=movements % 2 == 1
    )
