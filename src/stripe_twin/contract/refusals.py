"""
What Stripe says to a request that its API does not know, in its words (docs.stripe.com/error-codes).
"""

from collections.abc import Sequence

from stripe_twin.contract.kinds import Word

_REMOVED = {"payment_method_types": "`allowed_payment_method_types` or `excluded_payment_method_types`"}


class RequestRefused(Exception):
    """
    A request that Stripe answers with 400, before doing anything: `code` and `param` as in its error object.
    """

    def __init__(self, message: str, *, param: str | None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code


def unknown(names: Sequence[str]) -> RequestRefused:
    """
    Refuse parameters that the endpoint has not, or no longer has.

    docs.stripe.com/changelog/endive/2026-09-30/removes-the-payment-method-types-parameter-from-payment-intents-and-setup-intents
    """
    if names[0] in _REMOVED:
        message = f"The parameter `{names[0]}` is no longer supported. Use {_REMOVED[names[0]]} instead."
        return RequestRefused(message, param=names[0], code=f"{names[0]}_no_longer_supported")
    plural = "s" if len(names) > 1 else ""
    message = f"Received unknown parameter{plural}: {', '.join(names)}"
    return RequestRefused(message, param=names[0], code="parameter_unknown")


def missing(name: str) -> RequestRefused:
    """
    Refuse a request without a parameter that must be there.
    """
    return RequestRefused(f"Missing required param: {name}.", param=name, code="parameter_missing")


def empty(name: str) -> RequestRefused:
    """
    Refuse to unset what cannot be unset.
    """
    message = (
        f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a parameter; "
        f"however '{name}' cannot be unset. You should remove '{name}' from your request or supply a non-empty value."
    )
    return RequestRefused(message, param=name, code="parameter_invalid_empty")


def not_among(name: str, words: Sequence[Word]) -> RequestRefused:
    """
    Refuse a word that is not in a closed list.
    """
    *most, last = [str(word) for word in words if word != ""]
    comma = "," if len(most) > 1 else ""
    choice = f"one of {', '.join(most)}{comma} or {last}" if most else last
    return RequestRefused(f"Invalid {name}: must be {choice}", param=name)


def invalid(what: str, name: str, value: object = None) -> RequestRefused:
    """
    Refuse a value of another kind: an integer, a boolean, an object, an array was wanted.
    """
    message = f"Invalid {what}" if value is None else f"Invalid {what}: {value}"
    return RequestRefused(message, param=name, code="parameter_invalid_integer" if what == "integer" else None)
