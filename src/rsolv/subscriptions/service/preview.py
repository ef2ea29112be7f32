"""
Say what subscribing would cost, before anybody agrees to it.
"""

from dataclasses import dataclass
from datetime import datetime

from rsolv import catalog, customers
from rsolv.db import Database
from rsolv.stripe_gateway import StripeGateway
from rsolv.subscriptions.queries import subscriptions
from rsolv.subscriptions.rules import RUNNING, TEXT_VERSION, TEXTS, Subscription, plan_to_sell
from rsolv.subscriptions.service.price import ensure_price


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """
    What a plan costs: today, with the next invoice, and per fix before and after its credits. Cents of the currency.
    """

    plan: str
    currency: str
    today_cents: int
    next_cents: int
    next_at: datetime | None
    monthly_cents: int
    period_credits: int
    fix_price_cents: int
    payg_fix_price_cents: int

    def month_cents(self, fixes: int) -> int:
        """
        Return what a month with so many fixes costs on the plan.
        """
        return self.monthly_cents + max(fixes - self.period_credits, 0) * self.fix_price_cents

    def payg_month_cents(self, fixes: int) -> int:
        """
        Return what the same month costs without it, credits at hand aside.
        """
        return fixes * self.payg_fix_price_cents


async def preview_subscription(database: Database, gateway: StripeGateway, *, customer_id: int, plan: str) -> Preview:
    """
    Ask Stripe what a plan would cost this customer; of one they are on, what its next invoice will be.

    Who is not known at Stripe yet is told the catalogue's price. Nothing is bought. Calls Stripe: not in a transaction.

    Raises:
        PlanNotSold: there is no such plan to subscribe to.
        GatewayFailure: Stripe could not be asked; calling again is safe.
    """
    async with database.reading() as connection:
        version = await catalog.get_pinned(connection, customer_id=customer_id)
        sold = plan_to_sell(version, plan)
        stripe_customer_id = await customers.find_stripe_customer_id(connection, customer_id=customer_id)
        current = await subscriptions.find_newest(connection, customer_id=customer_id)
    monthly_cents = sold.monthly_price_cents
    assert monthly_cents is not None, "it is sold by the month"
    currency, today_cents, next_cents = version.catalog.currency, monthly_cents, monthly_cents
    if current is not None and current.state in RUNNING:
        today_cents, next_cents = 0, await _next_cents(gateway, current)
    elif stripe_customer_id is not None:
        price_id = await ensure_price(
            gateway, plan=plan, label=sold.label, price_cents=monthly_cents, currency=currency
        )
        asked = await gateway.preview_subscription(stripe_customer_id=stripe_customer_id, price_id=price_id, quantity=1)
        today_cents = asked.amount_due_cents
    return Preview(
        plan=plan,
        currency=currency,
        today_cents=today_cents,
        next_cents=next_cents,
        next_at=current.period_ends_at if current is not None and current.state in RUNNING else None,
        monthly_cents=monthly_cents,
        period_credits=sold.period_credits,
        fix_price_cents=version.catalog.fix_price_cents(plan),
        payg_fix_price_cents=version.catalog.fix_price_cents(version.catalog.pay_as_you_go()[0]),
    )


def agreement(*, monthly_price: str) -> str:
    """
    Return the wording that subscribing agrees to, with the price as it is written for people.
    """
    return TEXTS[TEXT_VERSION].format(monthly_price=monthly_price)


async def _next_cents(gateway: StripeGateway, current: Subscription) -> int:
    assert current.stripe_subscription_id is not None, "it runs"
    if current.cancel_at is not None:
        return 0
    return (await gateway.preview_renewal(current.stripe_subscription_id)).amount_due_cents
