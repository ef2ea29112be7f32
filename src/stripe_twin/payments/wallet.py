"""
Whose card it is, and what it may still be used for (docs.stripe.com/api/payment_methods).
"""

from stripe_twin.core import Account, Record, StripeError, invalid_request, not_done
from stripe_twin.payments.card_making import CARD, made_of, not_attempted
from stripe_twin.payments.cards import BY_NAME, BY_NUMBER, TestCard
from stripe_twin.payments.parameters import keep_time_of

_NAME_PREFIX = "pm_card_"
_RENEWED_FOR_YEARS = 4


def method_of(
    account: Account,
    payment_method_id: str,
    customer_id: str | None,
    param: str = "payment_method",
    *,
    to: str = "Payment",
) -> Record:
    """
    Return a card that may serve a customer's intent: attached to this very customer, or fresh and nobody's.

    A test name like `pm_card_visa` makes a fresh payment method at each use.

    Raises:
        StripeError: there is none, it is another customer's, a customer's while the intent has none, or used up.
    """
    method = _found(account, payment_method_id, param)
    owner = method["customer"]
    if owner is not None and owner != customer_id:
        raise invalid_request(
            f"The PaymentMethod {method['id']} does not belong to the Customer you supplied {customer_id}. Please use "
            "this PaymentMethod with the Customer that it belongs to instead."
            if customer_id
            else f"The payment method supplied ({method['id']}) belongs to the Customer {owner}. Please include the "
            f"Customer in the `customer` parameter on the {to}Intent.",
            param=param,
        )
    _require_unspent(account, method)
    return method


def attached_method_of(account: Account, payment_method_id: str, customer_id: str, param: str) -> Record:
    """
    Return a card that is attached to this customer, as a default must be.

    Raises:
        StripeError: it is not.
    """
    method = account.store.find("payment_method", payment_method_id)
    if method is None or method["customer"] != customer_id:
        raise invalid_request(
            f"The customer does not have a payment method with the ID {payment_method_id}. The payment method must be "
            "attached to the customer.",
            code="resource_missing",
            param=param,
        )
    return method


def attachable(account: Account, payment_method_id: str, customer_id: str) -> Record:
    """
    Return a card that can be attached to a customer, or already is.

    Raises:
        StripeError: another's, used up, or declined by the bank when it is saved; nothing is kept then.
    """
    method = _found(account, payment_method_id, "payment_method")
    if method["customer"] not in {None, customer_id}:
        raise invalid_request(
            "The payment method you provided has already been attached to a customer.", param="payment_method"
        )
    _require_unspent(account, method)
    decline = card_behind(account, method["id"]).declines_saving
    if decline is not None:
        raise not_attempted(decline)
    return method


def attach_to(account: Account, payment_method_id: str, customer_id: str, *, tell: bool = True) -> Record:
    """
    Attach a card to a customer, emitting payment_method.attached unless the caller does; once attached, no change.
    """
    method = account.edit("payment_method", payment_method_id)
    if method["customer"] is None:
        method["customer"] = customer_id
        if tell:
            account.emit("payment_method.attached", method)
    return method


def let_go(account: Account, payment_method_id: str) -> Record:
    """
    Take a card from its customer for good.
    """
    method = account.edit("payment_method", payment_method_id)
    method["customer"] = None
    account.edit(CARD, payment_method_id)["spent"] = True
    return method


def card_behind(account: Account, payment_method_id: str) -> TestCard:
    """
    Return which test card a payment method is.
    """
    return BY_NUMBER[account.get(CARD, payment_method_id)["number"]]


def is_set_up(account: Account, payment_method_id: str) -> bool:
    """
    Tell whether a card was set up for off-session payments.
    """
    return bool(account.get(CARD, payment_method_id)["set_up"])


def note_use(account: Account, payment_method_id: str, *, set_up: bool) -> None:
    """
    Note a successful use: a card that nobody keeps is used up by it; *set_up* makes it good for off-session payments.
    """
    method = account.get("payment_method", payment_method_id)
    if set_up or method["customer"] is None:
        fact = account.edit(CARD, payment_method_id)
        fact["set_up"] = fact["set_up"] or set_up
        fact["spent"] = method["customer"] is None


def renew_card(account: Account, payment_method_id: str) -> Record:
    """
    Have the card's network renew a saved card (docs.stripe.com/payments/cards/overview#automatic-card-updates).

    Emits payment_method.automatically_updated.
    """
    method = account.edit("payment_method", payment_method_id, what="PaymentMethod")
    keep_time_of(account, method["customer"])
    method["card"]["exp_year"] += _RENEWED_FOR_YEARS
    account.emit("payment_method.automatically_updated", method)
    return method


def no_such_method(payment_method_id: str) -> StripeError:
    """
    Return the refusal of a path that names nobody's payment method, or another's.
    """
    return invalid_request(
        f"No such PaymentMethod: '{payment_method_id}'", code="resource_missing", param="payment_method", status=404
    )


def _found(account: Account, payment_method_id: str, param: str) -> Record:
    if payment_method_id.startswith(_NAME_PREFIX):
        card = BY_NAME.get(payment_method_id.removeprefix(_NAME_PREFIX))
        if card is None:
            raise not_done(f"the test card {payment_method_id}")
        return made_of(account, card)
    return account.get("payment_method", payment_method_id, param=param, what="PaymentMethod")


def _require_unspent(account: Account, method: Record) -> None:
    if account.get(CARD, method["id"])["spent"]:
        raise invalid_request(
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared "
            "with a connected account without Customer attachment, or was detached from a Customer. It may not be used "
            "again. To use a PaymentMethod multiple times, you must attach it to a Customer first."
        )
