"""
Test cards: what each number does when it is saved, charged, refunded (docs.stripe.com/testing).

Declines carry what docs.stripe.com/declines/codes and docs.stripe.com/declines/card say of their cause.
"""

from dataclasses import dataclass
from typing import Literal

from stripe_twin.core import Record

Authentication = Literal["never", "unless_set_up", "unless_off_session", "always"]
"""
When the bank asks for 3-D Secure (docs.stripe.com/testing#regulatory-cards): `unless_set_up` spares off-session
payments of a card that was set up for them, `unless_off_session` all off-session payments.
"""
DisputeKind = Literal["fraudulent", "product_not_received", "inquiry"]
RefundCourse = Literal["at_once", "pending_first", "fails_later"]


@dataclass(frozen=True)
class Decline:
    """
    Why a bank says no, in the words of the error it becomes.
    """

    code: str
    message: str
    decline_code: str | None = None
    advice_code: str | None = None
    network_decline_code: str | None = None

    @property
    def reason(self) -> str:
        """
        Tell the reason in one word.
        """
        return self.decline_code or self.code


GENERIC = Decline("card_declined", "Your card was declined.", "generic_decline", "try_again_later", "01")
INSUFFICIENT_FUNDS = Decline(
    "card_declined", "Your card has insufficient funds.", "insufficient_funds", "try_again_later", "51"
)
LOST = Decline("card_declined", "Your card was declined.", "lost_card", "do_not_try_again", "41")
STOLEN = Decline("card_declined", "Your card was declined.", "stolen_card", "do_not_try_again", "43")
VELOCITY = Decline(
    "card_declined",
    "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
    "card_velocity_exceeded",
    "try_again_later",
    "65",
)
EXPIRED = Decline("expired_card", "Your card has expired.", advice_code="confirm_card_data", network_decline_code="54")
INCORRECT_CVC = Decline(
    "incorrect_cvc",
    "Your card's security code is incorrect.",
    advice_code="confirm_card_data",
    network_decline_code="82",
)
PROCESSING = Decline(
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
    advice_code="try_again_later",
    network_decline_code="96",
)
_UNAUTHENTICATED = "Your card was declined. This transaction requires authentication."
AUTHENTICATION_REQUIRED = Decline("authentication_required", _UNAUTHENTICATED, "authentication_required")
AUTHENTICATION_NOT_HANDLED = Decline("authentication_required", _UNAUTHENTICATED, "authentication_not_handled")


@dataclass(frozen=True)
class TestCard:
    """
    A number and what it does. *names* stand behind `pm_card_` and `tok_`.
    """

    number: str
    names: tuple[str, ...]
    brand: str = "visa"
    funding: str = "credit"
    declines_saving: Decline | None = None
    declines_charges: Decline | None = None
    authentication: Authentication = "never"
    dispute: DisputeKind | None = None
    refunds: RefundCourse = "at_once"

    def asks_to_pay(self, *, off_session: bool, set_up: bool) -> bool:
        """
        Tell whether the bank asks for 3-D Secure before a payment.
        """
        match self.authentication:
            case "always":
                return True
            case "unless_set_up":
                return not (off_session and set_up)
            case "unless_off_session":
                return not off_session
            case "never":
                return False

    @property
    def asks_to_save(self) -> bool:
        """
        Tell whether the bank asks for 3-D Secure when the card is set up.
        """
        return self.authentication in {"always", "unless_set_up"}


def _declined(number: str, name: str, decline: Decline) -> TestCard:
    """
    Describe a card that is always declined: such a one cannot even be attached to a customer.
    """
    names = (name, f"visa_{name}")
    return TestCard(number, names, declines_saving=decline, declines_charges=decline)


_CARDS = (
    TestCard("4242424242424242", ("visa", "us")),
    TestCard("4000056655665556", ("visa_debit",), funding="debit"),
    TestCard("4111111111111111", ()),
    TestCard("5555555555554444", ("mastercard",), brand="mastercard"),
    TestCard("5200828282828210", ("mastercard_debit",), brand="mastercard", funding="debit"),
    TestCard("5105105105105100", ("mastercard_prepaid",), brand="mastercard", funding="prepaid"),
    TestCard("378282246310005", ("amex",), brand="amex"),
    TestCard("6011111111111117", ("discover",), brand="discover"),
    _declined("4000000000000002", "chargeDeclined", GENERIC),
    _declined("4000000000009995", "chargeDeclinedInsufficientFunds", INSUFFICIENT_FUNDS),
    _declined("4000000000009987", "chargeDeclinedLostCard", LOST),
    _declined("4000000000009979", "chargeDeclinedStolenCard", STOLEN),
    _declined("4000000000000069", "chargeDeclinedExpiredCard", EXPIRED),
    _declined("4000000000000127", "chargeDeclinedIncorrectCvc", INCORRECT_CVC),
    _declined("4000000000000119", "chargeDeclinedProcessingError", PROCESSING),
    _declined("4000000000006975", "chargeDeclinedVelocityLimitExceeded", VELOCITY),
    TestCard("4000000000000341", ("chargeCustomerFail",), declines_charges=GENERIC),
    TestCard("4000002500003155", ("authenticationRequiredOnSetup",), authentication="unless_set_up"),
    TestCard("4000002760003184", ("authenticationRequired",), authentication="always"),
    TestCard("4000000000003220", ("threeDSecure2Required", "threeDSecureRequired"), authentication="always"),
    TestCard("4000003800000446", ("authenticationRequiredSetupForOffSession",), authentication="unless_off_session"),
    TestCard(
        "4000008260003178",
        ("authenticationRequiredChargeDeclinedInsufficientFunds",),
        authentication="unless_set_up",
        declines_charges=INSUFFICIENT_FUNDS,
    ),
    TestCard("4000000000000259", ("createDispute", "visa_createDispute"), dispute="fraudulent"),
    TestCard(
        "4000000000002685",
        ("createDisputeProductNotReceived", "visa_createDisputeProductNotReceived"),
        dispute="product_not_received",
    ),
    TestCard("4000000000001976", ("createDisputeInquiry", "visa_createDisputeInquiry"), dispute="inquiry"),
    TestCard("4000000000007726", ("pendingRefund",), refunds="pending_first"),
    TestCard("4000000000005126", ("refundFail",), refunds="fails_later"),
)
BY_NUMBER = {card.number: card for card in _CARDS}
BY_NAME = {name: card for card in _CARDS for name in card.names}


def is_card_number(number: str) -> bool:
    """
    Tell whether a number's digits are in order (Luhn's check).
    """
    if not number.isascii() or not number.isdigit():
        return False
    doubled = (digit * (1 + position % 2) for position, digit in enumerate(map(int, reversed(number))))
    return sum(digit - 9 if digit > 9 else digit for digit in doubled) % 10 == 0  # noqa: PLR2004 -- a digit


def error_fields(decline: Decline) -> Record:
    """
    Return what an error says of a decline, beside its message.
    """
    return {
        "advice_code": decline.advice_code,
        "code": decline.code,
        "decline_code": decline.decline_code,
        "network_decline_code": decline.network_decline_code,
    }
