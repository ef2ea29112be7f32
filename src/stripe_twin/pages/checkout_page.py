"""
The hosted page of a Checkout Session (docs.stripe.com/payments/checkout/how-checkout-works).
"""

from typing import TYPE_CHECKING

from stripe_twin import checkout
from stripe_twin.acts import act
from stripe_twin.core import Record, StripeError
from stripe_twin.core.exchange import Request, Response
from stripe_twin.pages.rendering import message_page, rendered, see_other
from stripe_twin.pages.typed_cards import TEST_CARDS, CardForm

if TYPE_CHECKING:
    from stripe_twin.twin import Twin


def show(twin: "Twin", session_id: str) -> Response:
    """
    Show the form; who has filled it in already is sent on.
    """
    session = twin.account.get("checkout.session", session_id)
    form = CardForm()
    error = checkout.last_error(twin.account, session)
    if error:
        form.errors["number"] = error["message"]
    return _page(twin, session, form, status=200)


def fill_in(twin: "Twin", request: Request, session_id: str, typed: dict[str, str]) -> Response:
    """
    Take a typed card: on to 3-D Secure or to the success URL, or the form once more with what is wrong.
    """
    session = twin.account.get("checkout.session", session_id)
    form = CardForm.of(typed)
    card = form.card(needs_email=_needs_email(session))
    if session["status"] != "open" or card is None:
        return _page(twin, session, form, status=422)
    try:
        intent_id = act(
            twin.account, lambda: checkout.complete(twin.account, session_id, card), base_url=request.base_url
        )
    except StripeError as error:
        form.refuse(error)
        return _page(twin, twin.account.get("checkout.session", session_id), form, status=422)
    if intent_id is not None:
        return see_other(f"/pages/3ds/{intent_id}?back=/pages/checkout/{session_id}")
    return _page(twin, twin.account.get("checkout.session", session_id), form, status=200)


def _page(twin: "Twin", session: Record, form: CardForm, *, status: int) -> Response:
    if session["status"] == "complete":
        return see_other(session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"]))
    if session["status"] == "expired":
        text = "This page was open for as long as it may be, or was closed. Go back to the shop and begin anew."
        return message_page(410, "This Checkout Session has expired", text)
    return rendered(
        "checkout.html",
        status,
        session=session,
        lines=checkout.lines_of(twin.account, session),
        form=form,
        needs_email=_needs_email(session),
        test_cards=TEST_CARDS,
    )


def _needs_email(session: Record) -> bool:
    return session["mode"] == "subscription" and not session["customer"] and not session["customer_email"]
