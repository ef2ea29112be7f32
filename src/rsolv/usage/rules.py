"""
When a customer can use the service, and what to tell them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rsolv.catalog import Catalog
from rsolv.customers import Customer
from rsolv.kernel.money import money
from rsolv.ledger import CreditTransaction
from rsolv.spending_caps import CapStatus, Waiting
from rsolv.standing import GOOD, REFUSED, Standing


@dataclass(frozen=True, slots=True)
class UsageWarning:
    """
    Something to tell a customer: notice, warning or critical.
    """

    level: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Pricing:
    """
    The prices of the catalogue version the customer agreed to, in cents of its currency.
    """

    currency: str
    next_fix_cents: int
    payg_cents: int
    pro_cents: int | None
    pro_included: int | None
    pro_extra_cents: int | None


@dataclass(frozen=True, slots=True)
class UsageSummary:
    """
    All a customer sees at a glance. `waiting` is what their spending cap holds back.
    """

    customer: Customer
    stripe_customer_id: str | None
    credit_balance: int
    has_payment_method: bool
    can_use_service: bool
    warnings: Sequence[UsageWarning]
    pricing: Pricing
    fixes_this_period: int
    standing: Standing
    waiting: Waiting | None
    recent_transactions: Sequence[CreditTransaction]


def can_use_service(*, credit_balance: int, can_be_charged: bool, standing: Standing) -> bool:
    """
    Say whether new work is accepted: with credits, or with a payment method and the consent to charge it.

    Not of somebody who owes for longer than the grace.
    """
    return standing.state != REFUSED and (credit_balance > 0 or can_be_charged)


def warnings_for(
    catalog: Catalog, *, credit_balance: int, has_payment_method: bool, can_be_charged: bool, pricing: Pricing
) -> list[UsageWarning]:
    """
    Say what to warn of: few credits, the last one, or none; where the next fix cannot be charged, none is critical.
    """
    if credit_balance > catalog.warnings.low_credits:
        return []
    after = _after_the_credits(pricing, has_payment_method=has_payment_method, can_be_charged=can_be_charged)
    if credit_balance > catalog.warnings.last_credits:
        return [UsageWarning("notice", "low_credits", f"{credit_balance} credits are left. {after}")]
    if credit_balance > 0:
        return [UsageWarning("warning", "last_credits", f"Only {_credits(credit_balance)} left. {after}")]
    if can_be_charged:
        return [UsageWarning("notice", "no_credits", f"All credits are used. {after}")]
    if has_payment_method:
        text = "All credits are used. Fixes are blocked until you agree to be charged for them."
        return [UsageWarning("critical", "no_billing_consent", text)]
    return [
        UsageWarning(
            "critical",
            "no_billing_info",
            "All credits are used. Fixes are blocked until a payment method is added.",
        )
    ]


def warnings_of_cap(cap: CapStatus, *, is_charging: bool) -> list[UsageWarning]:
    """
    Warn once the next fix no longer fits under the customer's cap: while fixes are charged, or any charge waits for it.

    The service goes on: the customer limited what is charged in a month, not what is fixed.
    """
    if not cap.is_reached or not (is_charging or cap.charges_waiting):
        return []
    text = (
        "This month's spending cap is reached. Fixes are still recorded; their charges wait until "
        f"{cap.resets_at:%Y-%m-%d}, or until the cap is raised."
    )
    return [UsageWarning("warning", "spending_cap_reached", text)]


def warnings_of_standing(standing: Standing) -> list[UsageWarning]:
    """
    Warn of what is overdue: until when new scans are taken, and that they no longer are.
    """
    if standing.state == GOOD or standing.currency is None:
        return []
    owed = f"{money(standing.owed_cents, standing.currency)} could not be collected since {standing.since:%Y-%m-%d}. "
    mend = "Add a card that can be charged."
    if standing.state == REFUSED:
        return [UsageWarning("critical", "payment_overdue", f"{owed}New scans are refused until it is paid. {mend}")]
    text = f"{owed}From {standing.grace_ends_at:%Y-%m-%d %H:%M} UTC new scans are refused. {mend}"
    return [UsageWarning("warning", "payment_overdue", text)]


def _after_the_credits(pricing: Pricing, *, has_payment_method: bool, can_be_charged: bool) -> str:
    if can_be_charged:
        return f"Further fixes cost {money(pricing.next_fix_cents, pricing.currency)} each."
    if has_payment_method:
        return "Agree to be charged to go on after that."
    return "Add a payment method to go on after that."


def pricing_for(catalog: Catalog, *, plan: str) -> Pricing:
    """
    Return the prices of a catalogue as a customer on *plan* sees them.
    """
    paid = catalog.subscription()
    return Pricing(
        currency=catalog.currency,
        next_fix_cents=catalog.fix_price_cents(plan),
        payg_cents=catalog.fix_price_cents(catalog.pay_as_you_go()[0]),
        pro_cents=paid[1].monthly_price_cents if paid else None,
        pro_included=paid[1].period_credits if paid else None,
        pro_extra_cents=paid[1].fix_price_cents if paid else None,
    )


def period_start(now: datetime) -> datetime:
    """
    Return when the running calendar month began, in UTC.
    """
    return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _credits(count: int) -> str:
    return "1 credit is" if count == 1 else f"{count} credits are"
