"""
How amounts are written for people.
"""


def money(amount_cents: int, currency: str) -> str:
    """
    Write an amount for people, in whole and hundredth units, without ever passing through a float.
    """
    whole, cents = divmod(amount_cents, 100)
    symbol = "$" if currency == "usd" else f"{currency.upper()} "
    return f"{symbol}{whole:,}.{cents:02d}"
