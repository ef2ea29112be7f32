"""
The facts that keep new work from being taken.
"""

from rsolv.kernel.errors import PaymentNeeded


class PaymentOverdue(PaymentNeeded):
    """
    The grace is over for what a customer owes; only work that was begun before is still taken.
    """

    code = "payment_overdue"
    sentence = (
        "No new scans are taken: {owed_amount} could not be collected since {since_day}. Add a card that can be "
        "charged, or confirm the payment with your bank, and scans are taken again at once. Fixes of earlier scans are "
        "still recorded."
    )
