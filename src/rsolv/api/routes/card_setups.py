"""
Card setups over the wire: open a hosted page for a card, and come back from it.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

import msgspec

from rsolv import card_setups, payment_methods
from rsolv.api.caller import BillingConsent, caller_key_hash_of, declaration_of, gateway_of
from rsolv.api.errors import RETRY_AFTER_SECONDS
from rsolv.api.operation import Access, Call, Operation, Reply, Shape
from rsolv.api.parsing import prefers_html
from rsolv.api.return_page import return_page
from rsolv.stripe_gateway import GatewayUnavailable

RETURN_PATH = "/billing/payment-methods/return"


class SetupBody(Shape, forbid_unknown_fields=True):
    """
    The wish to add a card, with consent.
    """

    billing_consent: BillingConsent = False
    return_url: (
        Annotated[
            str,
            msgspec.Meta(
                max_length=2_000,
                description="Where to go afterwards: over https, or on this machine.",
                examples=["https://shop.example/paid"],
            ),
        ]
        | None
    ) = None


class SetupAnswer(Shape):
    """
    The hosted page on which the card is entered, open until it expires.
    """

    url: str
    setup_id: str
    expires_at: datetime


class ReturnRequest(Shape):
    """
    From which page somebody comes; without it, from one they left.
    """

    setup: Annotated[str, msgspec.Meta(max_length=255, description="Stripe's id of the page.")] | None = None


async def open_card_setup(call: Call) -> Reply:
    """
    Open a hosted page on which a card is entered. Needs consent; without it nothing happens anywhere.

    Show the page to the customer within a day. The card is added when they have finished there, whether they come back
    or not. A browser that prefers a page to JSON is sent there by 303. A repeat with the same `Idempotency-Key` leads
    to the same page. How many pages are opened in an hour and in a day is limited.
    """
    body: SetupBody = call.body
    payment_methods.require_consent(billing_consent=body.billing_consent)
    request = card_setups.SetupRequest(
        declaration=declaration_of(call),
        return_url=card_setups.checked_return_url(body.return_url) if body.return_url is not None else None,
        caller_key_hash=caller_key_hash_of(call),
        limits=call.parts.card_limits,
    )
    setup = await card_setups.open_setup(
        call.parts.database,
        gateway_of(call),
        request,
        customer_id=call.customer_id,
        page_url=call.parts.public_url + RETURN_PATH,
    )
    assert setup.url is not None, "a setup that was opened has a page"
    assert setup.expires_at is not None, "and it expires"
    answer = SetupAnswer(url=setup.url, setup_id=str(setup.id), expires_at=setup.expires_at)
    if prefers_html(call.headers.get(b"accept", b"")):
        location = (b"location", setup.url.encode("ascii"))
        return Reply(answer, status=HTTPStatus.SEE_OTHER, headers=(location,))
    return Reply(answer)


async def come_back(call: Call) -> Reply:
    """
    Add the card that was entered, if Stripe says that one was, and say so on a page, or go on to the `return_url`.

    Nothing is believed of the address but which page it is about. Coming back twice, or not at all, changes nothing:
    we look by ourselves, too.
    """
    request: ReturnRequest = call.query
    if request.setup is None:
        return return_page("No card was saved", "Nothing has changed. You can close this page.")
    try:
        async with call.parts.database.reading() as connection:
            setup = await card_setups.find_setup(connection, stripe_card_setup_id=request.setup)
    except card_setups.UnknownCardSetup:
        text = "The address may be incomplete. Nothing has changed."
        return return_page("We do not know this page", text, status=HTTPStatus.NOT_FOUND)
    fulfilled = await _fulfilled(call, setup)
    if setup.return_url is not None:
        location = (b"location", setup.return_url.encode("ascii"))
        return return_page("Going on", "You are sent on.", status=HTTPStatus.SEE_OTHER, headers=(location,))
    return _told(fulfilled)


async def _fulfilled(call: Call, setup: card_setups.CardSetup) -> card_setups.CardSetup | None:
    """
    Find out what came of the page; None when Stripe cannot be asked now.
    """
    if call.parts.gateway is None:
        return setup if setup.state != "open" else None
    try:
        return await card_setups.fulfil_setup(
            call.parts.database,
            call.parts.gateway,
            call.parts.bus,
            customer_id=setup.customer_id,
            card_setup_id=setup.id,
            now=call.now,
        )
    except GatewayUnavailable:
        return None


def _told(setup: card_setups.CardSetup | None) -> Reply:
    if setup is None:
        text = "Nothing is lost: we look again by ourselves. You can close this page, or load it again in a moment."
        retry = (b"retry-after", RETRY_AFTER_SECONDS)
        return return_page("We cannot look just now", text, status=HTTPStatus.SERVICE_UNAVAILABLE, headers=(retry,))
    if setup.state == "open":
        text = "If you finish on the page you came from, the card is added by itself. You can close this page."
        return return_page("No card has been saved yet", text)
    if setup.state == "expired":
        return return_page("This page has expired", "No card was saved. Ask for a new page to try again.")
    if setup.payment_method_id is None:
        return return_page("This cannot be used to pay", "Only cards can be charged for fixes. Please add a card.")
    return return_page("Your card is saved", "You can close this page.")


OPERATIONS = (
    Operation(
        method="POST",
        path="/api/v1/billing/payment-methods/setup",
        summary="Open a page for a card",
        access=Access.API_KEY,
        handler=open_card_setup,
        body=SetupBody,
        answer=SetupAnswer,
        status=HTTPStatus.CREATED,
        redirects=True,
        refusals=(400, 401, 409, 413, 415, 422, 429, 503),
        tag="Billing",
        accepts_idempotency_key=True,
    ),
    Operation(
        method="GET",
        path=RETURN_PATH,
        summary="Come back from entering a card",
        access=Access.PUBLIC,
        handler=come_back,
        query=ReturnRequest,
        answer=None,
        refusals=(400, 404, 422, 503),
        own_refusals=(404, 503),
        redirects=True,
        tag="Billing",
        content_type="text/html",
    ),
)
