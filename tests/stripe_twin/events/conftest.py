"""
A webhook endpoint and the inbox behind it, which answers as it is told.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
import stripe

from stripe_twin.events import NotReached
from stripe_twin.twin import Twin

URL = "http://127.0.0.1:1/hook"


@dataclass
class Received:
    """
    One post as it arrived.
    """

    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        """
        The event in it.
        """
        return msgspec.json.decode(self.body)

    @property
    def signature(self) -> str:
        """
        The signature on it.
        """
        return self.headers["stripe-signature"]

    @property
    def signed_at(self) -> int:
        """
        The time that was signed.
        """
        return int(self.signature.partition(",")[0].removeprefix("t="))


@dataclass
class Inbox:
    """
    What arrived. Answers 200, or the next of *answers*; an answer of None is no answer.
    """

    received: list[Received] = field(default_factory=list)
    answers: deque[int | None] = field(default_factory=deque)

    async def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """
        Take in a post.
        """
        self.received.append(Received(url, headers, body))
        answer = self.answers.popleft() if self.answers else 200
        if answer is None:
            raise NotReached("nobody there")
        return answer

    @property
    def types(self) -> list[str]:
        """
        The types of the events that arrived, in order.
        """
        return [one.event["type"] for one in self.received]


@pytest.fixture
def inbox() -> Inbox:
    """
    Where deliveries arrive.
    """
    return Inbox()


@pytest.fixture
def deliver(twin: Twin, inbox: Inbox) -> Callable[[], Awaitable[int]]:
    """
    Send to the inbox what is due, and tell how many tries that took.
    """
    return lambda: twin.sender.deliver_due(inbox)


@pytest.fixture
async def endpoint(sdk: stripe.StripeClient) -> stripe.WebhookEndpoint:
    """
    An endpoint that wants every event, as its creation showed it: with its secret.
    """
    return await sdk.v1.webhook_endpoints.create_async({"url": URL, "enabled_events": ["*"]})


@pytest.fixture
def happen(sdk: stripe.StripeClient) -> Callable[..., Awaitable[None]]:
    """
    Make one customer.created happen for each name.
    """

    async def happen(*names: str) -> None:
        for name in names:
            await sdk.v1.customers.create_async({"name": name})

    return happen
