"""
The judge: compare what Stripe was paid with what our books say, debt by debt. Pure; `facts.py` gathers the facts.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class PaidAtStripe:
    """
    A payment that succeeded at Stripe, and which debt it says it is for (None: none of ours).
    """

    payment_id: str
    customer_id: int
    charge_id: int | None
    amount_cents: int


@dataclass(frozen=True)
class MoneyPosted:
    """
    A posting of money received, and the payment it names.
    """

    posting_id: int
    customer_id: int
    charge_id: int | None
    payment_id: str | None
    amount_cents: int


@dataclass(frozen=True, kw_only=True)
class DebtAsStored:
    """
    A debt with its charge and its fix, as the database has them.
    """

    customer_id: int
    charge_id: int
    amount_cents: int
    debt_state: str
    charge_state: str
    fix_state: str
    credits_purchased: int
    credits_consumed: int
    is_forgotten: bool
    parked_reason: str | None = None

    @property
    def is_canceled(self) -> bool:
        """
        Tell whether it was dropped.
        """
        return self.debt_state == self.charge_state == "canceled"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """
    All that is judged: what work there was to be paid (or, where it may be, dropped), what is stored, what was paid.
    """

    works: int
    debts: Sequence[DebtAsStored]
    paid: Sequence[PaidAtStripe]
    charges_at_stripe: int
    posted: Sequence[MoneyPosted]
    breaches: Sequence[str]
    payments_at_stripe: int = 0
    may_be_canceled: bool = False


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """
    What is wrong; nothing, if all is well. Each finding is a sentence.
    """

    debts: int
    payments_at_stripe: int = 0
    double_charges: tuple[str, ...] = ()
    lost_charges: tuple[str, ...] = ()
    unexplained_payments: tuple[str, ...] = ()
    breaches: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[str, ...]:
        """
        Return all that is wrong.
        """
        return self.double_charges + self.lost_charges + self.unexplained_payments + self.breaches


def judge(facts: Facts) -> Verdict:
    """
    Judge whether each piece of work was paid exactly once, and whether every payment is explained, both ways.
    """
    return Verdict(
        debts=len(facts.debts),
        payments_at_stripe=facts.payments_at_stripe,
        double_charges=tuple(_double_charges(facts)),
        lost_charges=tuple(_lost_charges(facts)),
        unexplained_payments=tuple(_unexplained_payments(facts)),
        breaches=(*facts.breaches, *_breaches(facts)),
    )


def _double_charges(facts: Facts) -> Iterable[str]:
    payments = Counter((paid.customer_id, paid.charge_id) for paid in facts.paid)
    for (customer_id, charge_id), count in payments.items():
        if count > 1:
            yield f"charge {charge_id} of customer {customer_id} was paid {count} times"
    if len(facts.debts) > facts.works:
        yield f"{len(facts.debts)} debts for {facts.works} pieces of work"
    if facts.charges_at_stripe != len(facts.paid):
        yield f"{facts.charges_at_stripe} charges at Stripe for {len(facts.paid)} payments"


def _lost_charges(facts: Facts) -> Iterable[str]:
    payments = {(paid.customer_id, paid.charge_id) for paid in facts.paid}
    for debt in facts.debts:
        is_paid = (debt.customer_id, debt.charge_id) in payments
        if debt.is_canceled and facts.may_be_canceled:
            if is_paid:
                yield f"charge {debt.charge_id} was paid, and dropped here"
        elif not is_paid:
            yield f"charge {debt.charge_id} was never paid: {debt.charge_state}"
        elif (debt.debt_state, debt.charge_state, debt.fix_state) != ("paid", "succeeded", "consumed"):
            why = f", parked: {debt.parked_reason}" if debt.parked_reason else ""
            states = f"debt {debt.debt_state}, charge {debt.charge_state}, fix {debt.fix_state}"
            yield f"charge {debt.charge_id}: {states}{why}"
    if len(facts.debts) < facts.works:
        yield f"{len(facts.debts)} debts for {facts.works} pieces of work"


def _unexplained_payments(facts: Facts) -> Iterable[str]:
    debts = {(debt.customer_id, debt.charge_id): debt for debt in facts.debts}
    postings = Counter(posted.payment_id for posted in facts.posted)
    money = {posted.payment_id: posted for posted in facts.posted}
    for paid in facts.paid:
        debt, posted = debts.get((paid.customer_id, paid.charge_id or 0)), money.get(paid.payment_id)
        if debt is None or debt.amount_cents != paid.amount_cents:
            yield f"payment {paid.payment_id} is for no debt of this amount"
        if postings[paid.payment_id] != 1 or posted is None:
            yield f"payment {paid.payment_id} was posted {postings[paid.payment_id]} times"
        elif (posted.customer_id, posted.charge_id, posted.amount_cents) != (
            paid.customer_id,
            paid.charge_id,
            paid.amount_cents,
        ):
            yield f"payment {paid.payment_id} was posted otherwise than it was made"
    paid_ids = {paid.payment_id for paid in facts.paid}
    for posted in facts.posted:
        if posted.payment_id not in paid_ids:
            yield f"posting {posted.posting_id} names no payment that was made: {posted.payment_id}"


def _breaches(facts: Facts) -> Iterable[str]:
    for debt in facts.debts:
        due = 0 if debt.is_canceled and facts.may_be_canceled else 1
        if (debt.credits_purchased, debt.credits_consumed) != (due, due):
            found = f"+{debt.credits_purchased} -{debt.credits_consumed}"
            yield f"charge {debt.charge_id}: {found} credits, not +{due} -{due}"
        if debt.is_forgotten:
            yield f"charge {debt.charge_id} has neither a time to go on nor a reason to rest"
