"""
Subscriptions at Stripe against those here.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime

from rsolv import subscriptions
from rsolv.db import Connection
from rsolv.reconciliation.queries import plans
from rsolv.reconciliation.queries.plans import OurSubscription
from rsolv.reconciliation.rules import Class, Difference
from rsolv.reconciliation.service.side import AT_A_TIME, NOTHING, Side, first, marks_in
from rsolv.stripe_gateway import Subscription

_EVER = datetime(2011, 1, 1, tzinfo=UTC)
_OVER = frozenset({"canceled", "incomplete_expired"})


class _Subscriptions(Side[Subscription, OurSubscription]):
    """
    Each subscription that we opened is known here in the same state, for the same price and until the same time.
    """

    kind = "subscription"

    def list_theirs(self) -> AsyncIterator[Subscription]:
        since = _EVER if self.means.is_long else self.means.since
        return self.means.gateway.list_all_subscriptions(created_since=since)

    async def read(self, stripe_object_id: str) -> Subscription:
        return await self.means.gateway.read_subscription(stripe_object_id)

    async def find_ours(self, connection: Connection, theirs: Sequence[Subscription]) -> Mapping[str, OurSubscription]:
        found = await plans.find_subscriptions_for_operator(connection, [each.id for each in theirs])
        marks = {
            each.id: mark
            for each in theirs
            if each.id not in found
            and (mark := marks_in(each.metadata, id_key=subscriptions.MARK, nonce_key=subscriptions.NONCE_KEY))
        }
        return found | (await plans.find_marked_for_operator(connection, marks) if marks else {})

    async def list_ours(self, connection: Connection, *, after_id: int) -> Sequence[tuple[int, str, OurSubscription]]:
        found = await plans.list_subscriptions_for_operator(
            connection, since=self.means.since, with_older=self.means.is_long, after_id=after_id, limit=AT_A_TIME
        )
        return [(each.id, each.stripe_subscription_id or "", each) for each in found]

    def is_foreign(self, ours: OurSubscription | None, theirs: Subscription) -> bool:
        return ours is None and subscriptions.MARK not in theirs.metadata

    def compare(self, ours: OurSubscription | None, theirs: Subscription) -> Difference | None:
        if ours is None:
            return None if theirs.state in _OVER else self._of(ours, "missing_here", theirs)
        if ours.stripe_subscription_id is None:
            return self._of(ours, "missing_here", theirs)
        if ours.stripe_subscription_id != theirs.id:
            return None if theirs.state in _OVER else self._of(ours, "duplicate", theirs)
        klass = first(
            {
                "owner": theirs.stripe_customer_id != ours.stripe_customer_id,
                "amount": theirs.price_ids != (ours.stripe_price_id,),
                "stale": _is_news(ours, theirs),
            }
        )
        return None if klass is None else self._of(ours, klass, theirs)

    async def settle(self, theirs: Subscription) -> bool:
        """
        Look at it as the schedule does, with its invoices; one that is lost here cannot be built anew.
        """
        async with self.means.database.reading() as connection:
            ours = (await self.find_ours(connection, [theirs])).get(theirs.id)
        if ours is not None:
            await subscriptions.look(
                self.means.database,
                self.means.gateway,
                self.means.bus,
                customer_id=ours.customer_id,
                subscription_id=ours.id,
                now=self.means.now,
            )
        return False

    def _of(self, ours: OurSubscription | None, klass: Class, theirs: Subscription) -> Difference:
        prices = ", ".join(theirs.price_ids)
        return self.difference(
            klass,
            theirs.id,
            ours=ours.words if ours else NOTHING,
            theirs=f"{theirs.stripe_state}, {prices} of {theirs.stripe_customer_id}",
            customer_id=ours.customer_id if ours else None,
            amount_cents=ours.price_cents if ours else 0,
            currency=ours.currency if ours else None,
        )


def _is_news(ours: OurSubscription, theirs: Subscription) -> bool:
    if theirs.state in _OVER:
        return ours.state != theirs.state
    ends_at = theirs.period.ends_at if theirs.period else None
    return (ours.state, ours.period_ends_at, ours.cancel_at) != (theirs.state, ends_at, theirs.cancel_at)
