"""
Customers over the wire: signing up.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

import msgspec

from rsolv import customers, idempotency, provisioning
from rsolv.api.operation import Access, Call, Operation, Reply, Shape
from rsolv.audit import Actor
from rsolv.db import Connection

METHOD, PATH = "POST", "/api/v1/customers/onboard"

_Text = Annotated[str, msgspec.Meta(max_length=1_000)]


class OnboardRequest(Shape, forbid_unknown_fields=True):
    """
    Who signs up, and how they found us.
    """

    email: Annotated[
        str,
        msgspec.Meta(max_length=320, description="Where we reach the customer.", extra_json_schema={"format": "email"}),
    ]
    name: Annotated[_Text | None, msgspec.Meta(description="Default: the part of the address before the @.")] = None
    source: Annotated[
        _Text, msgspec.Meta(description="direct, gh_marketplace (marketplace is accepted) or early_access")
    ] = "direct"
    utm_source: _Text | None = None
    utm_medium: _Text | None = None
    utm_campaign: _Text | None = None
    utm_content: _Text | None = None


class CustomerShape(Shape):
    """
    A customer as the API shows one.
    """

    id: int
    email: str
    name: str
    subscription_type: str
    subscription_state: str | None
    credit_balance: int
    created_at: datetime


class OnboardAnswer(Shape):
    """
    The new customer, and the API key, shown this once.
    """

    customer: CustomerShape
    api_key: str


async def onboard(call: Call) -> Reply:
    """
    Sign up: creates a customer with an API key and free credits, in one step.

    The key is shown in this answer and never again. A repeat with the same `Idempotency-Key` header gets the first
    answer byte for byte for 24 hours.
    """
    request: OnboardRequest = call.body
    new = customers.checked_new_customer(
        email=request.email,
        name=request.name,
        acquisition=customers.Acquisition(
            source=request.source,
            utm_source=request.utm_source,
            utm_medium=request.utm_medium,
            utm_campaign=request.utm_campaign,
            utm_content=request.utm_content,
        ),
        policy=call.parts.email_policy,
    )
    repeatable = _repeatable(call)
    async with call.parts.database.transaction() as connection:
        if repeatable is None:
            return Reply(await _provision(connection, new, call))
        earlier = await idempotency.claim(connection, repeatable, master_key=call.parts.master_key)
        if earlier is not None:
            return Reply(earlier.body, status=earlier.status, headers=((b"idempotency-replayed", b"true"),))
        answer = idempotency.Answer(HTTPStatus.CREATED, await _provision(connection, new, call))
        await idempotency.keep(connection, repeatable, answer, master_key=call.parts.master_key)
        return Reply(answer.body)


async def _provision(connection: Connection, new: customers.NewCustomer, call: Call) -> bytes:
    provisioned = await provisioning.provision_customer(connection, new, actor=Actor("customer"), now=call.now)
    customer = provisioned.customer
    return msgspec.json.encode(
        OnboardAnswer(
            customer=CustomerShape(
                id=customer.id,
                email=customer.email,
                name=customer.name,
                subscription_type=customer.subscription_type,
                subscription_state=customer.subscription_state,
                credit_balance=provisioned.credit_balance,
                created_at=customer.created_at,
            ),
            api_key=provisioned.key.secret.reveal(),
        )
    )


def _repeatable(call: Call) -> idempotency.Repeatable | None:
    header = call.headers.get(b"idempotency-key")
    if header is None:
        return None
    return idempotency.Repeatable(
        scope=f"{METHOD} {PATH}",
        key=idempotency.checked_key(header.decode("latin-1")),
        fingerprint=idempotency.fingerprint(METHOD, PATH, msgspec.json.encode(call.body, order="deterministic")),
    )


OPERATIONS = (
    Operation(
        method=METHOD,
        path=PATH,
        summary="Sign up",
        access=Access.PUBLIC,
        handler=onboard,
        body=OnboardRequest,
        answer=OnboardAnswer,
        status=HTTPStatus.CREATED,
        refusals=(400, 409, 413, 415, 422, 503),
        tag="Customers",
        accepts_idempotency_key=True,
    ),
)
