"""
Gather a customer's summary.
"""

from datetime import datetime, timedelta

from rsolv import catalog, customers, fixes, ledger, payment_methods, spending_caps, standing
from rsolv.db import Connection
from rsolv.usage.rules import (
    UsageSummary,
    can_use_service,
    period_start,
    pricing_for,
    warnings_for,
    warnings_of_cap,
    warnings_of_standing,
)

RECENT_TRANSACTIONS = 10


async def summarise(connection: Connection, *, customer_id: int, now: datetime) -> UsageSummary:
    """
    Return what a customer has, has used and should know. Reads only.

    Raises:
        UnknownCustomer: there is none with this id.
    """
    customer = await customers.get_customer(connection, customer_id=customer_id)
    version = await catalog.get_pinned(connection, customer_id=customer_id)
    balance = await ledger.balance(connection, customer_id=customer_id)
    pricing = pricing_for(version.catalog, plan=customer.subscription_type)
    has_payment_method = await payment_methods.has_payment_method(connection, customer_id=customer_id)
    consent = await payment_methods.find_covering_consent(
        connection, customer_id=customer_id, amount_cents=pricing.next_fix_cents, currency=pricing.currency
    )
    can_be_charged = has_payment_method and consent is not None
    cap = await spending_caps.get_status(connection, customer_id=customer_id, now=now)
    stands = await standing.get_standing(connection, customer_id=customer_id, now=now)
    return UsageSummary(
        customer=customer,
        stripe_customer_id=await customers.find_stripe_customer_id(connection, customer_id=customer_id),
        credit_balance=balance,
        has_payment_method=has_payment_method,
        can_use_service=can_use_service(credit_balance=balance, can_be_charged=can_be_charged, standing=stands),
        warnings=[
            *warnings_of_standing(stands),
            *warnings_for(
                version.catalog,
                credit_balance=balance,
                has_payment_method=has_payment_method,
                can_be_charged=can_be_charged,
                pricing=pricing,
            ),
            *warnings_of_cap(cap, is_charging=balance == 0 and can_be_charged),
        ],
        pricing=pricing,
        fixes_this_period=await fixes.count_settled_since(connection, customer_id=customer_id, since=period_start(now)),
        standing=stands,
        waiting=await spending_caps.find_waiting(connection, customer_id=customer_id),
        recent_transactions=await ledger.list_credit_transactions(
            connection, customer_id=customer_id, limit=RECENT_TRANSACTIONS
        ),
    )


async def count_fixes_last_month(connection: Connection, *, customer_id: int, now: datetime) -> int:
    """
    Count the fixes that consumed a credit in the last whole calendar month (UTC).
    """
    this_month = period_start(now)
    last_month = period_start(this_month - timedelta(days=1))
    since_then = await fixes.count_settled_since(connection, customer_id=customer_id, since=last_month)
    return since_then - await fixes.count_settled_since(connection, customer_id=customer_id, since=this_month)
