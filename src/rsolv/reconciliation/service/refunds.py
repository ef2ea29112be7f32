"""
Refunds at Stripe against refunds and what they took back here.
"""

from collections.abc import AsyncIterator, Mapping, Sequence

from rsolv import refunds
from rsolv.db import Connection
from rsolv.reconciliation.queries import money_back
from rsolv.reconciliation.queries.money_back import OurRefund
from rsolv.reconciliation.rules import Class, Difference
from rsolv.reconciliation.service.side import AT_A_TIME, Means, Side, first, marks_in
from rsolv.stripe_gateway import Refund

_TAKES_BACK = frozenset({"pending", "succeeded"})


class _Refunds(Side[Refund, OurRefund]):
    """
    Each refund of our payments is known here once, in the same state, and has taken back just that while it holds.
    """

    kind = "refund"

    def __init__(self, means: Means) -> None:
        super().__init__(means)
        self._owners: dict[str, int] = {}
        self._made: dict[str, str | None] = {}

    def list_theirs(self) -> AsyncIterator[Refund]:
        return self.means.gateway.list_all_refunds(created_since=self.means.since)

    async def read(self, stripe_object_id: str) -> Refund:
        return await self.means.gateway.read_refund(stripe_object_id)

    async def find_ours(self, connection: Connection, theirs: Sequence[Refund]) -> Mapping[str, OurRefund]:
        payment_ids = [each.payment_id for each in theirs if each.payment_id is not None]
        self._owners |= await money_back.find_owners_for_operator(connection, payment_ids)
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

    def is_foreign(self, ours: OurRefund | None, theirs: Refund) -> bool:
        return ours is None and theirs.payment_id not in self._owners

    def compare(self, ours: OurRefund | None, theirs: Refund) -> Difference | None:
        made = self._made.get(theirs.id)
        if made is not None and made != theirs.id:
            return self._of(ours, "duplicate", theirs)
        if ours is None:
            return self._of(ours, "missing_here", theirs)
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
        return None if klass is None else self._of(ours, klass, theirs)

    def missing_there(self, stripe_object_id: str, ours: OurRefund) -> Difference:
        return self.difference(
            "missing_there",
            stripe_object_id,
            ours=_words(ours),
            theirs="nothing",
            customer_id=ours.customer_id,
            amount_cents=ours.amount_cents,
            currency=ours.currency,
        )

    async def settle(self, theirs: Refund) -> bool:
        async with self.means.database.transaction() as connection:  # lint: allow one-transaction-place -- after a call
            await refunds.settle_refund(connection, self.means.bus, theirs, now=self.means.now)
        return False

    def _of(self, ours: OurRefund | None, klass: Class, theirs: Refund) -> Difference:
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


def _words(ours: OurRefund | None) -> str:
    if ours is None:
        return "nothing"
    return f"refund {ours.id}, {ours.state}, {ours.amount_cents} {ours.currency}, taken back {ours.posted_cents}"
