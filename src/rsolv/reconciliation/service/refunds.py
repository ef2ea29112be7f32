"""
Refunds at Stripe against refunds and what they took back here.
"""

from collections.abc import AsyncIterator, Mapping, Sequence

from rsolv import refunds
from rsolv.db import Connection
from rsolv.reconciliation.queries import money_back
from rsolv.reconciliation.queries.money_back import OurRefund
from rsolv.reconciliation.rules import Difference
from rsolv.reconciliation.service.money_back import MoneyBack
from rsolv.reconciliation.service.side import AT_A_TIME, Means, first, marks_in
from rsolv.stripe_gateway import Refund

_TAKES_BACK = frozenset({"pending", "succeeded"})


class _Refunds(MoneyBack[Refund, OurRefund]):
    """
    Each refund of our payments is known here once, in the same state, and has taken back just that while it holds.
    """

    kind = "refund"

    def __init__(self, means: Means) -> None:
        super().__init__(means)
        self._made: dict[str, str | None] = {}

    def list_theirs(self) -> AsyncIterator[Refund]:
        return self.means.gateway.list_all_refunds(created_since=self.means.since)

    async def read(self, stripe_object_id: str) -> Refund:
        return await self.means.gateway.read_refund(stripe_object_id)

    async def find_ours(self, connection: Connection, theirs: Sequence[Refund]) -> Mapping[str, OurRefund]:
        await self.know_owners(connection, theirs)
        marks = {
            each.id: mark
            for each in theirs
            if (mark := marks_in(each.metadata, id_key=refunds.REFUND_KEY, nonce_key=refunds.NONCE_KEY))
        }
        if marks:
            self._made |= await money_back.find_made_for_operator(connection, marks)
        return await money_back.find_refunds_for_operator(connection, [each.id for each in theirs])

    async def list_ours(self, connection: Connection, *, after_id: int) -> Sequence[tuple[int, str, OurRefund]]:
        found = await money_back.list_refunds_for_operator(
            connection, since=self.means.since, after_id=after_id, limit=AT_A_TIME
        )
        return [(each.id, each.stripe_refund_id, each) for each in found]

    def compare(self, ours: OurRefund | None, theirs: Refund) -> Difference | None:
        made = self._made.get(theirs.id)
        if made is not None and made != theirs.id:
            return self.differs(ours, "duplicate", theirs)
        if ours is None:
            return self.differs(ours, "missing_here", theirs)
        state = refunds.believed_state(theirs)
        due_cents = theirs.amount_cents if state in _TAKES_BACK else 0
        klass = first(
            {
                "owner": theirs.payment_id not in ours.stripe_payment_ids,
                "currency": theirs.currency != ours.currency,
                "amount": theirs.amount_cents != ours.amount_cents,
                "stale": state != ours.state or ours.posted_cents != due_cents,
            }
        )
        return None if klass is None else self.differs(ours, klass, theirs)

    async def settle(self, theirs: Refund) -> bool:
        async with self.means.database.transaction() as connection:  # lint: allow one-transaction-place -- after a call
            await refunds.settle_refund(connection, self.means.bus, theirs, now=self.means.now)
        return False
