"""
Invoices at Stripe against those here and the money that was posted for them.
"""

from collections.abc import AsyncIterator, Mapping, Sequence

from rsolv import subscriptions
from rsolv.db import Connection
from rsolv.reconciliation.queries import plans
from rsolv.reconciliation.queries.plans import OurInvoice
from rsolv.reconciliation.rules import Class, Difference
from rsolv.reconciliation.service.side import AT_A_TIME, NOTHING, Means, Side, first
from rsolv.stripe_gateway import Invoice


class _Invoices(Side[Invoice, OurInvoice]):
    """
    Each invoice of our subscriptions is known here in the same state, and a paid one has one posting of its amount.
    """

    kind = "invoice"

    def __init__(self, means: Means) -> None:
        super().__init__(means)
        self._known: set[str] = set()

    def list_theirs(self) -> AsyncIterator[Invoice]:
        return self.means.gateway.list_all_invoices(created_since=self.means.since)

    async def read(self, stripe_object_id: str) -> Invoice:
        return await self.means.gateway.read_invoice(stripe_object_id)

    async def find_ours(self, connection: Connection, theirs: Sequence[Invoice]) -> Mapping[str, OurInvoice]:
        ids = [each.stripe_subscription_id for each in theirs if each.stripe_subscription_id is not None]
        self._known |= set(await plans.find_subscriptions_for_operator(connection, ids))
        return await plans.find_invoices_for_operator(connection, [each.id for each in theirs])

    async def list_ours(self, connection: Connection, *, after_id: int) -> Sequence[tuple[int, str, OurInvoice]]:
        found = await plans.list_invoices_for_operator(
            connection, since=self.means.since, after_id=after_id, limit=AT_A_TIME
        )
        return [(each.id, each.stripe_invoice_id, each) for each in found]

    def is_foreign(self, ours: OurInvoice | None, theirs: Invoice) -> bool:
        is_marked = subscriptions.MARK in theirs.subscription_metadata
        return ours is None and not is_marked and theirs.stripe_subscription_id not in self._known

    def compare(self, ours: OurInvoice | None, theirs: Invoice) -> Difference | None:
        if ours is None:
            return self._of(ours, "missing_here", theirs)
        is_news = theirs.state != ours.state
        klass = first(
            {
                "owner": theirs.stripe_customer_id != ours.stripe_customer_id,
                "currency": theirs.currency != ours.currency,
                "missing_there": is_news and ours.state == "paid",
                "stale": is_news,
                "amount": theirs.state == "paid" and theirs.amount_paid_cents != ours.posted_cents,
                "duplicate": ours.twice is not None,
            }
        )
        return None if klass is None else self._of(ours, klass, theirs)

    async def settle(self, theirs: Invoice) -> bool:
        whole = theirs if theirs.has_all_lines else await self.read(theirs.id)
        async with self.means.database.transaction() as connection:  # lint: allow one-transaction-place -- after a call
            await subscriptions.settle_invoice(connection, self.means.bus, whole, now=self.means.now)
        return False

    def _of(self, ours: OurInvoice | None, klass: Class, theirs: Invoice) -> Difference:
        says = f"{theirs.stripe_state}, {theirs.amount_paid_cents} {theirs.currency}"
        agreed_cents = ours.posted_cents if ours and klass == "amount" else 0
        return self.difference(
            klass,
            theirs.id,
            ours=ours.words if ours else NOTHING,
            theirs=f"{says} of {theirs.stripe_customer_id}",
            customer_id=ours.customer_id if ours else None,
            amount_cents=theirs.amount_paid_cents - agreed_cents,
            currency=theirs.currency,
        )
