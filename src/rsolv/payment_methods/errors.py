"""
The facts that can go wrong with a payment method and with consent.
"""

from typing import ClassVar

from rsolv.kernel.errors import Invalid, NotFound, PaymentNeeded, TooMany


class BillingConsentRequired(Invalid):
    """
    A way to pay was to be added without the consent to charge it; nothing happened anywhere.
    """

    code = "billing_consent_required"
    sentence = "A payment method is only added with your consent to be charged: send billing_consent: true."


class UnknownPaymentMethod(NotFound):
    """
    The customer has no such payment method.
    """

    code = "unknown_payment_method"
    sentence = "There is no such payment method."


class PaymentMethodMoved(Exception):
    """
    A payment method was changed here while it was read at Stripe: read it again.
    """

    passes_by_itself: ClassVar[bool] = True


class PaymentMethodMixedUp(Exception):
    """
    What Stripe has under the id of a customer's payment method is somebody else's: somebody has to look.
    """


class PaymentMethodUnusable(Invalid):
    """
    Stripe has no such payment method for this customer, or it is one that cannot be charged for fixes.
    """

    code = "payment_method_unusable"
    sentence = "This payment method cannot be added."


class CardDeclined(PaymentNeeded):
    """
    The bank said no when the card was to be saved; nothing was added.
    """

    code = "card_declined"
    sentence = "The card was declined."


class CardAuthenticationRequired(PaymentNeeded):
    """
    The bank wants to hear from the customer before the card is saved: on the hosted page they are asked.
    """

    code = "card_authentication_required"
    sentence = "The bank asks for authentication: add the card on the hosted page instead."


class TooManyCards(TooMany):
    """
    So many cards, or pages for a card, were asked for lately that somebody may be trying out stolen ones.
    """

    code = "too_many_cards"
    sentence = "Too many cards were tried lately. Please try again later."
