"""
Gather a customer's summary.
"""

from datetime import datetime

from rsolv import catalog, customers, fixes, ledger
from rsolv.db import Connection
from rsolv.usage.rules import UsageSummary, can_use_service, period_start, pricing_for, warnings_for

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
    has_payment_method = False  # payment methods are a room of their own, not built yet
    return UsageSummary(
        customer=customer,
        credit_balance=balance,
        has_payment_method=has_payment_method,
        can_use_service=can_use_service(credit_balance=balance, has_payment_method=has_payment_method),
        warnings=warnings_for(
            version.catalog, credit_balance=balance, has_payment_method=has_payment_method, pricing=pricing
        ),
        pricing=pricing,
        fixes_this_period=await fixes.count_settled_since(connection, customer_id=customer_id, since=period_start(now)),
        recent_transactions=await ledger.list_credit_transactions(
            connection, customer_id=customer_id, limit=RECENT_TRANSACTIONS
        ),
    )
