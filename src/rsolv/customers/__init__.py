"""
Customers: who holds keys and credits and whom we bill. Identity, contact, state.
"""

from rsolv.customers.errors import CustomerInvalid, EmailTaken, UnknownCustomer
from rsolv.customers.rules import (
    SOURCES,
    Acquisition,
    Customer,
    EmailPolicy,
    NewCustomer,
    checked_new_customer,
)
from rsolv.customers.service import (
    change_plan,
    change_subscription_state,
    create_customer,
    ensure_stripe_customer,
    find_by_email,
    find_by_stripe_id,
    find_stripe_customer_id,
    get_customer,
    list_customers_for_operator,
    lock_customer,
    stamp_first_scan,
)

__all__ = [
    "SOURCES",
    "Acquisition",
    "Customer",
    "CustomerInvalid",
    "EmailPolicy",
    "EmailTaken",
    "NewCustomer",
    "UnknownCustomer",
    "change_plan",
    "change_subscription_state",
    "checked_new_customer",
    "create_customer",
    "ensure_stripe_customer",
    "find_by_email",
    "find_by_stripe_id",
    "find_stripe_customer_id",
    "get_customer",
    "list_customers_for_operator",
    "lock_customer",
    "stamp_first_scan",
]
