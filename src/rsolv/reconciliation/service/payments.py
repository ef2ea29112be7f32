"""
Payments at Stripe against charges and their postings here.
"""

from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec

from rsolv import charges, fixes
from rsolv.db import Connection
from rsolv.reconciliation.queries import payments
from rsolv.reconciliation.queries.payments import OurPayment
from rsolv.reconciliation.rules import INVOICED_BEFORE, Class, Difference
from rsolv.reconciliation.service.side import AT_A_TIME, NOTHING, Means, Side, marks_in
from rsolv.stripe_gateway import CUSTOMER_KEY, Payment


class _Payments(Side[Payment, OurPayment]):
    """
    Each payment that succeeded has one charge and one posting of its amount, and the other way round.

    A subscription's payment is compared with its invoice. One that carries no mark of ours, is of one of our customers
    and paid no invoice is money that nobody here can explain.
    """

    kind = "payment"

    def __init__(self, means: Means) -> None:
        super().__init__(means)
        self._invoiced: set[str] | None = None
        self._customers: dict[str, int] = {}

    async def list_theirs(self) -> AsyncIterator[Payment]:
        await self._know_invoiced()
        async for payment in self.means.gateway.list_all_payments(created_since=self.means.since):
            yield payment

    async def read(self, stripe_object_id: str) -> Payment:
        return await self.means.gateway.read_payment(stripe_object_id)

    async def find_ours(self, connection: Connection, theirs: Sequence[Payment]) -> Mapping[str, OurPayment]:
        found = await payments.find_by_payment_for_operator(connection, [each.id for each in theirs])
        marks = {
            each.id: mark
            for each in theirs
            if each.id not in found
            and (mark := marks_in(each.metadata, id_key=charges.CHARGE_KEY, nonce_key=charges.NONCE_KEY))
        }
        if marks:
            found |= await payments.find_by_marks_for_operator(connection, marks)
        strange = [each.stripe_customer_id for each in theirs if each.id not in found and each.stripe_customer_id]
        if strange:
            self._customers |= await payments.find_customers_for_operator(connection, strange)
        return found

    async def list_ours(self, connection: Connection, *, after_id: int) -> Sequence[tuple[int, str, OurPayment]]:
        found = await payments.list_posted_for_operator(
            connection, since=self.means.since, after_id=after_id, limit=AT_A_TIME
        )
        return [(each.charge_id, each.stripe_payment_id or "", each) for each in found]

    def is_foreign(self, ours: OurPayment | None, theirs: Payment) -> bool:
        if ours is not None or charges.CHARGE_KEY in theirs.metadata:
            return False
        return theirs.stripe_customer_id not in self._customers or theirs.id in (self._invoiced or ())

    def compare(self, ours: OurPayment | None, theirs: Payment) -> Difference | None:
        is_paid = theirs.state == "succeeded"
        if ours is None:
            return self._unknown(theirs) if is_paid else None
        if ours.stripe_payment_id != theirs.id:
            return self._another(ours, theirs) if is_paid else None
        return self._paid(ours, theirs) if is_paid else self._unpaid(ours, theirs)

    async def settle(self, theirs: Payment) -> bool:
        async with self.means.database.transaction() as connection:  # lint: allow one-transaction-place -- after a call
            ours = (await self.find_ours(connection, [theirs])).get(theirs.id)
            if ours is None:
                return await self._rebuild(connection, theirs)
            if ours.stripe_payment_id is not None:
                await charges.settle(connection, self.means.bus, theirs, now=self.means.now)
                return False
            await charges.adopt_payment(
                connection,
                self.means.bus,
                theirs,
                customer_id=ours.customer_id,
                charge_id=ours.charge_id,
                now=self.means.now,
            )
            return False

    async def _rebuild(self, connection: Connection, theirs: Payment) -> bool:
        """
        Build fix, debt and charge anew from what stands on the payment; not when it was for somebody else's customer.
        """
        written = charges.written_on(theirs)
        owner = self._customers.get(theirs.stripe_customer_id or "")
        if written is None or owner is None or owner != written.customer_id:
            return False
        is_known = await payments.knows_origin(
            connection,
            customer_id=owner,
            api_key_id=written.api_key_id,
            catalog_version_id=written.catalog_version_id,
        )
        if not is_known:
            return False
        namespace, _, name = written.repository.partition("/")
        lost = fixes.LostFix(
            customer_id=owner,
            api_key_id=written.api_key_id,
            repository=fixes.Repository(namespace, name),
            issue_number=written.issue_number,
            commit_sha=written.commit_sha,
            amount_cents=theirs.amount_cents,
            currency=theirs.currency,
            plan=written.plan,
            catalog_version_id=written.catalog_version_id,
            evidence_json=msgspec.json.encode({"rebuilt_from": theirs.id}).decode(),
        )
        charge = await fixes.recover_fix(connection, lost, now=self.means.now)
        if charge is None:
            return False
        adopted = await charges.stand_in(
            connection, self.means.bus, theirs, customer_id=owner, charge_id=charge.id, now=self.means.now
        )
        return adopted == "settled"

    async def _know_invoiced(self) -> None:
        """
        Learn which payments paid invoices: Stripe no longer says so on the payment itself.
        """
        since = self.means.since - INVOICED_BEFORE
        self._invoiced = {
            payment.payment_id
            async for invoice in self.means.gateway.list_all_invoices(created_since=since)
            for payment in invoice.payments
            if payment.payment_id is not None
        }

    def _unknown(self, theirs: Payment) -> Difference:
        """
        Say that money came of which we know nothing; with our mark on it we are a copy of an earlier time.
        """
        return self.difference(
            "missing_here",
            theirs.id,
            ours=NOTHING,
            theirs=_words(theirs),
            customer_id=self._customers.get(theirs.stripe_customer_id or ""),
            amount_cents=theirs.amount_received_cents,
            currency=theirs.currency,
            is_ours_to_settle=charges.written_on(theirs) is not None,
        )

    def _another(self, ours: OurPayment, theirs: Payment) -> Difference:
        """
        Say that a payment which was made for a charge is not the one that the charge has.
        """
        if ours.stripe_payment_id is None:
            return self._of(ours, "missing_here", theirs.id, theirs=_words(theirs), amount_cents=theirs.amount_cents)
        return self._of(ours, "duplicate", theirs.id, theirs=_words(theirs), amount_cents=theirs.amount_received_cents)

    def _paid(self, ours: OurPayment, theirs: Payment) -> Difference | None:
        says = _words(theirs)
        named = theirs.metadata.get(CUSTOMER_KEY)
        if theirs.stripe_customer_id != ours.stripe_customer_id or named not in (None, str(ours.customer_id)):
            return self._of(
                ours, "owner", theirs.id, theirs=f"of {theirs.stripe_customer_id}", amount_cents=theirs.amount_cents
            )
        if theirs.currency != ours.currency:
            return self._of(ours, "currency", theirs.id, theirs=says, amount_cents=theirs.amount_cents)
        due_cents = ours.posted_cents or ours.amount_cents
        if theirs.amount_received_cents != due_cents:
            wrong_cents = theirs.amount_received_cents - due_cents
            return self._of(ours, "amount", theirs.id, theirs=says, amount_cents=wrong_cents)
        if not ours.posted_cents:
            return self._of(ours, "missing_here", theirs.id, theirs=says, amount_cents=theirs.amount_received_cents)
        return None

    def _unpaid(self, ours: OurPayment, theirs: Payment) -> Difference | None:
        if ours.posted_cents:
            says = _words(theirs)
            return self._of(ours, "missing_there", theirs.id, theirs=says, amount_cents=ours.posted_cents)
        if theirs.state == "canceled" and not ours.is_final:
            return self._of(ours, "stale", theirs.id, theirs="canceled", amount_cents=ours.amount_cents)
        return None

    def _of(
        self, ours: OurPayment, klass: Class, stripe_object_id: str, *, theirs: str, amount_cents: int
    ) -> Difference:
        return self.difference(
            klass,
            stripe_object_id,
            ours=ours.words,
            theirs=theirs,
            customer_id=ours.customer_id,
            amount_cents=amount_cents,
            currency=ours.currency,
        )


def _words(theirs: Payment) -> str:
    return f"{theirs.stripe_state}, {theirs.amount_received_cents} {theirs.currency}"
