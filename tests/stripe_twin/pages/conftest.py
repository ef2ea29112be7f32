"""
A browser without scripts: it sends an origin with its forms, as browsers do.
"""

import html
import re
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
import stripe

from stripe_twin.embedded import TwinTransport
from stripe_twin.twin import Twin

ORIGIN = "https://api.stripe.com"
SUCCESS = "https://shop.test/done?session={CHECKOUT_SESSION_ID}"
CARD = {"number": "4242 4242 4242 4242", "expiry": "12/34", "cvc": "123", "name": "Ada"}


class Page:
    """
    One answer, as a person reads it.
    """

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.status = answer.status_code
        self.goes_to = answer.headers.get("location")
        self.text = answer.text

    def error_at(self, field: str) -> str | None:
        """
        Return the error beside a field, which names it as its description.
        """
        found = re.search(rf'<p class="error" id="{field}-error">(.*?)</p>', self.text)
        named = f'aria-describedby="{field}-error"' in self.text
        return html.unescape(found[1]) if found and named else None


class Browser:
    """
    Opens pages and sends their forms.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def open(self, url: str) -> Page:
        """
        Open a page.
        """
        return Page(await self._client.get(url))

    async def send(self, url: str, **form: str) -> Page:
        """
        Send a form from the page at this address.
        """
        return Page(await self._client.post(url, data=form, headers={"origin": ORIGIN}))


@pytest.fixture
async def browser(twin: Twin) -> AsyncIterator[Browser]:
    """
    A browser on the twin's pages.
    """
    async with httpx.AsyncClient(transport=TwinTransport(twin), base_url=ORIGIN) as client:
        yield Browser(client)


@pytest.fixture
async def ada(sdk: stripe.StripeClient) -> str:
    """
    Return the id of a customer whose name is markup.
    """
    return (await sdk.v1.customers.create_async({"email": "ada@acme.test", "name": "Ada <b>L</b>"})).id


@pytest.fixture
async def pro(sdk: stripe.StripeClient) -> str:
    """
    Return the id of a price of 599 dollars a month.
    """
    product = await sdk.v1.products.create_async({"name": "Pro & more"})
    price = await sdk.v1.prices.create_async(
        {"product": product.id, "currency": "usd", "unit_amount": 59900, "recurring": {"interval": "month"}}
    )
    return price.id


@pytest.fixture
def open_setup(sdk: stripe.StripeClient, ada: str) -> Callable[..., Awaitable[stripe.checkout.Session]]:
    """
    Open a session that saves Ada's card.
    """

    async def opened(**more: object) -> stripe.checkout.Session:
        asked = {"mode": "setup", "currency": "usd", "customer": ada, "success_url": SUCCESS, **more}
        return await sdk.v1.checkout.sessions.create_async(asked)

    return opened


@pytest.fixture
def open_subscription(sdk: stripe.StripeClient, pro: str) -> Callable[..., Awaitable[stripe.checkout.Session]]:
    """
    Open a session that subscribes to Pro.
    """

    async def opened(**more: object) -> stripe.checkout.Session:
        lines = [{"price": pro, "quantity": 1}]
        asked = {"mode": "subscription", "line_items": lines, "success_url": SUCCESS, **more}
        return await sdk.v1.checkout.sessions.create_async(asked)

    return opened


@pytest.fixture
def card() -> dict[str, str]:
    """
    Return what a customer types.
    """
    return dict(CARD)
