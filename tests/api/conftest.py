"""
Callers of the API beside acme.
"""

from collections.abc import AsyncIterator

import httpx
import pytest

from api.wire import caller, sign_up
from rsolv.api import Parts
from stripe_twin.embedded import TwinTransport
from stripe_twin.twin import Twin


@pytest.fixture
async def globex_client(parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    """
    A caller with the key of globex, another customer than acme.
    """
    async with caller(parts) as client:
        client.headers["x-api-key"] = (await sign_up(client, "globex@example.com"))["api_key"]
        yield client


@pytest.fixture
async def stripe(twin: Twin) -> AsyncIterator[httpx.AsyncClient]:
    """
    A caller of Stripe's twin: of its control, which can do what customers do on Stripe's pages.
    """
    async with httpx.AsyncClient(transport=TwinTransport(twin), base_url="http://stripe.test") as caller_of_twin:
        yield caller_of_twin
