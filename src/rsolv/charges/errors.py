"""
The facts that can go wrong with a charge.
"""

from datetime import datetime

from rsolv.kernel.errors import Conflict, NotFound, TooMany


class UnknownCharge(NotFound):
    """
    The customer has no such charge.
    """

    code = "unknown_charge"
    sentence = "Charge {charge_id} does not exist."


class UnknownLink(NotFound):
    """
    No charge is paid by this link.
    """

    code = "unknown_link"
    sentence = "This link is not one of ours."


class TooManyTries(TooMany):
    """
    The customer has tried to pay a charge as often as they may in a day.
    """

    code = "too_many_tries"
    sentence = "This charge was tried {tries} times within a day; try again at {again_at}."

    def __init__(self, *, tries: int, again_at: datetime) -> None:
        self.again_at = again_at
        super().__init__(tries=tries, again_at=again_at)


class DebtDiffers(Conflict):
    """
    The fix is owed for already, at other terms; nothing was written.
    """

    code = "debt_differs"
    sentence = "Fix {fix_id} is already being charged at other terms."


class ChargeCannotEnd(Conflict):
    """
    The charge has ended already, or has not come so far that it may end like this.
    """

    code = "charge_cannot_end"
    sentence = "Charge {charge_id} is {state} and cannot become {ending}."


class ChargeNotPaid(Conflict):
    """
    Nothing was paid, so there is nothing to be given back.
    """

    code = "charge_not_paid"
    sentence = "Charge {charge_id} is {state}: nothing was paid by it."


class PaymentOwed(Conflict):
    """
    The last payment method stays while something is to be paid by it.
    """

    code = "payment_owed"
    sentence = "The last payment method cannot be removed while {debts} charges are open."


class FenceLost(Exception):
    """
    Another worker, or the truth itself, has moved the charge on since this one read it. Nothing to do: roll back.
    """
