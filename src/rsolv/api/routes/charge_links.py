"""
Charges that wait for their customer: the page behind a link, and the way over their bank and back.
"""

from http import HTTPStatus
from typing import Annotated

import msgspec

from rsolv import charges
from rsolv.api.charge_page import Message, charge_page
from rsolv.api.charge_words import told
from rsolv.api.operation import Access, Call, Operation, Reply, Shape
from rsolv.stripe_gateway import GatewayUnavailable

ID_MAX = 2**63 - 1
RETURNED = "&returned=1"
RETRY_SOON_SECONDS = 5
_NOT_OURS = Message(
    title="We do not know this link",
    text="The address may be incomplete: copy all of it from where you found it. Nothing was taken.",
)
_NOT_NOW = Message(
    title="We cannot look just now",
    text="Nothing is lost: we look again by ourselves. You can close this page, or load it again in a moment.",
)


class LinkPath(Shape):
    """
    Whose charge it is, and which.
    """

    customer_id: Annotated[int, msgspec.Meta(ge=1, le=ID_MAX, examples=[1])]
    charge_id: Annotated[int, msgspec.Meta(ge=1, le=ID_MAX, examples=[1])]


class LinkQuery(Shape):
    """
    The token that allows to pay the charge, and whether somebody comes back from their bank.
    """

    token: Annotated[str, msgspec.Meta(max_length=100, description="As in `action_url`.", examples=["0" * 64])] = ""
    returned: Annotated[str, msgspec.Meta(max_length=1, description="1: from the bank's page.")] = ""


async def show_charge(call: Call) -> Reply:
    """
    Show a charge to whoever has its link, with a button to confirm it with their bank.

    Changes nothing: programs follow links. Who comes back from their bank is told what came of it, as Stripe says.
    """
    link, machine = _link(call), _machine(call)
    try:
        if call.query.returned and machine is not None:
            await charges.look_by_link(machine, link, now=call.now)
        return await _page(call, link)
    except charges.UnknownLink:
        return charge_page(_NOT_OURS, address="", status=HTTPStatus.NOT_FOUND)
    except GatewayUnavailable:
        return _not_now()


async def pay_charge(call: Call) -> Reply:
    """
    Confirm a charge with the customer's bank: on to the bank's page by 303, or back to the charge's own.

    The token is all that is asked for, and pays this one charge. At most ten times a day.
    """
    link, machine = _link(call), _machine(call)
    try:
        async with call.parts.database.reading() as connection:
            found = await charges.find_by_link(connection, link)
        if not found.can_be_paid:
            return await _page(call, link)
        if machine is None:
            return _not_now()
        here = _address(call, found)
        bank = await charges.pay_by_link(machine, link, return_url=here + RETURNED, now=call.now)
    except charges.UnknownLink:
        return charge_page(_NOT_OURS, address="", status=HTTPStatus.NOT_FOUND)
    except charges.TooManyTries as error:
        return _too_many(call, error)
    sent = Message(title="Going on", text="You are sent on.")
    page = charge_page(sent, address=here, status=HTTPStatus.SEE_OTHER)
    location = (b"location", (bank or here).encode("ascii"))
    return Reply(page.content, status=page.status, headers=(*page.headers, location), content_type=page.content_type)


def _link(call: Call) -> charges.Link:
    return charges.Link(customer_id=call.path.customer_id, charge_id=call.path.charge_id, token=call.query.token)


def _machine(call: Call) -> charges.Machine | None:
    parts = call.parts
    if parts.gateway is None:
        return None
    return charges.Machine(
        database=parts.database,
        gateway=parts.gateway,
        bus=parts.bus,
        billing_enabled=parts.billing_enabled,
        cap=parts.charge_cap,
    )


def _address(call: Call, found: charges.LinkedCharge) -> str:
    return charges.address_of(found.charge, customer_id=call.path.customer_id, public_url=call.parts.public_url)


async def _page(call: Call, link: charges.Link) -> Reply:
    async with call.parts.database.reading() as connection:
        found = await charges.find_by_link(connection, link)
    message, status = told(found)
    return charge_page(message, address=_address(call, found), status=status)


def _not_now() -> Reply:
    return charge_page(
        _NOT_NOW, address="", status=HTTPStatus.SERVICE_UNAVAILABLE, retry_after_seconds=RETRY_SOON_SECONDS
    )


def _too_many(call: Call, error: charges.TooManyTries) -> Reply:
    again_at = error.again_at
    message = Message(
        title="Please try again later",
        text=f"This payment was tried many times today. You can try again from {again_at:%Y-%m-%d %H:%M} UTC on.",
    )
    seconds = max(1, int((again_at - call.now).total_seconds()))
    return charge_page(message, address="", status=HTTPStatus.TOO_MANY_REQUESTS, retry_after_seconds=seconds)


_PATH = f"{charges.LINK_PATH}/{{customer_id}}/{{charge_id}}"
OPERATIONS = (
    Operation(
        method="GET",
        path=_PATH,
        summary="Show a charge that waits for its customer",
        access=Access.PUBLIC,
        handler=show_charge,
        path_parameters=LinkPath,
        query=LinkQuery,
        answer=None,
        refusals=(400, 404, 410, 422, 503),
        own_refusals=(404, 410, 503),
        tag="Billing",
        content_type="text/html",
    ),
    Operation(
        method="POST",
        path=_PATH,
        summary="Confirm a charge with the bank",
        access=Access.PUBLIC,
        handler=pay_charge,
        path_parameters=LinkPath,
        query=LinkQuery,
        answer=None,
        refusals=(400, 404, 410, 422, 429, 503),
        own_refusals=(404, 410, 429, 503),
        redirects=True,
        tag="Billing",
        content_type="text/html",
    ),
)
