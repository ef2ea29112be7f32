"""
Disputes at Stripe against disputes and what they took back here.
"""

from collections.abc import AsyncIterator, Mapping, Sequence

from rsolv import disputes
from rsolv.db import Connection
from rsolv.reconciliation.queries import money_back
from rsolv.reconciliation.queries.money_back import OurDispute
from rsolv.reconciliation.rules import Class, Difference
from rsolv.reconciliation.service.side import AT_A_TIME, Means, Side, first
from rsolv.stripe_gateway import Dispute


class _Disputes(Side[Dispute, OurDispute]):
    """
    Each dispute of our payments is known here at the same stage, and its money is here where Stripe has it.
    """

    kind = "dispute"

    def __init__(self, means: Means) -> None:
        super().__init__(means)
        self._owners: dict[str, int] = {}

    def list_theirs(self) -> AsyncIterator[Dispute]:
        return self.means.gateway.list_all_disputes(created_since=self.means.since)

    async def read(self, stripe_object_id: str) -> Dispute:
        return await self.means.gateway.read_dispute(stripe_object_id)

    async def find_ours(self, connection: Connection, theirs: Sequence[Dispute]) -> Mapping[str, OurDispute]:
        payment_ids = [each.payment_id for each in theirs if each.payment_id is not None]
        self._owners |= await money_back.find_owners_for_operator(connection, payment_ids)
        return await money_back.find_disputes_for_operator(connection, [each.id for each in theirs])

    async def list_ours(self, connection: Connection, *, after_id: int) -> Sequence[tuple[int, str, OurDispute]]:
        found = await money_back.list_disputes_for_operator(
            connection, since=self.means.since, after_id=after_id, limit=AT_A_TIME
        )
        return [(each.id, each.stripe_dispute_id, each) for each in found]

    def is_foreign(self, ours: OurDispute | None, theirs: Dispute) -> bool:
        return ours is None and theirs.payment_id not in self._owners

    def compare(self, ours: OurDispute | None, theirs: Dispute) -> Difference | None:
        if ours is None:
            return self._of(ours, "missing_here", theirs)
        known = (ours.stage, ours.is_withdrawn, ours.movements, ours.is_taken)
        klass = first(
            {
                "owner": theirs.payment_id not in ours.stripe_payment_ids,
                "currency": theirs.currency != ours.currency,
                "amount": theirs.amount_cents != ours.amount_cents,
                "stale": known != (theirs.stage, theirs.is_withdrawn, theirs.movements, theirs.is_withdrawn),
            }
        )
        return None if klass is None else self._of(ours, klass, theirs)

    def missing_there(self, stripe_object_id: str, ours: OurDispute) -> Difference:
        return self.difference(
            "missing_there",
            stripe_object_id,
            ours=_words(ours),
            theirs="nothing",
            customer_id=ours.customer_id,
            amount_cents=ours.amount_cents,
            currency=ours.currency,
        )

    async def settle(self, theirs: Dispute) -> bool:
        async with self.means.database.transaction() as connection:  # lint: allow one-transaction-place -- after a call
            await disputes.settle_dispute(connection, self.means.bus, theirs, now=self.means.now)
        return False

    def _of(self, ours: OurDispute | None, klass: Class, theirs: Dispute) -> Difference:
        agreed_cents = ours.amount_cents if ours and klass == "amount" else 0
        return self.difference(
            klass,
            theirs.id,
            ours=_words(ours),
            theirs=f"{theirs.stripe_state}, {theirs.amount_cents} {theirs.currency} of {theirs.payment_id}",
            customer_id=ours.customer_id if ours else self._owners.get(theirs.payment_id or ""),
            amount_cents=theirs.amount_cents - agreed_cents,
            currency=theirs.currency,
        )


def _words(ours: OurDispute | None) -> str:
    if ours is None:
        return "nothing"
    where = "taken back" if ours.is_taken else "not taken back"
    return f"dispute {ours.id}, {ours.stage}, {ours.amount_cents} {ours.currency}, {where}"
