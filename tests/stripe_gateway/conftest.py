"""
The gateway, speaking in process to a stand-in for Stripe.
"""

from collections.abc import AsyncIterator

import httpx
import pytest

from rsolv.kernel.secret import Secret
from rsolv.stripe_gateway import StripeGateway
from rsolv.stripe_gateway.client import GatewayOptions, open_gateway
from stripe_gateway.stand_in import StandIn

KEY = Secret("sk_test_ofthetests")


@pytest.fixture
def stripe() -> StandIn:
    """
    What answers in Stripe's place.
    """
    return StandIn()


@pytest.fixture
def options() -> GatewayOptions:
    """
    How the gateway is opened; a module may override it.
    """
    return GatewayOptions(api_key=KEY)


@pytest.fixture
async def gateway(stripe: StandIn, options: GatewayOptions) -> AsyncIterator[StripeGateway]:
    """
    The gateway itself, its requests carried to the stand-in.
    """
    async with open_gateway(options, httpx.ASGITransport(stripe)) as opened:
        yield opened
