"""
What refunds and disputes have in common when they are compared: they are of a payment, and say no more of whose.
"""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from rsolv.db import Connection
from rsolv.reconciliation.queries import money_back
from rsolv.reconciliation.queries.money_back import OurDispute, OurRefund
from rsolv.reconciliation.rules import Class, Difference
from rsolv.reconciliation.service.side import NOTHING, Means, Side


class OfPayment(Protocol):
    """
    A refund or a dispute at Stripe.
    """

    @property
    def id(self) -> str:
        """
        Return Stripe's id of it.
        """

    @property
    def payment_id(self) -> str | None:
        """
        Return which payment it is of.
        """

    @property
    def stripe_state(self) -> str:
        """
        Return its state, in Stripe's word.
        """

    @property
    def amount_cents(self) -> int:
        """
        Return how much it is about.
        """

    @property
    def currency(self) -> str:
        """
        Return in which currency.
        """


Theirs = TypeVar("Theirs", bound=OfPayment)
Ours = TypeVar("Ours", OurRefund, OurDispute)


class MoneyBack(Side[Theirs, Ours]):
    """
    Refunds or disputes: ours is what is of a payment of ours.
    """

    def __init__(self, means: Means) -> None:
        super().__init__(means)
        self._owners: dict[str, int] = {}

    async def know_owners(self, connection: Connection, theirs: Sequence[Theirs]) -> None:
        """
        Learn whose payments these are of.
        """
        payment_ids = [each.payment_id for each in theirs if each.payment_id is not None]
        self._owners |= await money_back.find_owners_for_operator(connection, payment_ids)

    def is_foreign(self, ours: Ours | None, theirs: Theirs) -> bool:
        """
        Say whether it is of nobody's payment here.
        """
        return ours is None and theirs.payment_id not in self._owners

    def differs(self, ours: Ours | None, klass: Class, theirs: Theirs) -> Difference:
        """
        Say that it is of a class; where the amount differs, only so much may be wrong.
        """
        agreed_cents = ours.amount_cents if ours and klass == "amount" else 0
        return self.difference(
            klass,
            theirs.id,
            ours=ours.words if ours else NOTHING,
            theirs=f"{theirs.stripe_state}, {theirs.amount_cents} {theirs.currency} of {theirs.payment_id}",
            customer_id=ours.customer_id if ours else self._owners.get(theirs.payment_id or ""),
            amount_cents=theirs.amount_cents - agreed_cents,
            currency=theirs.currency,
        )
