"""
Payment methods: the cards of a customer, and the consent to charge them.

A card comes with consent or not at all. Whether it was entered on a hosted page or set up elsewhere, Stripe is asked
what is true, and what follows from it is one transaction under the customer's lock: the card, the consent as evidence,
the end of the trial, the credits for it, the promise to tell Stripe which card is the default.
"""

from rsolv.payment_methods.errors import (
    BillingConsentRequired,
    CardAuthenticationRequired,
    CardDeclined,
    PaymentMethodMixedUp,
    PaymentMethodMoved,
    PaymentMethodUnusable,
    TooManyCards,
    UnknownPaymentMethod,
)
from rsolv.payment_methods.rules import (
    USUAL_LIMITS,
    CardLimits,
    Consent,
    ConsentGiven,
    ConsentOffer,
    ConsentWithdrawn,
    Declaration,
    DefaultPaymentMethodChanged,
    Evidence,
    PaymentMethod,
    PaymentMethodAdded,
    PaymentMethodRemoving,
    StripeSource,
    evidence_of,
    require_room,
)
from rsolv.payment_methods.service.add_card import add_card
from rsolv.payment_methods.service.attach import attach
from rsolv.payment_methods.service.consent import give_consent, require_consent, withdraw_consent
from rsolv.payment_methods.service.read import (
    find_by_stripe_id,
    find_consent,
    find_covering_consent,
    find_default,
    has_payment_method,
    keep_default,
    list_payment_methods,
    offer_consent,
)
from rsolv.payment_methods.service.remove import make_default, remove
from rsolv.payment_methods.service.settle_method import KnownMethod, MethodSettled, find_known, settle_method

__all__ = [
    "USUAL_LIMITS",
    "BillingConsentRequired",
    "CardAuthenticationRequired",
    "CardDeclined",
    "CardLimits",
    "Consent",
    "ConsentGiven",
    "ConsentOffer",
    "ConsentWithdrawn",
    "Declaration",
    "DefaultPaymentMethodChanged",
    "Evidence",
    "KnownMethod",
    "MethodSettled",
    "PaymentMethod",
    "PaymentMethodAdded",
    "PaymentMethodMixedUp",
    "PaymentMethodMoved",
    "PaymentMethodRemoving",
    "PaymentMethodUnusable",
    "StripeSource",
    "TooManyCards",
    "UnknownPaymentMethod",
    "add_card",
    "attach",
    "evidence_of",
    "find_by_stripe_id",
    "find_consent",
    "find_covering_consent",
    "find_default",
    "find_known",
    "give_consent",
    "has_payment_method",
    "keep_default",
    "list_payment_methods",
    "make_default",
    "offer_consent",
    "remove",
    "require_consent",
    "require_room",
    "settle_method",
    "withdraw_consent",
]
