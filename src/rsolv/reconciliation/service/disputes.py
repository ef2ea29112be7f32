"""
Disputes at Stripe against disputes and what they took back here.
"""

from collections.abc import AsyncIterator, Mapping, Sequence

from rsolv import disputes
from rsolv.db import Connection
from rsolv.reconciliation.queries import money_back
from rsolv.reconciliation.queries.money_back import OurDispute
from rsolv.reconciliation.rules import Difference
from rsolv.reconciliation.service.money_back import MoneyBack
from rsolv.reconciliation.service.side import AT_A_TIME, first
from rsolv.stripe_gateway import Dispute


class _Disputes(MoneyBack[Dispute, OurDispute]):
    """
    Each dispute of our payments is known here at the same stage, and its money is here where Stripe has it.
    """

    kind = "dispute"

    def list_theirs(self) -> AsyncIterator[Dispute]:
        return self.means.gateway.list_all_disputes(created_since=self.means.since)

    async def read(self, stripe_object_id: str) -> Dispute:
        return await self.means.gateway.read_dispute(stripe_object_id)

    async def find_ours(self, connection: Connection, theirs: Sequence[Dispute]) -> Mapping[str, OurDispute]:
        await self.know_owners(connection, theirs)
        return await money_back.find_disputes_for_operator(connection, [each.id for each in theirs])

    async def list_ours(self, connection: Connection, *, after_id: int) -> Sequence[tuple[int, str, OurDispute]]:
        found = await money_back.list_disputes_for_operator(
            connection, since=self.means.since, after_id=after_id, limit=AT_A_TIME
        )
        return [(each.id, each.stripe_dispute_id, each) for each in found]

    def compare(self, ours: OurDispute | None, theirs: Dispute) -> Difference | None:
        if ours is None:
            return self.differs(ours, "missing_here", theirs)
        known = (ours.stage, ours.is_withdrawn, ours.movements, ours.is_taken)
        klass = first(
            {
                "owner": theirs.payment_id not in ours.stripe_payment_ids,
                "currency": theirs.currency != ours.currency,
                "amount": theirs.amount_cents != ours.amount_cents,
                "stale": known != (theirs.stage, theirs.is_withdrawn, theirs.movements, theirs.is_withdrawn),
            }
        )
        return None if klass is None else self.differs(ours, klass, theirs)

    async def settle(self, theirs: Dispute) -> bool:
        async with self.means.database.transaction() as connection:  # lint: allow one-transaction-place -- after a call
            await disputes.settle_dispute(connection, self.means.bus, theirs, now=self.means.now)
        return False
