"""
The facts that can go wrong with a billing event.
"""

from rsolv.kernel.errors import NotFound


class UnknownBillingEvent(NotFound):
    """
    No such event of Stripe's has been stored.
    """

    code = "unknown_billing_event"
    sentence = "There is no billing event {event}."
