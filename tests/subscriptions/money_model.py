"""
What payments, fixes, refunds and disputes do to credits and money: plain Python, written from the specification.
"""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Bucket:
    """
    Credits of one grant, and what is left of them.
    """

    left: int


@dataclass
class Payment:
    """
    The charge of one fix: once it is paid, the bucket of the credit it bought; and what was taken back of it.
    """

    cents: int
    bucket: Bucket | None = None
    refunded_cents: int = 0
    was_disputed: bool = False
    is_away: bool = False
    freezes: bool = False
    credit_taken: bool = False

    @property
    def left_cents(self) -> int:
        """
        Return what may still be given back.
        """
        return 0 if self.bucket is None or self.is_away else self.cents - self.refunded_cents


@dataclass
class Books:
    """
    Credits in buckets, spent oldest first; money by account, in cents; the charges of fixes, in order.
    """

    buckets: list[Bucket] = field(default_factory=list)
    money: Counter[str] = field(default_factory=Counter)
    payments: list[Payment] = field(default_factory=list)

    @property
    def credits(self) -> int:
        """
        Return the balance.
        """
        return sum(bucket.left for bucket in self.buckets)

    @property
    def is_frozen(self) -> bool:
        """
        Say whether a dispute forbids to charge.
        """
        return any(payment.freezes for payment in self.payments)

    def grant(self, credits: int) -> Bucket:
        """
        Add credits.
        """
        self.buckets.append(Bucket(credits))
        return self.buckets[-1]

    def consume(self, credits: int = 1) -> None:
        """
        Spend credits, the oldest first.
        """
        for bucket in self.buckets:
            spent = min(bucket.left, credits)
            bucket.left -= spent
            credits -= spent
        assert credits == 0, "not more than there are"

    def receive(self, cents: int) -> None:
        """
        Take money in.
        """
        self._move(processor=cents, revenue=-cents)

    def owe(self, cents: int) -> None:
        """
        Note a fix that is to be charged.
        """
        self.payments.append(Payment(cents))

    def collect(self) -> int:
        """
        Have everything that is owed paid, unless the customer is frozen; return how many charges that were.
        """
        waiting = [] if self.is_frozen else [payment for payment in self.payments if payment.bucket is None]
        for payment in waiting:
            self.receive(payment.cents)
            payment.bucket = self.grant(1)
            self.consume()
        return len(waiting)

    def refund(self, payment: Payment, cents: int) -> None:
        """
        Give a part of a payment back: the last cent takes its credit, or what that stood for is receivable.
        """
        payment.refunded_cents += cents
        is_whole = payment.refunded_cents == payment.cents
        self._take("refunded", payment, cents, is_whole=is_whole)

    def withdraw(self, payment: Payment) -> None:
        """
        Have a bank take a payment back; the customer is charged no more.
        """
        payment.was_disputed = payment.is_away = payment.freezes = True
        self._take("disputed", payment, payment.cents, is_whole=True)

    def give_back(self, payment: Payment) -> None:
        """
        Have a bank give a payment back, and its credit with it.
        """
        account = "receivable"
        if payment.credit_taken and payment.bucket is not None:
            account = "disputed"
            payment.bucket.left += 1
        self._move(**{"processor": payment.cents, account: -payment.cents})
        payment.is_away = payment.freezes = payment.credit_taken = False

    def release(self) -> None:
        """
        Have an operator let the customer be charged again.
        """
        for payment in self.payments:
            payment.freezes = False

    def _take(self, account: str, payment: Payment, cents: int, *, is_whole: bool) -> None:
        assert payment.bucket is not None, "it was paid"
        if is_whole and payment.bucket.left == 0:
            account = "receivable"
        elif is_whole:
            payment.bucket.left -= 1
            payment.credit_taken = True
        self._move(**{"processor": -cents, account: cents})

    def _move(self, **amounts_cents: int) -> None:
        self.money.update(amounts_cents)
