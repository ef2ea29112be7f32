"""
Billing's refusals, in words close to Stripe's (docs.stripe.com/error-codes).
"""

from stripe_twin import payments
from stripe_twin.core import Record, StripeError, invalid_request
from stripe_twin.core.errors import CARD_ERROR_STATUS

NO_LOCATION = (
    "The customer's location isn't recognized. Set a valid customer address in order to automatically calculate tax."
)


def no_method(param: str | None = None) -> StripeError:
    """
    Return the refusal to charge a customer who has nothing to be charged.
    """
    return invalid_request(
        "This customer has no attached payment source or default payment method. Please consider adding a default "
        "payment method. For more information, visit "
        "https://stripe.com/docs/billing/subscriptions/payment-methods-setting#subscription-payment-methods.",
        code="resource_missing",
        param=param,
    )


def no_location(param: str | None = None, *, keeps_changes: bool = False) -> StripeError:
    """
    Return the refusal to calculate taxes for a customer who is nowhere.
    """
    return invalid_request(NO_LOCATION, code="customer_tax_location_invalid", param=param, keeps_changes=keeps_changes)


def not_in_future(param: str) -> StripeError:
    """
    Return the refusal of a time that is not to come.
    """
    return invalid_request("Invalid timestamp: must be an integer Unix timestamp in the future.", param=param)


def nothing_upcoming(customer_id: str) -> StripeError:
    """
    Return the refusal to preview an invoice that will never be made.
    """
    return invalid_request(
        f"No upcoming invoices for customer: {customer_id}", code="invoice_upcoming_none", status=404
    )


def require_success(intent: Record | None, *, keeps_changes: bool) -> None:
    """
    Insist that a payment has succeeded.

    Raises:
        StripeError: 402 with the intent; a customer who must authenticate has a code of their own.
    """
    if intent is None:
        raise no_method()
    if intent["status"] == "requires_action":
        raise StripeError(
            CARD_ERROR_STATUS,
            type="card_error",
            code="invoice_payment_intent_requires_action",
            message="Payment for this invoice requires additional user action before it can be completed successfully. "
            "Payment can be completed using the PaymentIntent associated with the invoice. For more details see: "
            "https://stripe.com/docs/billing/subscriptions/overview#requires-action",
            keeps_changes=keeps_changes,
            payment_intent=intent,
        )
    if intent["status"] != "succeeded":
        error = payments.payment_error(intent)
        error.keeps_changes = keeps_changes
        raise error
