"""
Payments: customers and their cards, setup and payment intents, charges, refunds, disputes, mandates.

Other parts create and confirm intents by the verbs below. None of them raises for a decline or for 3-D Secure: the
intent tells (`status`, `last_payment_error`, `last_setup_error`), and all events are emitted.
"""

from stripe_twin.core import Includables, Routes, TaskHandlers
from stripe_twin.payments import (
    charges,
    customers,
    disputes,
    mandates,
    payment_intents,
    payment_methods,
    refunds,
    setup_intents,
)
from stripe_twin.payments.authentication import finish_authentication
from stripe_twin.payments.card_making import create_card
from stripe_twin.payments.customers import create_customer, default_method_of
from stripe_twin.payments.disputes import decide_dispute
from stripe_twin.payments.intents import payment_error
from stripe_twin.payments.parameters import living_customer
from stripe_twin.payments.paying import cancel_intent, confirm_intent, create_intent
from stripe_twin.payments.refunds import fail_refund
from stripe_twin.payments.setup_intents import confirm_setup_intent, create_setup_intent
from stripe_twin.payments.wallet import attached_method_of, method_of, renew_card

ROUTES = Routes()
_PARTS = (charges, customers, disputes, mandates, payment_intents, payment_methods, refunds, setup_intents)
for _part in _PARTS:
    ROUTES.include(_part.routes)

TASKS: TaskHandlers = {**disputes.TASKS, **refunds.TASKS}
INCLUDABLES: Includables = {("charge", "refunds"): charges.refunds_of}

__all__ = [
    "INCLUDABLES",
    "ROUTES",
    "TASKS",
    "attached_method_of",
    "cancel_intent",
    "confirm_intent",
    "confirm_setup_intent",
    "create_card",
    "create_customer",
    "create_intent",
    "create_setup_intent",
    "decide_dispute",
    "default_method_of",
    "fail_refund",
    "finish_authentication",
    "living_customer",
    "method_of",
    "payment_error",
    "renew_card",
]
