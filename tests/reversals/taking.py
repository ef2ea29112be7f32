"""
What a test of reversals does with a paid charge, and what it sees of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import asyncpg

from charges.stage import NOW, Stage
from factories.customers import set_balance
from factories.ledger import give, spend, undo
from rsolv import charges, fixes, ledger, reversals, subscriptions
from rsolv.reversals import Paid, Reversal

PRICE = 2_900
INVARIANTS = (
    *ledger.INVARIANTS,
    *fixes.INVARIANTS,
    *charges.INVARIANTS,
    *subscriptions.INVARIANTS,
    *reversals.INVARIANTS,
)


@dataclass(frozen=True)
class Taking:
    """
    A paid charge, and the verbs that take it back.
    """

    stage: Stage
    charge_id: int

    @property
    def customer_id(self) -> int:
        """
        Return whose charge it is.
        """
        return self.stage.customer_id

    @property
    def paid(self) -> Paid:
        """
        Return what is taken back.
        """
        return Paid("charge", self.charge_id)

    async def take(
        self, cents: int = PRICE, stripe_object_id: str = "re_1", *, kind: Literal["refund", "dispute"] = "refund"
    ) -> Reversal:
        """
        Take a part of the charge back.
        """
        async with self.stage.database.transaction() as connection:
            return await reversals.take_back(
                connection,
                self.stage.bus,
                customer_id=self.customer_id,
                paid=self.paid,
                kind=kind,
                stripe_object_id=stripe_object_id,
                amount_cents=cents,
                now=NOW,
            )

    async def restore(
        self, stripe_object_id: str = "re_1", *, kind: Literal["refund", "dispute"] = "refund"
    ) -> Reversal | None:
        """
        Restore what a refund or a dispute took.
        """
        async with self.stage.database.transaction() as connection:
            return await reversals.restore(
                connection,
                self.stage.bus,
                customer_id=self.customer_id,
                kind=kind,
                stripe_object_id=stripe_object_id,
                now=NOW,
            )

    async def collect(self) -> None:
        """
        Take what is still due and has flowed back.
        """
        async with self.stage.database.transaction() as connection:
            await reversals.collect_shortfall(connection, customer_id=self.customer_id)

    async def reverse_fix(self) -> None:
        """
        Undo the consumption of the charge's fix, as an operator does.
        """
        posting_id = await self.stage.owner.fetchval(
            "SELECT consumed_posting_id FROM charge_intents WHERE id = $1", self.charge_id
        )
        async with self.stage.database.transaction() as connection:
            await undo(connection, customer_id=self.customer_id, posting_id=posting_id)
            await fixes.free_reversed_fix(connection, customer_id=self.customer_id, posting_id=posting_id)
            await reversals.collect_shortfall(connection, customer_id=self.customer_id)

    async def make_it_sixty(self) -> None:
        """
        Have the charge have bought sixty credits instead of the one that its fix consumed.
        """
        async with self.stage.database.transaction() as connection:
            granted = await give(connection, customer_id=self.customer_id, credits=60)
        await self.stage.owner.execute(
            "UPDATE charge_intents SET credits_posting_id = $2 WHERE id = $1", self.charge_id, granted.posting_id
        )

    async def spend(self, credits: int) -> ledger.Posted:
        """
        Spend credits.
        """
        async with self.stage.database.transaction() as connection:
            return await spend(connection, customer_id=self.customer_id, credits=credits)

    async def give(self, credits: int) -> None:
        """
        Give credits of another grant.
        """
        async with self.stage.database.transaction() as connection:
            await give(connection, customer_id=self.customer_id, credits=credits)

    async def of_another_fix(self) -> "Taking":
        """
        Charge another fix of the same customer.
        """
        charge_id = await self.stage.fix()
        await self.stage.finish(charge_id)
        return Taking(self.stage, charge_id)

    async def empty(self) -> None:
        """
        Take all credits away, so that the next fix is charged.
        """
        async with self.stage.database.transaction() as connection:
            await set_balance(connection, customer_id=self.customer_id, credits=0)

    async def undo_only(self, posting_id: int) -> None:
        """
        Undo a consumption without telling anybody.
        """
        async with self.stage.database.transaction() as connection:
            await undo(connection, customer_id=self.customer_id, posting_id=posting_id)

    async def unspend(self, posting_id: int) -> None:
        """
        Undo a consumption, as an operator does.
        """
        async with self.stage.database.transaction() as connection:
            await undo(connection, customer_id=self.customer_id, posting_id=posting_id)
            await reversals.collect_shortfall(connection, customer_id=self.customer_id)

    async def charge(self) -> charges.Charge | subscriptions.Invoice:
        """
        Return the charge as it is, or what is there in its place.
        """
        return await self.stage.charge(self.charge_id)

    async def dollars(self) -> Mapping[str, int]:
        """
        Return the balances of money that are not nothing.
        """
        money = await self.stage.money()
        return {account: cents for account, cents in money["usd"].items() if cents}

    async def credits(self) -> tuple[int, int]:
        """
        Return how many credits are available, and how many reversals have taken by their postings.
        """
        taken = await self.stage.owner.fetchval(
            """
            SELECT -coalesce(sum(e.amount), 0)::bigint
            FROM ledger_entries e JOIN ledger_postings p ON p.id = e.posting_id
            WHERE e.grant_id IS NOT NULL AND p.cause_kind IN ('refund', 'dispute')
            """
        )
        return await ledger.balance(self.stage.owner, customer_id=self.customer_id), taken

    async def balances(self) -> tuple[Mapping[str, int], Mapping[str, int]]:
        """
        Return all balances.
        """
        return await self.dollars(), (await self.stage.books()).balances()

    async def breaches(self) -> list[str]:
        """
        Return the ids of the promises that do not hold.
        """
        return [each.id for each in ledger.breached(await ledger.verify(self.stage.owner, INVARIANTS))]


async def reversal_rows(owner: asyncpg.Connection) -> list[tuple[object, ...]]:
    """
    Return what stands of each reversal, the first to come first.
    """
    rows = await owner.fetch("SELECT state, credits_due, credits_taken, receivable_cents FROM reversals ORDER BY id")
    return [tuple(row) for row in rows]
