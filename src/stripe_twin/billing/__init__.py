"""
Billing: products, prices, subscriptions, invoices and their collection, test clocks.

Other parts call what is exported here; `on_event` is to be among the account's listeners.
"""

from stripe_twin.billing import (
    collection,
    finalization,
    invoice_item_routes,
    invoice_payments,
    invoice_routes,
    invoicing,
    pausing,
    preview,
    prices,
    products,
    renewals,
    standing,
    subscription_routes,
    test_clocks,
)
from stripe_twin.billing.create_subscription import create_subscription
from stripe_twin.billing.invoice_routes import pay_invoice
from stripe_twin.billing.invoicing import lines_of
from stripe_twin.billing.listening import on_event
from stripe_twin.billing.settings import change_settings, settings
from stripe_twin.core import Includables, Routes, TaskHandlers

__all__ = [
    "INCLUDABLES",
    "ROUTES",
    "TASKS",
    "change_settings",
    "create_subscription",
    "lines_of",
    "on_event",
    "pay_invoice",
    "settings",
]

ROUTES = Routes()
for _part in (
    invoice_item_routes,
    invoice_payments,
    invoice_routes,
    pausing,
    preview,
    prices,
    products,
    subscription_routes,
    test_clocks,
):
    ROUTES.include(_part.routes)

TASKS: TaskHandlers = {
    collection.RETRY: collection.retry,
    invoicing.FINALIZE: finalization.finalize_due,
    renewals.CANCEL: renewals.cancel_due,
    renewals.EXPIRE: renewals.expire,
    renewals.TRIAL_WILL_END: renewals.trial_will_end,
    standing.RENEW: renewals.renew,
    standing.UPCOMING: renewals.announce,
}

INCLUDABLES: Includables = {
    ("invoice", "payments"): invoice_payments.payments_of,
    ("invoice", "confirmation_secret"): invoice_payments.confirmation_secret_of,
}
