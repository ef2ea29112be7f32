"""
A customer, a monthly price, and Checkout Sessions for them.
"""

from collections.abc import Awaitable, Callable

import pytest
import stripe

from stripe_twin import checkout
from stripe_twin.acts import act
from stripe_twin.twin import Twin

SUCCESS = "https://shop.test/done?session={CHECKOUT_SESSION_ID}"
Open = Callable[..., Awaitable[stripe.checkout.Session]]


@pytest.fixture
async def ada(sdk: stripe.StripeClient) -> str:
    """
    Return the id of a customer.
    """
    return (await sdk.v1.customers.create_async({"email": "ada@acme.test", "name": "Ada"})).id


@pytest.fixture
async def pro(sdk: stripe.StripeClient) -> str:
    """
    Return the id of a price of 599 dollars a month.
    """
    product = await sdk.v1.products.create_async({"name": "Pro"})
    price = await sdk.v1.prices.create_async(
        {"product": product.id, "currency": "usd", "unit_amount": 59900, "recurring": {"interval": "month"}}
    )
    return price.id


@pytest.fixture
def open_setup(sdk: stripe.StripeClient, ada: str) -> Open:
    """
    Open a session that saves Ada's card.
    """

    async def opened(**more: object) -> stripe.checkout.Session:
        asked = {"mode": "setup", "currency": "usd", "customer": ada, "success_url": SUCCESS, **more}
        return await sdk.v1.checkout.sessions.create_async(asked)

    return opened


@pytest.fixture
def open_subscription(sdk: stripe.StripeClient, pro: str) -> Open:
    """
    Open a session that subscribes to Pro twice.
    """

    async def opened(**more: object) -> stripe.checkout.Session:
        lines = [{"price": pro, "quantity": 2}]
        asked = {"mode": "subscription", "line_items": lines, "success_url": SUCCESS, **more}
        return await sdk.v1.checkout.sessions.create_async(asked)

    return opened


@pytest.fixture
def fill_in(twin: Twin) -> Callable[..., str | None]:
    """
    Fill in a session's page with a card.
    """

    def filled(session_id: str, number: str = "4242424242424242", **more: str) -> str | None:
        card = checkout.Card(number=number, exp_month=12, exp_year=2034, cvc="123", **more)
        return act(twin.account, lambda: checkout.complete(twin.account, session_id, card), base_url="http://twin.test")

    return filled


@pytest.fixture
def types(twin: Twin) -> Callable[[], list[str]]:
    """
    Return the types of all events so far, first to last.
    """
    return lambda: [event["type"] for event in reversed(twin.store.all("event"))]
