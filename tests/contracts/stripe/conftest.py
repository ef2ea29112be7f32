"""
The gateway over a twin of Stripe, both ways: inside this process, and over HTTP to a process of its own.
"""

import json
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from contracts.stripe.mail import Inbox, inbox_inside, inbox_listening
from contracts.stripe.stand import Stand
from rsolv.kernel.secret import Secret
from rsolv.stripe_gateway import StripeGateway
from rsolv.stripe_gateway.client import GatewayOptions, open_gateway
from stripe_twin.embedded import TwinTransport

KEY = Secret("sk_test_ofthecontract")
STRIPE = "https://api.stripe.com"
LOGS = Path(__file__).parents[3] / ".cache" / "stripe" / "log"
STOP_SECONDS = 20
DEADLINE_SECONDS = 60


@pytest.fixture(scope="session")
def twin_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """
    A twin in a process of its own; its log is judged after the tests.
    """
    LOGS.mkdir(parents=True, exist_ok=True)
    kept = ["--home", str(tmp_path_factory.mktemp("stripe")), "--log", str(LOGS / f"contract-{os.getpid()}.jsonl")]
    with subprocess.Popen([sys.executable, "-m", "stripe_twin", *kept], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield json.loads(process.stdout.readline())["stripe_url"]
        finally:
            process.terminate()
            code = process.wait(STOP_SECONDS)
    assert code == 0


@pytest.fixture(params=["embedded", "loopback"])
async def stripe(request: pytest.FixtureRequest) -> AsyncIterator[Stand]:
    """
    A twin that holds nothing yet, and the gateway over it; at the end the twin has made no mistake of its own.
    """
    url = request.getfixturevalue("twin_url") if request.param == "loopback" else None
    transport = None if url else TwinTransport(request.getfixturevalue("twin"))
    options = GatewayOptions(api_key=KEY, base_url=url)
    async with AsyncExitStack() as stack:
        # Nothing here speaks TLS, and reading the machine's certificates takes longer than most tests.
        trusting_nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        http = httpx.AsyncClient(
            transport=transport,
            base_url=url or STRIPE,
            verify=trusting_nobody,
            trust_env=False,
            timeout=DEADLINE_SECONDS,
        )
        await stack.enter_async_context(http)
        gateway = await stack.enter_async_context(open_gateway(options, transport))
        stand = Stand(way=request.param, gateway=gateway, http=http, options=options, transport=transport)
        await stand.control("POST", "reset", {})
        yield stand
        assert (await stand.control("GET", "state"))["mistakes"] == []


@pytest.fixture
def gateway(stripe: Stand) -> StripeGateway:
    """
    What is tested.
    """
    return stripe.gateway


@pytest.fixture
async def acme(stripe: Stand) -> str:
    """
    The Stripe id of a customer without a card.
    """
    return await stripe.customer()


@pytest.fixture
async def visa(stripe: Stand, acme: str) -> str:
    """
    The id of a card of acme's that always works.
    """
    return await stripe.card(acme)


@pytest.fixture
async def inbox(request: pytest.FixtureRequest, stripe: Stand) -> AsyncIterator[Inbox]:
    """
    A webhook endpoint of ours for every event.
    """
    async with AsyncExitStack() as stack:
        if stripe.way == "embedded":
            opened = inbox_inside(stripe, request.getfixturevalue("twin"))
        else:
            opened = await stack.enter_async_context(inbox_listening())
        await opened.register(stripe)
        yield opened
