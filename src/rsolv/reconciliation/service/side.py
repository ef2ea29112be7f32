"""
What a kind of object has to offer so that Stripe's side of it can be compared with ours.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Generic, Protocol, TypeVar

from rsolv.db import Connection, Database
from rsolv.kernel.events import EventBus
from rsolv.reconciliation.rules import SAFE, Class, Difference, Kind
from rsolv.stripe_gateway import CUSTOMER_KEY, StripeGateway

AT_A_TIME = 100
NOTHING = "nothing"
_LONG = timedelta(days=1)
_BIGINT_DIGITS = 18


class AtStripe(Protocol):
    """
    An object at Stripe.
    """

    @property
    def id(self) -> str:
        """
        Return Stripe's id of it.
        """


class Here(Protocol):
    """
    Our row of it.
    """

    @property
    def customer_id(self) -> int:
        """
        Return whose it is.
        """

    @property
    def currency(self) -> str:
        """
        Return the currency of its money.
        """

    @property
    def cents(self) -> int:
        """
        Return the money that would be wrong if Stripe had nothing of it.
        """

    @property
    def words(self) -> str:
        """
        Say it in a few words.
        """


Theirs = TypeVar("Theirs", bound=AtStripe)
Ours = TypeVar("Ours", bound=Here)


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """
    What is compared with, since when, and now.
    """

    database: Database
    gateway: StripeGateway
    bus: EventBus
    since: datetime
    now: datetime

    @property
    def is_long(self) -> bool:
        """
        Say whether the time looked at is long enough to look at older things too, which take a call each.
        """
        return self.now - self.since >= _LONG


class Side(ABC, Generic[Theirs, Ours]):
    """
    One kind of object, on both sides.
    """

    kind: ClassVar[Kind]

    def __init__(self, means: Means) -> None:
        self.means = means

    @abstractmethod
    def list_theirs(self) -> AsyncIterator[Theirs]:
        """
        Go through what Stripe has since the time.
        """

    @abstractmethod
    async def read(self, stripe_object_id: str) -> Theirs:
        """
        Read one at Stripe by its id.

        Raises:
            GatewayMisused: Stripe has none of this id.
        """

    @abstractmethod
    async def find_ours(self, connection: Connection, theirs: Sequence[Theirs]) -> Mapping[str, Ours]:
        """
        Return what we have of these, by Stripe's id.
        """

    @abstractmethod
    async def list_ours(self, connection: Connection, *, after_id: int) -> Sequence[tuple[int, str, Ours]]:
        """
        Return the next of what must be at Stripe since the time: our id, Stripe's id, and what we have.
        """

    @abstractmethod
    def is_foreign(self, ours: Ours | None, theirs: Theirs) -> bool:
        """
        Say whether it is about nobody here.
        """

    @abstractmethod
    def compare(self, ours: Ours | None, theirs: Theirs) -> Difference | None:
        """
        Say what is otherwise at Stripe than here; None when both agree.
        """

    @abstractmethod
    async def settle(self, theirs: Theirs) -> bool:
        """
        Have our own verbs believe it; say whether something that was lost here was built anew.

        Raises:
            DomainError: they refuse; nothing has changed.
        """

    def missing_there(self, stripe_object_id: str, ours: Ours) -> Difference:
        """
        Say that Stripe has nothing of the kind.
        """
        return self.difference(
            "missing_there",
            stripe_object_id,
            ours=ours.words,
            theirs=NOTHING,
            customer_id=ours.customer_id,
            amount_cents=ours.cents,
            currency=ours.currency,
        )

    def difference(
        self,
        klass: Class,
        stripe_object_id: str,
        *,
        ours: str,
        theirs: str,
        customer_id: int | None = None,
        amount_cents: int = 0,
        currency: str | None = None,
        is_ours_to_settle: bool = True,
    ) -> Difference:
        """
        Write a difference of this kind down; only safe classes may ever be settled by ourselves.
        """
        return Difference(
            kind=self.kind,
            klass=klass,
            stripe_object_id=stripe_object_id,
            customer_id=customer_id,
            ours=ours,
            theirs=theirs,
            amount_cents=abs(amount_cents),
            currency=currency,
            is_ours_to_settle=klass in SAFE and is_ours_to_settle,
        )


def first(differs: Mapping[Class, bool]) -> Class | None:
    """
    Return the first class in which something differs.
    """
    return next((klass for klass, is_so in differs.items() if is_so), None)


def marks_in(metadata: Mapping[str, str], *, id_key: str, nonce_key: str) -> tuple[int, int, str] | None:
    """
    Read customer, id and nonce from what stands on an object at Stripe; None where that is not what we write.
    """
    numbers = metadata.get(CUSTOMER_KEY, ""), metadata.get(id_key, "")
    if not all(word.isascii() and word.isdigit() and len(word) <= _BIGINT_DIGITS for word in numbers):
        return None
    return int(numbers[0]), int(numbers[1]), metadata.get(nonce_key, "")
