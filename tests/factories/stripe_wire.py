"""
A wire to Stripe's twin on which something happens while a request is on its way.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx

from rsolv.kernel.secret import Secret
from rsolv.stripe_gateway import StripeGateway
from rsolv.stripe_gateway.client import GatewayOptions, open_gateway
from stripe_twin.embedded import TwinTransport
from stripe_twin.twin import Twin


class EventfulTransport(httpx.AsyncBaseTransport):
    """
    Carry requests to a twin; the first of a method to a path that begins so waits until something has happened.
    """

    def __init__(self, twin: Twin, method: str, path: str, happening: Callable[[], Awaitable[object]]) -> None:
        self._carrier = TwinTransport(twin)
        self._method, self._path = method, path
        self._happening: Callable[[], Awaitable[object]] | None = happening

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """
        Let it happen, once, and go on.
        """
        is_there = request.method == self._method and request.url.path.startswith(self._path)
        if is_there and self._happening is not None:
            happening, self._happening = self._happening, None
            await happening()
        return await self._carrier.handle_async_request(request)


@asynccontextmanager
async def eventful_gateway(
    twin: Twin, method: str, path: str, happening: Callable[[], Awaitable[object]]
) -> AsyncIterator[StripeGateway]:
    """
    Lend a gateway over such a wire.
    """
    options = GatewayOptions(api_key=Secret("sk_test_ofthetests"))
    async with open_gateway(options, EventfulTransport(twin, method, path, happening)) as gateway:
        yield gateway
