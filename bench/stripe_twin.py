"""
`python -m bench.stripe_twin`: how fast the twin of Stripe is, with every check on, beside what it stands on.

The limits beside it: the same SDK calls against an in-process answerer that does nothing, and reading and writing the
same JSON.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec
import stripe

from stripe_twin.embedded import sdk_client
from stripe_twin.twin import Twin

HERE = Path(__file__).parent
DAY_SECONDS = 86_400
YEAR_DAYS = 366


class Echo(stripe.HTTPClient):
    """
    An answerer that always gives the same answer: what the SDK alone costs.
    """

    name = "echo"

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self._body = body

    async def request_async(self, *_: object) -> tuple[bytes, int, dict[str, str]]:
        """
        Answer at once.
        """
        return self._body, httpx.codes.OK, {"request-id": "req_echo"}


async def payments_per_second(count: int) -> dict[str, float]:
    """
    Create payments off-session, confirmed at once and in two calls; then the same calls against the echo.
    """
    twin = Twin()
    sdk = sdk_client(twin)
    customer = await sdk.v1.customers.create_async({"email": "bench@example.com"})
    card = await sdk.v1.payment_methods.attach_async("pm_card_visa", {"customer": customer.id})
    common: stripe.params.PaymentIntentCreateParams = {
        "amount": 2900,
        "currency": "usd",
        "customer": customer.id,
        "payment_method": card.id,
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "metadata": {"rsolv_attempt": "1"},
    }
    last: list[stripe.PaymentIntent] = []

    async def create(client: stripe.StripeClient, number: int) -> None:
        last[:] = [await client.v1.payment_intents.create_async(common, {"idempotency_key": f"create {number}"})]

    async def create_confirmed(client: stripe.StripeClient, number: int) -> None:
        await client.v1.payment_intents.create_async(
            {**common, "confirm": True, "off_session": True}, {"idempotency_key": f"confirmed {number}"}
        )

    async def create_then_confirm(client: stripe.StripeClient, number: int) -> None:
        intent = await client.v1.payment_intents.create_async(common, {"idempotency_key": f"first {number}"})
        await client.v1.payment_intents.confirm_async(
            intent.id, {"off_session": True}, {"idempotency_key": f"second {number}"}
        )

    rates = {
        "unconfirmed": await _rate(count, lambda number: create(sdk, number)),
        "created and confirmed in one call": await _rate(count, lambda number: create_confirmed(sdk, number)),
        "created, then confirmed": await _rate(count, lambda number: create_then_confirm(sdk, number)),
    }
    body = msgspec.json.encode(last[0].to_dict())
    echo = stripe.StripeClient("sk_test_of_the_echo", http_client=Echo(body))
    rates["limit: the SDK alone, one call"] = await _rate(count, lambda number: create(echo, number))
    assert not twin.mistakes, twin.mistakes
    return rates


async def _rate(count: int, act: Callable[[int], Awaitable[None]]) -> float:
    for number in range(50):
        await act(-1 - number)
    began = time.perf_counter()
    for number in range(count):
        await act(number)
    return count / (time.perf_counter() - began)


async def year_of_renewals(subscriptions: int) -> dict[str, float]:
    """
    Let a year pass for so many monthly subscriptions, begun within one month.
    """
    twin = Twin()
    sdk = sdk_client(twin)
    product = await sdk.v1.products.create_async({"name": "Pro"})
    price = await sdk.v1.prices.create_async(
        {"product": product.id, "currency": "usd", "unit_amount": 59_900, "recurring": {"interval": "month"}}
    )
    for number in range(subscriptions):
        customer = await sdk.v1.customers.create_async({"email": f"bench{number}@example.com"})
        card = await sdk.v1.payment_methods.attach_async("pm_card_visa", {"customer": customer.id})
        await sdk.v1.subscriptions.create_async(
            {"customer": customer.id, "items": [{"price": price.id}], "default_payment_method": card.id}
        )
        twin.account.advance(twin.account.now + 6 * 3600)
    paid_before = twin.store.count("charge")
    began = time.perf_counter()
    twin.account.advance(twin.account.now + YEAR_DAYS * DAY_SECONDS)
    seconds = time.perf_counter() - began
    assert not twin.mistakes, twin.mistakes
    return {
        "subscriptions": float(subscriptions),
        "renewals paid": float(twin.store.count("charge") - paid_before),
        "events": float(twin.store.count("event")),
        "seconds": seconds,
    }


def as_markdown(rates: dict[str, float], year: dict[str, float]) -> str:
    """
    Write the figures as bench/STRIPE_TWIN.md has them.
    """
    lines = [
        "# Stripe's twin",
        "",
        f"Written by `make bench-stripe` on {datetime.now(UTC):%Y-%m-%d}. One process; every call, answer and event is",
        "checked against Stripe's contract.",
        "",
        "| payments, one after another | per second |",
        "| --- | --- |",
        *(f"| {what} | {rate:,.0f} |" for what, rate in rates.items()),
        "",
        "| a year of monthly renewals |  |",
        "| --- | --- |",
        *(f"| {what} | {figure:,.1f} |" for what, figure in year.items()),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """
    Measure and print; write the figures unless asked for a quick look.
    """
    parser = argparse.ArgumentParser(prog="python -m bench.stripe_twin", description=__doc__)
    parser.add_argument("--payments", type=int, default=3_000)
    parser.add_argument("--subscriptions", type=int, default=100)
    parser.add_argument("--quick", action="store_true", help="a tenth of it; prints and writes nothing")
    given = parser.parse_args()
    share = 10 if given.quick else 1
    rates = asyncio.run(payments_per_second(given.payments // share))
    year = asyncio.run(year_of_renewals(given.subscriptions // share))
    text = as_markdown(rates, year)
    print(text)
    if not given.quick:
        (HERE / "STRIPE_TWIN.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
