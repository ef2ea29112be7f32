"""
The facts that can go wrong with a refund.
"""

from rsolv.kernel.errors import Conflict, NotFound


class UnknownRefund(NotFound):
    """
    The customer has no such refund.
    """

    code = "unknown_refund"
    sentence = "Refund {refund_id} does not exist."


class RefundExceedsCharge(Conflict):
    """
    More is asked for than is left of the charge; nothing was written.
    """

    code = "refund_exceeds_charge"
    sentence = "No more than {left} of charge {charge_id} is left to be refunded."


class ChargeDisputed(Conflict):
    """
    The customer's bank has the money, or may get it: Stripe refunds nothing beside that.
    """

    code = "charge_disputed"
    sentence = "Charge {charge_id} is disputed and cannot be refunded."


class RefundExceedsInvoice(Conflict):
    """
    More is asked for than is left of the invoice; nothing was written.
    """

    code = "refund_exceeds_invoice"
    sentence = "No more than {left} of invoice {invoice_id} is left to be refunded."


class InvoiceDisputed(Conflict):
    """
    The customer's bank has the money, or may get it: Stripe refunds nothing beside that.
    """

    code = "invoice_disputed"
    sentence = "Invoice {invoice_id} is disputed and cannot be refunded."


class InvoicePaidInParts(Conflict):
    """
    The invoice was paid by several payments, or by none at Stripe; which of them gives back is to be said there.
    """

    code = "invoice_paid_in_parts"
    sentence = "Invoice {invoice_id} was not paid by one payment; refund it at Stripe."


class RefundDiffers(Conflict):
    """
    The act has asked for another refund before; nothing was written.
    """

    code = "refund_differs"
    sentence = "The act {act} has already asked for another refund."
