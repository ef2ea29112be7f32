"""
The client: the one place that imports Stripe's library.

Its objects and exceptions end here: what goes out is plain data, read by `translation`, and the failures of
`failures`. Parameters are typed by the library, so that mypy refuses one that Stripe does not know. What each verb
promises is written in `port`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import stripe

from rsolv.stripe_gateway.client.account import _Account
from rsolv.stripe_gateway.client.billing import _Billing
from rsolv.stripe_gateway.client.cards import _Cards
from rsolv.stripe_gateway.client.payments import _Payments
from rsolv.stripe_gateway.client.selling import _Selling
from rsolv.stripe_gateway.http import GatewayOptions, open_http
from rsolv.stripe_gateway.port import API_VERSION, StripeGateway
from rsolv.stripe_gateway.turns import Limits

__all__ = ["GatewayOptions", "Limits", "open_gateway"]

_TEST_KEYS = ("sk_test_", "rk_test_")


@asynccontextmanager
async def open_gateway(
    options: GatewayOptions, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator[StripeGateway]:
    """
    Lend the process's one gateway until the block ends; then its connections are closed.

    *transport* carries the requests in place of the network, for tests.

    Raises:
        ValueError: a live key would be sent to somebody who is not Stripe, or the library speaks another version
            of the API than we do.
    """
    if options.base_url is not None and not options.api_key.reveal().startswith(_TEST_KEYS):
        raise ValueError("a key that is not a test key is sent to nobody but Stripe")
    if stripe.api_version != API_VERSION:
        raise ValueError(f"the library speaks {stripe.api_version}, this gateway {API_VERSION}")
    stripe.enable_telemetry = False  # of the whole process: the library has no other switch
    async with open_http(options, transport) as http:
        yield _Gateway(options, http)


class _Gateway(_Cards, _Payments, _Billing, _Selling, _Account):
    """
    All verbs over one pool of connections.
    """
