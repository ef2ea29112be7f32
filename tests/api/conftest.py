"""
Callers of the API beside acme.
"""

from collections.abc import AsyncIterator

import httpx
import pytest

from api.wire import caller, sign_up
from rsolv.api import Parts


@pytest.fixture
async def globex_client(parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    """
    A caller with the key of globex, another customer than acme.
    """
    async with caller(parts) as client:
        client.headers["x-api-key"] = (await sign_up(client, "globex@example.com"))["api_key"]
        yield client
