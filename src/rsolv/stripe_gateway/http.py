"""
Carry requests over httpx: our time limits, no proxies from the environment, no redirects, nothing tried twice.
"""

from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from rsolv.kernel.secret import Secret


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """
    How to reach Stripe. `base_url` is for a stand-in; None is Stripe itself.
    """

    api_key: Secret
    base_url: str | None = None
    concurrency: int = 16
    connect_seconds: float = 3
    total_seconds: float = 20


def open_http(options: GatewayOptions, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    """
    Open the connections of one gateway; *transport* takes the network's place in tests.
    """
    return httpx.AsyncClient(
        transport=transport,
        timeout=httpx.Timeout(options.total_seconds, connect=options.connect_seconds),
        limits=httpx.Limits(max_connections=options.concurrency, max_keepalive_connections=options.concurrency),
        trust_env=False,
    )


def is_readable(answer: httpx.Response) -> bool:
    """
    Say whether an answer is one of Stripe's: JSON, and not cut short.
    """
    try:
        body = msgspec.json.decode(answer.content, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return False
    return answer.is_success or isinstance(body.get("error"), dict)
