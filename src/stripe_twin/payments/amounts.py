"""
What amounts and currencies Stripe takes (docs.stripe.com/currencies#minimum-and-maximum-charge-amounts).
"""

from stripe_twin.core import invalid_request

AMOUNT_MAX = 99_999_999
_MINIMA = {
    30: "gbp",
    50: "usd aud brl cad chf eur inr jpy nzd sgd",
    100: "bgn",
    200: "aed myr pln ron",
    250: "dkk",
    300: "nok sek",
    400: "hkd",
    1000: "mxn thb",
    1500: "czk",
    17500: "huf",
}
MINIMUM = {currency: least for least, currencies in _MINIMA.items() for currency in currencies.split()}
"""
The smallest charge in each currency's smallest unit. Stripe has more currencies; the twin does with these.
"""
_WITHOUT_DECIMALS = {"jpy"}
_SIGNS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}


def checked_currency(currency: str) -> str:
    """
    Return a currency's code in small letters.

    Raises:
        StripeError: Stripe has no such currency, or the twin does not.
    """
    lowered = currency.lower()
    if lowered not in MINIMUM:
        raise invalid_request(
            f"Invalid currency: {lowered}. Stripe currently supports these currencies: {', '.join(MINIMUM)}",
            param="currency",
        )
    return lowered


def require_chargeable(amount: int, currency: str) -> None:
    """
    Insist on an amount that can be charged.

    Raises:
        StripeError: not positive, above eight digits, or below the currency's minimum.
    """
    if amount < 1:
        raise invalid_request(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    if amount > AMOUNT_MAX:
        raise invalid_request(
            f"Amount must be no more than {shown(AMOUNT_MAX, currency)}", code="amount_too_large", param="amount"
        )
    if amount < MINIMUM[currency]:
        raise invalid_request(
            f"Amount must be at least {shown(MINIMUM[currency], currency)} {currency}",
            code="amount_too_small",
            param="amount",
        )


def shown(amount: int, currency: str) -> str:
    """
    Write an amount as Stripe's messages do: $10.50.
    """
    sign = _SIGNS.get(currency, "")
    return f"{sign}{amount:,}" if currency in _WITHOUT_DECIMALS else f"{sign}{amount // 100:,}.{amount % 100:02}"
