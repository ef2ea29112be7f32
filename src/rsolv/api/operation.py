"""
What a route of the API is: a declaration from which both the routing and the OpenAPI document are made.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

import msgspec

from rsolv.api.parts import Parts
from rsolv.api_keys import AuthenticatedKey


class Access(Enum):
    """
    Who may call an operation. Every operation says so.
    """

    PUBLIC = "public"
    API_KEY = "api_key"


class Shape(msgspec.Struct, kw_only=True):
    """
    Base of everything that goes over the wire.
    """


@dataclass(slots=True)
class Call:
    """
    One request on its way through a handler. `caller` is set exactly when the operation asks for an API key.

    `ip` is who connected to us, which behind a proxy is the proxy unless the server is told to trust it.
    """

    parts: Parts
    request_id: str
    now: datetime
    headers: dict[bytes, bytes]
    ip: str | None = None
    path: Any = None
    body: Any = None
    query: Any = None
    caller: AuthenticatedKey | None = None

    @property
    def customer_id(self) -> int:
        """
        Return whose data this call is about.
        """
        return self.key.customer_id

    @property
    def key(self) -> AuthenticatedKey:
        """
        Return who called an operation that asks for an API key.
        """
        assert self.caller is not None, "declared Access.API_KEY"
        return self.caller


@dataclass(frozen=True, slots=True)
class Reply:
    """
    What a handler answers: a shape or ready bytes, and headers beside the usual ones.
    """

    content: Shape | bytes
    status: int | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()
    content_type: bytes = b"application/json"


@dataclass(frozen=True, slots=True)
class Operation:
    """
    One route. `refusals` are the statuses besides the success that callers must expect, in words of the contract.

    Of these `own_refusals` are answered in the operation's own shape instead of the error body. `redirects` says that a
    browser may be sent on with 303. `path_parameters` has a field for each name in braces in the path: an id,
    which is a whole number.
    """

    method: str
    path: str
    summary: str
    access: Access
    handler: Callable[[Call], Awaitable[Reply]]
    answer: type[Shape] | None
    tag: str
    status: int = 200
    body: type[Shape] | None = None
    query: type[Shape] | None = None
    path_parameters: type[Shape] | None = None
    refusals: tuple[int, ...] = ()
    own_refusals: tuple[int, ...] = ()
    redirects: bool = False
    alias_of: str | None = None
    content_type: str = "application/json"
    accepts_idempotency_key: bool = False
