"""
The facts that can go wrong with a subscription.
"""

from rsolv.kernel.errors import Conflict, Invalid, NotFound, PaymentNeeded


class PlanNotSold(Invalid):
    """
    The customer's catalogue has no such plan to subscribe to; nothing happened anywhere.
    """

    code = "plan_not_sold"
    sentence = "There is no such plan to subscribe to."


class BillingOff(Conflict):
    """
    Billing is switched off on this installation: nobody is charged, so nobody subscribes.
    """

    code = "billing_off"
    passes_by_itself = True
    sentence = "Billing is switched off at the moment; nothing was charged."


class NoBillingInfo(PaymentNeeded):
    """
    Nothing is known of how the customer would pay; nothing happened anywhere.
    """

    code = "no_billing_info"
    sentence = "Add a payment method first."


class NoPaymentMethod(PaymentNeeded):
    """
    The customer is known at Stripe and has no payment method; nothing happened anywhere.
    """

    code = "no_payment_method"
    sentence = "There is no payment method to pay with; add one first."


class AlreadySubscribed(Conflict):
    """
    The customer has a subscription that has not ended; nothing happened anywhere.
    """

    code = "already_subscribed"
    sentence = "There is a subscription already, and it is {state}."


class SubscriptionInProgress(Conflict):
    """
    The subscription is being opened, or what became of that is being found out.
    """

    code = "subscription_in_progress"
    passes_by_itself = True
    sentence = "A subscription is being opened; ask again in a moment."


class SubscriptionRefused(PaymentNeeded):
    """
    The subscription could not be opened, for certain; nothing was charged.
    """

    code = "subscription_refused"
    sentence = "The subscription could not be opened, and nothing was charged."


class NoActiveSubscription(Conflict):
    """
    The customer has no subscription that could end or go on.
    """

    code = "no_active_subscription"
    sentence = "There is no active subscription."


class PaymentMethodNeeded(Conflict):
    """
    The last payment method stays while a subscription is to be paid by it.
    """

    code = "payment_method_needed"
    sentence = "The last payment method cannot be removed while there is a subscription."


class UnknownInvoice(NotFound):
    """
    The customer has no such invoice.
    """

    code = "unknown_invoice"
    sentence = "There is no such invoice."


class InvoiceNotPaid(Conflict):
    """
    Nothing was paid by the invoice, so there is nothing to be given back.
    """

    code = "invoice_not_paid"
    sentence = "Invoice {invoice_id} is {state}: nothing was paid by it."


class PriceDiffers(Exception):
    """
    The price at Stripe that has our lookup key costs something else: nobody is subscribed to it.
    """
