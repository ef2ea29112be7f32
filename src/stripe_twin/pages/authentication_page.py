"""
The 3-D Secure page, where a customer's bank asks whether it is them (docs.stripe.com/payments/3d-secure).
"""

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode

from stripe_twin import payments
from stripe_twin.acts import act
from stripe_twin.core import Record, StripeError
from stripe_twin.core.exchange import Request, Response
from stripe_twin.pages.rendering import message_page, rendered, see_other

if TYPE_CHECKING:
    from stripe_twin.twin import Twin


def show(twin: "Twin", intent_id: str) -> Response:
    """
    Ask the customer.
    """
    intent = _intent(twin, intent_id)
    if intent["status"] != "requires_action":
        return message_page(200, "Nothing to authenticate", f"This payment or set-up is: {intent['status']}.")
    return rendered("authentication.html", intent=intent)


def answer(twin: "Twin", request: Request, intent_id: str, typed: dict[str, str]) -> Response:
    """
    Take the customer's answer, and send them back to where the payment was begun.
    """
    intent = _intent(twin, intent_id)
    outcome = typed.get("outcome")
    if outcome not in {"complete", "fail"} or intent["status"] != "requires_action":
        return show(twin, intent_id)
    return_url = (intent["next_action"].get("redirect_to_url") or {}).get("return_url")
    done = act(
        twin.account,
        lambda: payments.finish_authentication(twin.account, intent_id, succeeded=outcome == "complete"),
        base_url=request.base_url,
    )
    if return_url:
        return see_other(_with_outcome(return_url, done, has_succeeded=outcome == "complete"))
    if back := _back(request):
        return see_other(back)
    if outcome == "complete":
        return message_page(200, "Authentication complete", "You can close this page and go back to the shop.")
    return message_page(200, "Authentication failed", "Go back to the shop and try again, or take another card.")


def _back(request: Request) -> str | None:
    """
    Return the page of ours that sent the customer here, if one did.
    """
    back = parse_qs(request.query).get("back", [""])[0]
    return back if back.startswith("/pages/") else None


def _intent(twin: "Twin", intent_id: str) -> Record:
    intent = twin.store.lookup(intent_id)
    if intent is None or intent["object"] not in {"payment_intent", "setup_intent"}:
        raise StripeError(404, type="invalid_request_error", message=f"No such intent: '{intent_id}'")
    return intent


def _with_outcome(return_url: str, intent: Record, *, has_succeeded: bool) -> str:
    """
    Add what Stripe adds to a return URL (docs.stripe.com/payments/payment-intents/verifying-status).
    """
    kind = intent["object"]
    told = {
        kind: intent["id"],
        f"{kind}_client_secret": intent["client_secret"],
        "redirect_status": "succeeded" if has_succeeded else "failed",
    }
    return f"{return_url}{'&' if '?' in return_url else '?'}{urlencode(told)}"
