"""
A customer who pays, cards to save and to charge, and what refusals and events look like to a test.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import stripe

from stripe_twin.twin import Twin

BACK = "https://acme.test/back"

Answer = Awaitable[Any]


@dataclass(frozen=True)
class Refused:
    """
    What a refused call was answered.
    """

    status: int
    error: dict[str, Any]

    @property
    def facts(self) -> tuple[int, str | None, str | None]:
        """
        Tell status, code and parameter.
        """
        return self.status, self.error.get("code"), self.error.get("param")

    @property
    def decline_code(self) -> str | None:
        """
        Tell the bank's reason.
        """
        return self.error.get("decline_code")

    @property
    def message(self) -> str:
        """
        Tell it in words.
        """
        return str(self.error["message"])


@pytest.fixture
async def acme(sdk: stripe.StripeClient) -> str:
    """
    Return the id of a customer without any card.
    """
    return (await sdk.v1.customers.create_async({"email": "billing@acme.test", "name": "Acme"})).id


@pytest.fixture
def saved(sdk: stripe.StripeClient, acme: str) -> Callable[[str], Awaitable[str]]:
    """
    Attach a test card to acme by its name; not set up for payments off-session.
    """

    async def save(name: str) -> str:
        return (await sdk.v1.payment_methods.attach_async(f"pm_card_{name}", {"customer": acme})).id

    return save


@pytest.fixture
def pay(sdk: stripe.StripeClient) -> Callable[..., Answer]:
    """
    Create a payment intent of 29 dollars and confirm it at once.
    """

    async def paid(**params: Any) -> stripe.PaymentIntent:
        asked = {"amount": 2900, "currency": "usd", "confirm": True, "return_url": BACK, **params}
        return await sdk.v1.payment_intents.create_async(asked)  # type: ignore[arg-type]  # any parameter is tried

    return paid


@pytest.fixture
def refusal() -> Callable[[Answer], Awaitable[Refused]]:
    """
    Return the error a call ends with.
    """

    async def refused(answer: Answer) -> Refused:
        with pytest.raises(stripe.StripeError) as raised:
            await answer
        return Refused(raised.value.http_status, raised.value.json_body["error"])

    return refused


@pytest.fixture
def events(twin: Twin) -> Callable[[], list[dict[str, Any]]]:
    """
    Return the events since the last look, oldest first.
    """
    seen: list[int] = [0]

    def new() -> list[dict[str, Any]]:
        emitted = list(reversed(twin.store.all("event")))
        fresh, seen[0] = emitted[seen[0] :], len(emitted)
        return fresh

    return new


@pytest.fixture
def types(events: Callable[[], list[dict[str, Any]]]) -> Callable[[], list[str]]:
    """
    Return the types of the events since the last look, oldest first.
    """
    return lambda: [event["type"] for event in events()]
