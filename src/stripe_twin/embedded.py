"""
The twin inside this process: for httpx, and for Stripe's own SDK. No port, no thread, no waiting.
"""

from collections.abc import Mapping
from typing import Any

import httpx
import stripe

from stripe_twin.core.exchange import Request, Response
from stripe_twin.twin import Twin


class TwinTransport(httpx.AsyncBaseTransport):
    """
    Carry httpx's requests to a twin, and the twin's troubles back as httpx's errors.
    """

    def __init__(self, twin: Twin) -> None:
        self._twin = twin

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """
        Answer one request.

        Raises:
            httpx.ConnectError: the connection is refused; nothing was sent.
            httpx.ReadTimeout: no answer came.
            httpx.RemoteProtocolError: half of the answer came.
        """
        response = await self._twin.respond(
            Request(
                method=request.method,
                path=request.url.path,
                query=request.url.query.decode(),
                headers={name.lower(): value for name, value in request.headers.items()},
                body=await request.aread(),
                base_url=f"{request.url.scheme}://{request.url.netloc.decode()}",
            )
        )
        _raise_trouble(response, request)
        return httpx.Response(response.status, headers=dict(response.headers), content=response.body, request=request)


class InProcessClient(stripe.HTTPClient):
    """
    The SDK's HTTP client over a twin in this process.
    """

    name = "stripe_twin"

    def __init__(self, twin: Twin) -> None:
        super().__init__()
        self._client = httpx.AsyncClient(transport=TwinTransport(twin), trust_env=False)

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """
        Send one request.

        Raises:
            stripe.APIConnectionError: trouble on the way.
        """
        try:
            response = await self._client.request(method, url, headers=dict(headers or {}), content=post_data)
        except httpx.TransportError as error:
            said = f"Network error: {type(error).__name__}"
            raise stripe.APIConnectionError(said, should_retry=True) from error  # type: ignore[no-untyped-call]  # the SDK
        return response.content, response.status_code, response.headers

    async def sleep_async(self, secs: float) -> None:
        """
        Do not wait between the SDK's own retries: the twin's time passes when it is told to.
        """

    async def close_async(self) -> None:
        """
        Let go of the twin.
        """
        await self._client.aclose()


def sdk_client(
    twin: Twin, *, api_key: str = "sk_test_embedded_twin", max_network_retries: int = 0
) -> stripe.StripeClient:
    """
    Return Stripe's own client, talking to the twin.
    """
    return stripe.StripeClient(api_key, http_client=InProcessClient(twin), max_network_retries=max_network_retries)


def _raise_trouble(response: Response, request: httpx.Request) -> None:
    match response.trouble:
        case "refused":
            raise httpx.ConnectError("Connection refused", request=request)
        case "silence":
            raise httpx.ReadTimeout("No answer", request=request)
        case "cut":
            raise httpx.RemoteProtocolError("Half of the answer", request=request)
        case None:
            return
