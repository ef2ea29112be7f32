"""
Conformance: what the twin believes of Stripe, as questions that can be asked of the twin and of a real test account.

`python -m stripe_twin.conformance` asks them all, and plays all scenarios, which show that the events come.
"""

from stripe_twin.conformance import (
    about_calls,
    about_cards,
    about_checkout,
    about_disputes,
    about_invoices,
    about_payments,
    about_refunds,
    about_renewals,
    about_setups,
    about_subscriptions,
)
from stripe_twin.conformance.inquiry import Row, inquire, table
from stripe_twin.conformance.questions import Facts, Question, Questions
from stripe_twin.conformance.witness import Witness

QUESTIONS = Questions()
for _part in (
    about_calls,
    about_cards,
    about_checkout,
    about_disputes,
    about_invoices,
    about_payments,
    about_refunds,
    about_renewals,
    about_setups,
    about_subscriptions,
):
    QUESTIONS.include(_part.questions)

__all__ = ["QUESTIONS", "Facts", "Question", "Questions", "Row", "Witness", "inquire", "table"]
