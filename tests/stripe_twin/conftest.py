"""
Stripe's own client, and a plain one, talking to the test's twin.
"""

import itertools
from collections.abc import AsyncIterator

import httpx
import pytest
import stripe

from stripe_twin.core.account import API_VERSION
from stripe_twin.embedded import TwinTransport, sdk_client
from stripe_twin.twin import Twin


@pytest.fixture
async def sdk(twin: Twin) -> stripe.StripeClient:
    """
    Stripe's own client over the twin, without retries.
    """
    return sdk_client(twin)


@pytest.fixture
async def http(twin: Twin) -> AsyncIterator[httpx.AsyncClient]:
    """
    A plain HTTP client with a test key, for what Stripe's own client would never send.
    """
    numbers = itertools.count(1)

    async def name_attempt(request: httpx.Request) -> None:
        if request.method == "POST":
            request.headers.setdefault("idempotency-key", f"attempt {next(numbers)}")

    async with httpx.AsyncClient(
        transport=TwinTransport(twin),
        base_url="http://stripe.test",
        headers={"authorization": "Bearer sk_test_correcthorse", "stripe-version": API_VERSION},
        event_hooks={"request": [name_attempt]},
    ) as client:
        yield client
