"""
What a change of a subscription means for its customer.
"""

from dataclasses import replace
from datetime import datetime

from rsolv import catalog, customers, ledger
from rsolv.audit import SYSTEM, record
from rsolv.db import Connection
from rsolv.jobs import enqueue
from rsolv.kernel.events import EventBus
from rsolv.subscriptions.queries import subscriptions
from rsolv.subscriptions.rules import (
    CustomerChurned,
    Subscription,
    churn_reason,
    customer_state,
    keeps_plan,
    notice_of,
)
from rsolv.subscriptions.service.promises import notice_job


async def follow(
    connection: Connection,
    bus: EventBus,
    *,
    customer: customers.Customer,
    before: Subscription,
    after: Subscription,
    ended_unpaid: bool,
    now: datetime,
) -> None:
    """
    Write a subscription as it now is; give its customer the plan and the state that go with it, and tell of it.

    Call with both locked.
    """
    reason = churn_reason(before, after, ended_unpaid=ended_unpaid)
    churned_at = None if keeps_plan(after, now=now) else before.churned_at
    await subscriptions.update_subscription(connection, replace(after, churned_at=now if reason else churned_at))
    await _change_customer(connection, customer, after, now=now)
    if before.state != after.state or before.cancel_at != after.cancel_at:
        await _note(connection, after)
    notice = notice_of(before, after, is_on_plan=customer.subscription_type == after.plan, now=now)
    if notice is not None:
        await enqueue(connection, notice_job(after, notice, about=str(before.version)))
    if reason is not None:
        await _tell_of_churn(connection, bus, after, reason=reason, now=now)


async def _change_customer(
    connection: Connection, customer: customers.Customer, after: Subscription, *, now: datetime
) -> None:
    if keeps_plan(after, now=now):
        plan = after.plan
    elif customer.subscription_type == after.plan:
        version = await catalog.get_version(connection, version_id=after.catalog_version_id)
        plan = version.catalog.pay_as_you_go()[0]
    else:
        plan = customer.subscription_type
    state = customer_state(after)
    if (plan, state) != (customer.subscription_type, customer.subscription_state):
        await customers.change_plan(connection, customer.id, plan)
        await customers.change_subscription_state(connection, customer.id, state)


async def _note(connection: Connection, after: Subscription) -> None:
    await record(
        connection,
        actor=SYSTEM,
        action="subscription:changed",
        subject=f"subscription {after.id}",
        customer_id=after.customer_id,
        facts={
            "state": after.state,
            "cancel_at": after.cancel_at and after.cancel_at.isoformat(),
            "stripe_subscription_id": after.stripe_subscription_id,
        },
    )


async def _tell_of_churn(
    connection: Connection, bus: EventBus, after: Subscription, *, reason: str, now: datetime
) -> None:
    assert after.started_at is not None, "who never began is not lost"
    balances = (await ledger.money_balances(connection, customer_id=after.customer_id)).get(after.currency, {})
    event = CustomerChurned(
        customer_id=after.customer_id,
        subscription_id=after.id,
        reason=reason,
        tenure_days=((after.ended_at or now) - after.started_at).days,
        lifetime_value_cents=balances.get("processor", 0),  # what came and stayed, whatever is still owed for the rest
        currency=after.currency,
        occurred_at=now,
    )
    await bus.publish(connection, event)
    await record(
        connection,
        actor=SYSTEM,
        action="customer:churned",
        subject=f"customer {after.customer_id}",
        customer_id=after.customer_id,
        facts={
            "reason": reason,
            "tenure_days": event.tenure_days,
            "lifetime_value_cents": event.lifetime_value_cents,
            "currency": event.currency,
        },
    )
