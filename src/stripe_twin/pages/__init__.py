"""
The twin's pages: plain HTML that loads nothing and runs no script.

Customers' pages (checkout, 3-D Secure, hosted invoice) are at the addresses that the API's objects carry; `/` shows a
developer what there is. Forms are taken from these pages only: whatever the browser says of another origin is refused.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from stripe_twin.core import StripeError
from stripe_twin.core.exchange import Request, Response
from stripe_twin.pages import authentication_page, checkout_page, invoice_page, overview
from stripe_twin.pages.rendering import message_page

if TYPE_CHECKING:
    from stripe_twin.twin import Twin

__all__ = ["respond"]

_SHOWN: dict[str, Callable[..., Response]] = {
    "/": overview.overview,
    "/objects/([^/]+)": overview.thing,
    "/pages/checkout/([^/]+)": checkout_page.show,
    "/pages/3ds/([^/]+)": authentication_page.show,
    "/pages/invoice/([^/]+)": invoice_page.show,
    "/pages/invoice/([^/]+)/pdf": invoice_page.pdf,
}
_TAKEN: dict[str, Callable[..., Response]] = {
    "/clock": overview.move_clock,
    "/pages/checkout/([^/]+)": checkout_page.fill_in,
    "/pages/3ds/([^/]+)": authentication_page.answer,
    "/pages/invoice/([^/]+)": invoice_page.pay,
}


async def respond(twin: "Twin", request: Request) -> Response:
    """
    Answer a request for a page, or a form of one.
    """
    if request.method not in {"GET", "HEAD", "POST"}:
        return message_page(405, "Not so", "Pages take GET and POST.")
    is_form = request.method == "POST"
    for pattern, answer in (_TAKEN if is_form else _SHOWN).items():
        found = re.fullmatch(pattern, request.path)
        if found and is_form and not _is_from_here(request):
            return message_page(403, "Not from here", "This form was not sent from the twin's own page.")
        if found:
            try:
                return (
                    answer(twin, request, *found.groups(), _typed(request))
                    if is_form
                    else answer(twin, *found.groups())
                )
            except StripeError as error:
                return message_page(error.status, "That did not work", str(error))
    return message_page(404, "Not here", "The twin has no such page.")


def _typed(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True))


def _is_from_here(request: Request) -> bool:
    """
    Tell whether a form comes from a page of ours: browsers say so, and what says nothing is no page of ours.
    """
    said = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    return said != (None, None) and said[0] in {None, "same-origin"} and said[1] in {None, request.base_url}
