"""
Cards: made of a number or of a test token (docs.stripe.com/testing).
"""

import hashlib
from datetime import UTC, datetime
from typing import Any

from stripe_twin.core import Account, Record, StripeError, invalid_request
from stripe_twin.core.errors import CARD_ERROR_STATUS
from stripe_twin.payments.cards import BY_NAME, BY_NUMBER, Decline, TestCard, error_fields, is_card_number
from stripe_twin.payments.parameters import address_of, emptied, merged_metadata

CARD = "_card"
"""
The private fact beside each payment method: its number, whether it is set up for off-session payments, whether it is
used up.
"""
_MONTHS = range(1, 13)
_CENTURY, _TWO_DIGITS = 2000, 100
_YEARS_MAX = 50
_TOKEN_PREFIX = "tok_"  # noqa: S105 -- the beginning of their names


def create_card(
    account: Account,
    *,
    number: str,
    exp_month: int,
    exp_year: int,
    cvc: str | None = None,
    billing_details: Record | None = None,
    metadata: Record | None = None,
    allow_redisplay: str = "unspecified",
) -> Record:
    """
    Make a payment method of a typed card, attached to nobody.

    Raises:
        StripeError: 402 with `param` number, exp_month, exp_year or cvc (docs.stripe.com/testing#invalid-data), or a
            number that is no test card's.
    """
    number = number.replace(" ", "").replace("-", "")
    exp_year += _CENTURY if exp_year < _TWO_DIGITS else 0
    if not is_card_number(number):
        raise _bad_card("Your card number is incorrect.", "incorrect_number", "number")
    if exp_month not in _MONTHS:
        raise _bad_card("Your card's expiration month is invalid.", "invalid_expiry_month", "exp_month")
    today = datetime.fromtimestamp(account.now, UTC)
    if (exp_year, exp_month) < (today.year, today.month) or exp_year > today.year + _YEARS_MAX:
        raise _bad_card("Your card's expiration year is invalid.", "invalid_expiry_year", "exp_year")
    card = BY_NUMBER.get(number)
    if card is None:
        raise not_attempted(
            Decline(
                "card_declined",
                "Your card was declined. Your request was in test mode, but used a non test (live) card. For a list of "
                "valid test cards, visit: https://stripe.com/docs/testing.",
                "test_mode_live_card",
            )
        )
    digits = 4 if card.brand == "amex" else 3
    if cvc is not None and not (cvc.isdigit() and len(cvc) == digits):
        raise _bad_card("Your card's security code is invalid.", "invalid_cvc", "cvc")
    return made_of(
        account,
        card,
        expiry=(exp_year, exp_month),
        cvc_check=None if cvc is None else "unchecked",
        billing_details=billing_details,
        metadata=metadata,
        allow_redisplay=allow_redisplay,
    )


def made_of(
    account: Account,
    card: TestCard,
    *,
    expiry: tuple[int, int] | None = None,
    cvc_check: str | None = "unchecked",
    billing_details: Record | None = None,
    metadata: Record | None = None,
    allow_redisplay: str = "unspecified",
) -> Record:
    """
    Make a payment method of a test card; one that is named rather than typed is good until the end of next year.
    """
    exp_year, exp_month = expiry or (datetime.fromtimestamp(account.now, UTC).year + 1, 12)
    method_id = account.new_id("pm")
    account.store.add(CARD, {"id": method_id, "number": card.number, "set_up": False, "spent": False})
    return account.store.add(
        "payment_method",
        {
            "id": method_id,
            "object": "payment_method",
            "allow_redisplay": allow_redisplay,
            "billing_details": billing_details_of(billing_details),
            "card": {
                "brand": card.brand,
                "checks": {
                    "address_line1_check": None,
                    "address_postal_code_check": None,
                    "cvc_check": cvc_check,
                },
                "country": "US",
                "display_brand": card.brand if card.brand != "amex" else "american_express",
                "exp_month": exp_month,
                "exp_year": exp_year,
                "fingerprint": hashlib.sha256(card.number.encode()).hexdigest()[:16],
                "funding": card.funding,
                "generated_from": None,
                "last4": card.number[-4:],
                "networks": {"available": [card.brand], "preferred": None},
                "regulated_status": "unregulated",
                "three_d_secure_usage": {"supported": card.brand != "amex"},
                "wallet": None,
            },
            "created": account.now,
            "customer": None,
            "customer_account": None,
            "livemode": False,
            "metadata": merged_metadata({}, metadata),
            "type": "card",
        },
    )


def card_of_token(token: str) -> TestCard:
    """
    Return the card that a test token stands for.

    Raises:
        StripeError: none of the twin's.
    """
    card = BY_NAME.get(token.removeprefix(_TOKEN_PREFIX)) if token.startswith(_TOKEN_PREFIX) else None
    if card is None:
        raise invalid_request(f"No such token: '{token}'", code="resource_missing", param="card[token]")
    return card


def not_attempted(decline: Decline) -> StripeError:
    """
    Return a decline that leaves nothing behind: no payment was tried.
    """
    return StripeError(CARD_ERROR_STATUS, type="card_error", message=decline.message, **error_fields(decline))


def billing_details_of(given: Any, current: Record | None = None) -> Record:
    """
    Return billing details with all their fields, the given ones changed.
    """
    fields = current or {"address": address_of(None), "email": None, "name": None, "phone": None, "tax_id": None}
    if not given:
        return fields
    values = {name: emptied(value) for name, value in given.items() if name != "address"}
    address = address_of(given["address"], fields["address"]) if "address" in given else fields["address"]
    return {**fields, **values, "address": address or address_of(None)}


def _bad_card(message: str, code: str, param: str) -> StripeError:
    return StripeError(CARD_ERROR_STATUS, type="card_error", message=message, code=code, param=param)
