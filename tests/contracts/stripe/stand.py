"""
What a test of the contract stands on: the gateway, and beside it all that a browser, a bank and the time may do.

Everything goes over HTTP, embedded as over loopback, so that both ways are asked the same questions in the same words.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin, urlsplit
from uuid import uuid4

import httpx

from rsolv.stripe_gateway import API_VERSION, StripeGateway
from rsolv.stripe_gateway.client import GatewayOptions, open_gateway

DAY = 24 * 3600
MONTH = 31 * DAY
BACK = "https://us.example/back"
EXPIRY = {"expiry": "12 / 34", "cvc": "123"}


@dataclass
class Stand:
    """
    One twin that holds nothing yet, and the gateway that speaks to it.
    """

    way: str
    gateway: StripeGateway
    http: httpx.AsyncClient
    options: GatewayOptions
    transport: httpx.AsyncBaseTransport | None

    def another_gateway(self, **options: Any) -> AbstractAsyncContextManager[StripeGateway]:
        """
        Open a second gateway to the same twin, with some options changed.
        """
        return open_gateway(replace(self.options, **options), self.transport)

    @asynccontextmanager
    async def gateway_that_waits(self, total_seconds: float | None) -> AsyncIterator[StripeGateway]:
        """
        Lend the gateway, or one that waits for an answer only for so long.
        """
        if total_seconds is None:
            yield self.gateway
            return
        async with self.another_gateway(total_seconds=total_seconds) as waiting:
            yield waiting

    # --- what the twin holds, and what only it can do

    async def api(self, method: str, path: str, form: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """
        Make a call of Stripe's API for which the port has no verb.
        """
        headers = {
            "authorization": f"Bearer {self.options.api_key.reveal()}",
            "stripe-version": API_VERSION,
            "idempotency-key": str(uuid4()),
        }
        return _json(await self.http.request(method, path, data=form, headers=headers))

    async def control(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """
        Make a call of the twin's control.
        """
        return _json(await self.http.request(method, f"/_twin/{path}", json=body))

    async def count(self, kind: str) -> int:
        """
        Count the twin's objects of a kind.
        """
        counted: int = (await self.control("GET", "state"))["counts"][kind]
        return counted

    async def now(self) -> datetime:
        """
        Read the twin's clock.
        """
        return datetime.fromtimestamp((await self.control("GET", "clock"))["now"], tz=UTC)

    async def advance(self, seconds: int) -> None:
        """
        Move the twin's clock forward, and all that becomes due happens.
        """
        await self.control("POST", "clock", {"advance_seconds": seconds})

    async def spoil(self, kind: str, **where: Any) -> None:
        """
        Have the next call (of a method, of a template) meet a fault.
        """
        await self.control("POST", "faults", [{"kind": kind, **where}])

    async def faults_left(self) -> int:
        """
        Tell how often the planned faults still strike.
        """
        planned = (await self.control("GET", "faults"))["faults"]
        return sum(fault["times"] for fault in planned)

    # --- a browser

    async def submit(self, url: str, **typed: str) -> str:
        """
        Send the form of a page as a browser does; return where it leads.
        """
        place = urlsplit(url)
        answer = await self.http.post(url, data=typed, headers={"origin": f"{place.scheme}://{place.netloc}"})
        assert answer.status_code == httpx.codes.SEE_OTHER, answer.text
        return urljoin(url, answer.headers["location"])

    async def visit(self, url: str) -> str:
        """
        Open a page; return where it leads, or itself.
        """
        answer = await self.http.get(url)
        assert answer.status_code in {httpx.codes.OK, httpx.codes.SEE_OTHER}, answer.text
        return urljoin(url, answer.headers.get("location", ""))

    async def type_card(self, url: str, number: str) -> str:
        """
        Fill in a hosted page with a card; return where it leads.
        """
        return await self.submit(url, number=number, **EXPIRY)

    async def authenticate(self, url: str, *, outcome: str = "complete") -> str:
        """
        Answer the bank on the 3-D Secure page; return where it leads.
        """
        return await self.submit(url, outcome=outcome)

    # --- what many tests begin with

    async def customer(self, name: str = "acme") -> str:
        """
        Make a customer through the gateway.
        """
        made = await self.gateway.create_customer(
            email=f"{name}@example.com", name=name, metadata={"rsolv_customer_id": "7"}, key=f"customer {name}"
        )
        return made.id

    async def card(self, stripe_customer_id: str, name: str = "visa") -> str:
        """
        Attach one of Stripe's test cards to a customer.
        """
        method = await self.gateway.attach_payment_method(
            f"pm_card_{name}", stripe_customer_id=stripe_customer_id, key=f"{name} of {stripe_customer_id}"
        )
        return method.id

    async def price(self, unit_amount: int = 59_900) -> str:
        """
        Make a monthly price.
        """
        product = await self.api("POST", "/v1/products", {"name": "Pro"})
        asked = {"product": product["id"], "currency": "usd", "unit_amount": unit_amount}
        price = await self.api("POST", "/v1/prices", {**asked, "recurring[interval]": "month"})
        return str(price["id"])


def _json(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == httpx.codes.OK, answer.text
    found: dict[str, Any] = answer.json()
    return found
