"""
One request to the twin and its response, free of any server or client library.
"""

import base64
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from stripe_twin.core.records import encoded

Trouble = Literal["refused", "silence", "cut"]
"""
What the network does instead of delivering the response: no connection, no answer ever, or half of the body.
"""


@dataclass(frozen=True)
class Request:
    """
    A request as it came; header names are in lower case.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    base_url: str = "http://127.0.0.1"


@dataclass(frozen=True)
class Response:
    """
    A response, and the trouble on its way, if any.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    trouble: Trouble | None = None


def api_key(request: Request) -> str:
    """
    Return the key a request comes with; "" when there is none that can be read.
    """
    scheme, _, told = request.headers.get("authorization", "").partition(" ")
    match scheme.lower():
        case "bearer":
            return told
        case "basic":
            with contextlib.suppress(ValueError):
                return base64.b64decode(told, validate=True).decode().partition(":")[0]
    return ""


def json_response(status: int, body: object, **headers: str) -> Response:
    """
    Return a response with a JSON body.
    """
    return Response(status, encoded(body), {"content-type": "application/json", **headers})


def html_response(status: int, text: str, **headers: str) -> Response:
    """
    Return a page. It loads nothing and runs no script; forms go to the twin itself.
    """
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
    fixed = {"content-type": "text/html; charset=utf-8", "content-security-policy": policy, "cache-control": "no-store"}
    return Response(status, text.encode(), {**fixed, **headers})
