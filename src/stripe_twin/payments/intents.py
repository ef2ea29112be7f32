"""
What payment and setup intents have in common: 3-D Secure, errors kept on the intent, return addresses.
"""

from typing import Any, Literal

from stripe_twin.core import Account, Call, Record, StripeError, card_error, invalid_request, not_done
from stripe_twin.core.records import copied
from stripe_twin.payments.cards import Decline, error_fields

Kind = Literal["payment_intent", "setup_intent"]
NAMES: dict[Kind, str] = {"payment_intent": "PaymentIntent", "setup_intent": "SetupIntent"}
ERRORS: dict[Kind, str] = {"payment_intent": "last_payment_error", "setup_intent": "last_setup_error"}
OPEN = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})


def shown(intent: Record) -> dict[str, Any]:
    """
    Return how an error shows the intent it is about.
    """
    return {intent["object"]: intent}


def client_secret(account: Account, intent_id: str) -> str:
    """
    Make the secret with which a browser may finish an intent.
    """
    return f"{intent_id}_{account.new_id('secret', 25)}"


def automatic_methods(params: Record) -> Record:
    """
    Return how an intent takes payment methods: those of the account's settings, unless told otherwise.

    docs.stripe.com/payments/payment-methods/integration-options

    Raises:
        StripeError: both ways of telling at once
            (docs.stripe.com/changelog/dahlia/2026-07-29/allowed-payment-method-types-parameter).
    """
    if "automatic_payment_methods" in params and "allowed_payment_method_types" in params:
        raise invalid_request(
            "You may only specify one of these parameters: allowed_payment_method_types, automatic_payment_methods.",
            param="allowed_payment_method_types",
        )
    given = params.get("automatic_payment_methods", {"enabled": True})
    if not given["enabled"]:
        raise not_done("`automatic_payment_methods[enabled]=false`")
    if params.get("allowed_payment_method_types", ["card"]) != ["card"]:
        raise not_done("`allowed_payment_method_types` other than card")
    return {"allow_redirects": given.get("allow_redirects", "always"), "enabled": True}


def require_way_back(intent: Record, return_url: str | None) -> None:
    """
    Insist on a return address where a payment method might send the customer away.

    docs.stripe.com/api/payment_intents/confirm#confirm_payment_intent-return_url

    Raises:
        StripeError: no `return_url`, while redirects are allowed and more than cards may be used.
    """
    redirects = intent["automatic_payment_methods"]["allow_redirects"] == "always"
    if return_url is None and redirects and intent["allowed_payment_method_types"] is None:
        raise invalid_request(
            f"This {NAMES[intent['object']]} is configured to accept payment methods enabled in your Dashboard. "
            "Because some of these payment methods might redirect your customer off of your page, you must provide a "
            "`return_url`. If you don't want to accept redirect-based payment methods, set "
            "`automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to "
            "`never` when creating Setup Intents and Payment Intents.",
            **shown(intent),
        )


def require_only_with_confirm(call: Call, *names: str) -> None:
    """
    Refuse parameters that mean something only when a create call confirms at once.

    Raises:
        StripeError: one is there without `confirm`.
    """
    for name in names:
        if name in call.params and not call.params.get("confirm"):
            raise invalid_request(f"You can only provide `{name}` when `confirm` is `true`.", param=name)


def unexpected_state(intent: Record, message: str) -> StripeError:
    """
    Return the refusal of something that the intent's status does not allow; the error shows the intent.
    """
    return invalid_request(message, code=f"{intent['object']}_unexpected_state", **shown(intent))


def require_confirmable(intent: Record) -> None:
    """
    Insist that an intent can be confirmed.

    Raises:
        StripeError: it has succeeded or was canceled.
    """
    if intent["status"] in OPEN:
        return
    name = NAMES[intent["object"]]
    past = {
        "payment_intent": "it has already succeeded after being previously confirmed",
        "setup_intent": "it has already succeeded",
    }
    reason = past[intent["object"]] if intent["status"] == "succeeded" else "it has been canceled"
    raise unexpected_state(intent, f"You cannot confirm this {name} because {reason}.")


def require_cancelable(intent: Record) -> None:
    """
    Insist that an intent can be canceled.

    Raises:
        StripeError: it has succeeded or was canceled before.
    """
    if intent["status"] in OPEN:
        return
    name = NAMES[intent["object"]]
    allowed = {
        "payment_intent": "requires_payment_method, requires_capture, requires_confirmation, requires_action, or "
        "processing",
        "setup_intent": "requires_payment_method, requires_confirmation, or requires_action",
    }
    raise unexpected_state(
        intent,
        f"You cannot cancel this {name} because it has a status of {intent['status']}. Only a {name} with one of the "
        f"following statuses may be canceled: {allowed[intent['object']]}.",
    )


def missing_method(intent: Record) -> StripeError:
    """
    Return the refusal to confirm an intent that has nothing to pay with; a customer's default is not taken.
    """
    name = NAMES[intent["object"]]
    return unexpected_state(
        intent,
        f"You cannot confirm this {name} because it's missing a payment method. You can either update the {name} with "
        "a payment method and then confirm it again, or confirm it again directly with a payment method or "
        "ConfirmationToken.",
    )


def ask_for_authentication(account: Account, intent: Record, method: Record, return_url: str | None) -> None:
    """
    Send the customer to the bank (docs.stripe.com/payments/3d-secure/authentication-flow). Emits requires_action.
    """
    url = f"{account.call.base_url}/pages/3ds/{intent['id']}"
    intent["payment_method"] = method["id"]
    intent["status"] = "requires_action"
    intent[ERRORS[intent["object"]]] = None
    if return_url is None:
        intent["next_action"] = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
        intent["next_action"]["use_stripe_sdk"]["stripe_js"] = url
    else:
        redirect = {"return_url": return_url, "url": url}
        intent["next_action"] = {"redirect_to_url": redirect, "type": "redirect_to_url"}
    account.emit(f"{intent['object']}.requires_action", intent)


def authentication_failed(intent: Record) -> Record:
    """
    Return the error of an intent whose customer the bank did not recognise.
    """
    name = NAMES[intent["object"]]
    return {
        "code": f"{intent['object']}_authentication_failure",
        "message": "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new "
        f"PaymentMethod to attempt to fulfill this {name} again.",
        "type": "invalid_request_error",
    }


def declined(decline: Decline, charge_id: str | None = None) -> Record:
    """
    Return the error of an intent whose card was declined.
    """
    known = {name: value for name, value in error_fields(decline).items() if value is not None}
    charge = {} if charge_id is None else {"charge": charge_id}
    return {**charge, **known, "message": decline.message, "type": "card_error"}


def keep_error(intent: Record, method: Record, error: Record) -> None:
    """
    Put an intent back to where it needs another payment method, with what went wrong.
    """
    doc_url = f"https://stripe.com/docs/error-codes/{error['code'].replace('_', '-')}"
    intent["status"] = "requires_payment_method"
    intent["payment_method"] = None
    intent["next_action"] = None
    intent[ERRORS[intent["object"]]] = {
        **error,
        "doc_url": doc_url,
        "payment_method": copied(method),
        "payment_method_type": method["type"],
    }


def payment_error(intent: Record) -> StripeError:
    """
    Return the 402 that tells of an intent's last error, with the intent inside (docs.stripe.com/error-handling).
    """
    error: dict[str, Any] = dict(intent[ERRORS[intent["object"]]])
    message, code = error.pop("message"), error.pop("code")
    del error["type"], error["doc_url"], error["payment_method_type"]
    return card_error(message, code=code, **error, **shown(intent))
