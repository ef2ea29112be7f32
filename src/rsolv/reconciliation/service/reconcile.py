"""
Compare everything at Stripe with everything here, settle what is safe to settle, and park the rest.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

import structlog

from rsolv.db import Database, Unavailable
from rsolv.kernel.errors import DomainError
from rsolv.kernel.events import EventBus
from rsolv.reconciliation.queries import runs
from rsolv.reconciliation.rules import Difference, Report, Scope, Told, tell_nobody
from rsolv.reconciliation.service.disputes import _Disputes
from rsolv.reconciliation.service.invoices import _Invoices
from rsolv.reconciliation.service.note import note_agreeing, note_difference
from rsolv.reconciliation.service.payments import _Payments
from rsolv.reconciliation.service.refunds import _Refunds
from rsolv.reconciliation.service.side import AT_A_TIME, Means, Ours, Side, Theirs
from rsolv.reconciliation.service.subscriptions import _Subscriptions
from rsolv.stripe_gateway import GatewayFailure, GatewayMisused, StripeGateway

Sides = Sequence[type[Side[Any, Any]]]
SIDES: Sides = (_Payments, _Invoices, _Refunds, _Disputes, _Subscriptions)
"""
What is compared, in this order: what was paid before what of it went back.
"""

Item = TypeVar("Item")
log = structlog.get_logger()


async def reconcile(
    database: Database,
    gateway: StripeGateway,
    bus: EventBus,
    *,
    since: datetime,
    scope: Scope,
    now: datetime,
    told: Told = tell_nobody,
    sides: Sides = SIDES,
) -> Report:
    """
    Compare what happened since a time in both directions, and return what was compared, settled, rebuilt and differs.

    What Stripe has and we do not, or have as it was earlier, is settled by the same verbs as for events and workers,
    then compared once more: only what agrees then counts as settled. Anything else is parked and alerted, and nothing
    of it is repaired. A run that came to its end makes restores from backups since then good. Any number may run at
    once, and die anywhere; again, it changes nothing. Calls Stripe, so do not call this in a transaction.

    Raises:
        GatewayFailure: Stripe could not be asked; what was found until then is kept, and the run is noted as stopped.
    """
    means = Means(database=database, gateway=gateway, bus=bus, since=since, now=now)
    report = Report(since=since)
    async with database.transaction() as connection:  # lint: allow one-transaction-place -- calls lie after it
        run_id = await runs.insert_run(connection, scope=scope, since=since, now=now)
    stopped_by: str | None = "Exception"
    try:
        for side in sides:
            await _Comparison(side(means), report, told).run()
        stopped_by = None
    except (GatewayFailure, Unavailable) as failure:
        stopped_by = type(failure).__name__
        raise
    finally:
        async with database.transaction() as connection:  # lint: allow one-transaction-place -- calls lie before it
            await runs.end_run(connection, run_id, report.total, stopped_by=stopped_by, now=now)
            if stopped_by is None and sides == SIDES:
                await runs.end_restores(connection, since=since, now=now)
    total = report.total
    log.info(
        "reconciled",
        run_id=run_id,
        scope=scope,
        compared=total.compared,
        settled=total.settled,
        rebuilt=total.rebuilt,
        differing=total.differing,
    )
    return report


class _Comparison:
    """
    One kind of object, gone through on both sides.
    """

    def __init__(self, side: Side[Any, Any], report: Report, told: Told) -> None:
        self._side = side
        self._means = side.means
        self._report = report
        self._counts = report.kinds[side.kind]
        self._told = told
        self._seen: set[str] = set()

    async def run(self) -> None:
        async for page in _pages(self._side.list_theirs()):
            await self._compare(page)
        after_id = 0
        while True:
            async with self._means.database.reading() as connection:
                ours = await self._side.list_ours(connection, after_id=after_id)
            if not ours:
                return
            for our_id, stripe_object_id, each in ours:
                after_id = our_id
                if stripe_object_id not in self._seen:
                    await self._look_for(stripe_object_id, each)

    async def _compare(self, theirs: Sequence[Theirs]) -> None:
        """
        Compare a page of what Stripe has.
        """
        async with self._means.database.reading() as connection:
            ours = await self._side.find_ours(connection, theirs)
        agreeing = []
        for each in theirs:
            self._seen.add(each.id)
            known = ours.get(each.id)
            if self._side.is_foreign(known, each):
                self._counts.foreign += 1
                continue
            difference = self._side.compare(known, each)
            self._counts.compared += 1
            if difference is None or await self._settled(difference, each):
                agreeing.append(each.id)
        self._told(self._side.kind, len(theirs))
        await self._note_agreeing(agreeing)

    async def _look_for(self, stripe_object_id: str, ours: Ours) -> None:
        """
        Read what must be at Stripe and was not listed: it is older than the list, or is not there.
        """
        try:
            theirs = await self._side.read(stripe_object_id)
        except GatewayMisused as failure:
            if not failure.is_missing:
                raise
            self._counts.compared += 1
            await self._park(self._side.missing_there(stripe_object_id, ours))
        else:
            await self._compare([theirs])

    async def _settled(self, difference: Difference, theirs: Theirs) -> bool:
        """
        Say whether both sides agree after our own verbs had their turn; park the difference if not.
        """
        if difference.is_ours_to_settle:
            try:
                is_rebuilt = await self._side.settle(theirs)
            except DomainError as error:
                log.warning("reconciliation_refused", stripe_object_id=theirs.id, error=type(error).__name__)
            else:
                left = await self._compared_anew(theirs.id)
                if left is None:
                    self._count_settled(difference, is_rebuilt=is_rebuilt)
                    return True
                difference = left
        await self._park(difference)
        return False

    async def _compared_anew(self, stripe_object_id: str) -> Difference | None:
        theirs = await self._side.read(stripe_object_id)
        async with self._means.database.reading() as connection:
            ours = await self._side.find_ours(connection, [theirs])
        return self._side.compare(ours.get(stripe_object_id), theirs)

    def _count_settled(self, difference: Difference, *, is_rebuilt: bool) -> None:
        if is_rebuilt:
            self._counts.rebuilt += 1
        else:
            self._counts.settled += 1
        say = log.error if is_rebuilt else log.warning
        say(
            "reconciliation_rebuilt" if is_rebuilt else "reconciliation_settled",
            kind=difference.kind,
            klass=difference.klass,
            stripe_object_id=difference.stripe_object_id,
            ours=difference.ours,
            theirs=difference.theirs,
        )

    async def _park(self, difference: Difference) -> None:
        self._counts.differing += 1
        self._report.differences.append(difference)
        async with self._means.database.transaction() as connection:  # lint: allow one-transaction-place -- as above
            await note_difference(connection, difference, now=self._means.now)

    async def _note_agreeing(self, stripe_object_ids: list[str]) -> None:
        if not stripe_object_ids:
            return
        async with self._means.database.transaction() as connection:  # lint: allow one-transaction-place -- as above
            await note_agreeing(connection, stripe_object_ids, now=self._means.now)


async def _pages(items: AsyncIterator[Item]) -> AsyncIterator[list[Item]]:
    page: list[Item] = []
    async for item in items:
        page.append(item)
        if len(page) == AT_A_TIME:
            yield page
            page = []
    if page:
        yield page
