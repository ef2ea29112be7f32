"""
A shop that sells subscriptions: customers with cards, prices, and a clock to let time pass.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from stripe_twin.twin import Twin

DAY = 86_400


class Shop:
    """
    What a test does most, through Stripe's own client.
    """

    def __init__(self, twin: Twin, sdk: stripe.StripeClient) -> None:
        self.twin = twin
        self.v1 = sdk.v1
        self._seen = 0
        self._product: str | None = None

    async def customer(self, card: str | None = "pm_card_visa", **params: Any) -> str:
        """
        Make a customer, whose default this card is.
        """
        customer = await self.v1.customers.create_async({"email": "billing@acme.test", **params})
        if card is not None:
            await self.default_card(customer.id, card)
        return customer.id

    async def default_card(self, customer: str, card: str) -> str:
        """
        Attach a test card and make it the customer's default.
        """
        method = await self.v1.payment_methods.attach_async(card, {"customer": customer})
        settings = {"invoice_settings": {"default_payment_method": method.id}}
        await self.v1.customers.update_async(customer, settings)
        return method.id

    async def price(self, unit_amount: int = 4900, interval: str | None = "month", count: int = 1) -> str:
        """
        Make a price of the one product; without an interval, for a single sale.
        """
        if self._product is None:
            self._product = (await self.v1.products.create_async({"name": "Pro"})).id
        recurring = {"recurring": {"interval": interval, "interval_count": count}} if interval else {}
        asked = {"product": self._product, "unit_amount": unit_amount, "currency": "usd", **recurring}
        return (await self.v1.prices.create_async(asked)).id

    async def subscribe(self, customer: str, price: str | None = None, **params: Any) -> stripe.Subscription:
        """
        Begin a subscription to one price.
        """
        items = [{"price": price or await self.price()}]
        return await self.v1.subscriptions.create_async({"customer": customer, "items": items, **params})

    async def subscription(self, subscription: str) -> dict[str, Any]:
        """
        Look a subscription up.
        """
        return (await self.v1.subscriptions.retrieve_async(subscription)).to_dict()

    async def invoices(self, subscription: str) -> list[dict[str, Any]]:
        """
        List a subscription's invoices, newest first.
        """
        listed = await self.v1.invoices.list_async({"subscription": subscription, "limit": 100})
        return [invoice.to_dict() for invoice in listed.data]

    async def intent_of(self, invoice: str) -> dict[str, Any]:
        """
        Look up the payment intent of an invoice.
        """
        payments = await self.v1.invoice_payments.list_async({"invoice": invoice})
        return (await self.v1.payment_intents.retrieve_async(payments.data[0].payment.payment_intent)).to_dict()

    def pass_time(self, seconds: int) -> None:
        """
        Let time pass, with all that becomes due.
        """
        self.twin.account.advance(self.twin.account.now + seconds)

    def pass_to(self, *day: int) -> None:
        """
        Let time pass up to a date.
        """
        self.twin.account.advance(moment(*day))

    def events(self) -> list[dict[str, Any]]:
        """
        Return the events since the last look, oldest first.
        """
        emitted = list(reversed(self.twin.store.all("event")))
        fresh, self._seen = emitted[self._seen :], len(emitted)
        return fresh

    def types(self) -> list[str]:
        """
        Return the types of the events since the last look.
        """
        return [event["type"] for event in self.events()]


def moment(*day: int) -> int:
    """
    Return a date's second.
    """
    return int(datetime(*day, tzinfo=UTC).timestamp())  # type: ignore[arg-type, misc]  # year, month, day


@pytest.fixture
def at() -> Callable[..., int]:
    """
    Return a date's second.
    """
    return moment


@pytest.fixture
def shop(twin: Twin, sdk: stripe.StripeClient) -> Shop:
    """
    A shop without customers yet.
    """
    return Shop(twin, sdk)


@pytest.fixture
async def acme(shop: Shop) -> str:
    """
    A customer with a good card as default.
    """
    customer = await shop.customer()
    shop.events()
    return customer


@pytest.fixture
def refusal() -> Callable[[Awaitable[Any]], Awaitable[tuple[int, str | None, str | None]]]:
    """
    Return status, code and parameter of the error a call ends with.
    """

    async def refused(answer: Awaitable[Any]) -> tuple[int, str | None, str | None]:
        with pytest.raises(stripe.StripeError) as raised:
            await answer
        error = raised.value.json_body["error"]
        return raised.value.http_status, error.get("code"), error.get("param")

    return refused
