"""
Carry requests over httpx: our time limits, no proxies from the environment, no redirects, nothing tried twice.
"""

from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from rsolv.kernel.secret import Secret
from rsolv.stripe_gateway.turns import UNLIMITED, Limits
from rsolv.stripe_gateway.wire import Body


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """
    How to reach Stripe, and how much of its limits is ours. `base_url` is for a stand-in; None is Stripe itself.

    Half of the total may be spent waiting for a turn, so that what has one is left the other half for its answer.
    """

    api_key: Secret
    base_url: str | None = None
    limits: Limits = UNLIMITED
    connect_seconds: float = 3
    total_seconds: float = 20

    @property
    def patience_seconds(self) -> float:
        """
        Return how long a turn is waited for.
        """
        return self.total_seconds / 2


def open_http(options: GatewayOptions, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    """
    Open the connections of one gateway; *transport* takes the network's place in tests.
    """
    at_once = options.limits.at_once
    return httpx.AsyncClient(
        transport=transport,
        timeout=httpx.Timeout(options.total_seconds, connect=options.connect_seconds),
        limits=httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once),
        trust_env=False,
    )


def body_of(answer: httpx.Response) -> Body | None:
    """
    Read an answer of Stripe's; None when it is none: not JSON, cut short, or an error that says nothing.
    """
    try:
        body = msgspec.json.decode(answer.content, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return None
    return body if answer.is_success or isinstance(body.get("error"), dict) else None


def is_of_object(answer: httpx.Response) -> bool:
    """
    Say whether an object was busy, and not its endpoint: docs.stripe.com/rate-limits, "Object lock timeouts".
    """
    return b'"lock_timeout"' in answer.content
