"""
Every operation of the API, by noun.
"""

from rsolv.api.operation import Operation
from rsolv.api.routes import (
    billing,
    card_setups,
    charge_links,
    charges,
    consent,
    customers,
    health,
    invoices,
    payment_methods,
    phases,
    spending_cap,
    subscriptions,
)

OPERATIONS: tuple[Operation, ...] = (
    *customers.OPERATIONS,
    *phases.OPERATIONS,
    *billing.OPERATIONS,
    *charges.OPERATIONS,
    *charge_links.OPERATIONS,
    *card_setups.OPERATIONS,
    *payment_methods.OPERATIONS,
    *consent.OPERATIONS,
    *spending_cap.OPERATIONS,
    *subscriptions.OPERATIONS,
    *invoices.OPERATIONS,
    *health.OPERATIONS,
)
