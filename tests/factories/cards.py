"""
Makers of cards: agreed to, entered on the hosted page or attached, and the jobs done that follow.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

import asyncpg
import msgspec

from rsolv import card_setups, payment_methods
from rsolv.audit import Actor
from rsolv.db import Database
from rsolv.jobs import JobCall
from rsolv.kernel import clock
from rsolv.kernel.events import EventBus
from rsolv.stripe_gateway import GatewayUnavailable, OutcomeUnknown, StripeGateway
from rsolv.worker import handled_jobs
from stripe_twin.checkout import Card, complete
from stripe_twin.twin import Twin

VISA, MASTERCARD = "4242424242424242", "5555555555554444"
PAGE_URL = "https://billing.test/billing/payment-methods/return"
TRIES_MAX = 40
HOUR_SECONDS = 3_600

Done = TypeVar("Done")


def declare(now: datetime | None = None) -> payment_methods.Declaration:
    """
    Speak for a customer who agrees, or withdraws.
    """
    return payment_methods.Declaration(
        actor=Actor("customer", "api key 1"), ip="192.0.2.7", user_agent="test", at=now or clock.now()
    )


async def open_page(
    database: Database,
    gateway: StripeGateway,
    *,
    customer_id: int,
    now: datetime | None = None,
    return_url: str | None = None,
    caller_key_hash: bytes | None = None,
) -> card_setups.CardSetup:
    """
    Open a hosted page for a customer who agrees.
    """
    request = card_setups.SetupRequest(declaration=declare(now), return_url=return_url, caller_key_hash=caller_key_hash)
    return await card_setups.open_setup(database, gateway, request, customer_id=customer_id, page_url=PAGE_URL)


def type_card(twin: Twin, setup: card_setups.CardSetup, number: str = VISA) -> str | None:
    """
    Fill in the page as a customer does; the id of what they must authenticate, if their bank asks.
    """
    assert setup.stripe_card_setup_id is not None
    with twin.store.unit():
        return complete(
            twin.account, setup.stripe_card_setup_id, Card(number=number, exp_month=12, exp_year=2034, cvc="123")
        )


async def fulfil(
    database: Database,
    gateway: StripeGateway,
    bus: EventBus,
    setup: card_setups.CardSetup,
    *,
    now: datetime | None = None,
) -> card_setups.CardSetup:
    """
    Find out what came of a page.
    """
    return await card_setups.fulfil_setup(
        database, gateway, bus, customer_id=setup.customer_id, card_setup_id=setup.id, now=now or clock.now()
    )


async def attach_card(
    database: Database,
    gateway: StripeGateway,
    bus: EventBus,
    *,
    customer_id: int,
    stripe_id: str = "pm_card_visa",
    now: datetime | None = None,
) -> payment_methods.PaymentMethod:
    """
    Attach a card, with consent.
    """
    return await payment_methods.attach(
        database, gateway, bus, declare(now), customer_id=customer_id, stripe_payment_method_id=stripe_id
    )


async def do_jobs(
    owner: asyncpg.Connection, database: Database, gateway: StripeGateway, bus: EventBus, *, kind: str
) -> int:
    """
    Do every queued job of a kind, due or not, and return how many there were. One that fails stays queued.
    """
    handler = handled_jobs(database, gateway, bus)[kind]
    jobs = await owner.fetch(
        "SELECT id, payload, attempts FROM pgqueuer WHERE entrypoint = $1 AND status = 'queued' ORDER BY id", kind
    )
    for job in jobs:
        await owner.execute("UPDATE pgqueuer SET attempts = attempts + 1 WHERE id = $1", job["id"])
        await handler(JobCall(job_id=job["id"], ids=msgspec.json.decode(job["payload"]), tries=job["attempts"]))
        await owner.execute("DELETE FROM pgqueuer WHERE id = $1", job["id"])
    return len(jobs)


async def until_it_works(twin: Twin, act: Callable[[], Awaitable[Done]]) -> Done:
    """
    Try as a caller or the queue does, an hour of Stripe's apart, until what passes by itself has passed.
    """
    for _ in range(TRIES_MAX):
        try:
            return await act()
        except (GatewayUnavailable, OutcomeUnknown):
            twin.account.advance(twin.account.now + HOUR_SECONDS)
    raise AssertionError("it never worked")


def turn_into_link(twin: Twin, stripe_payment_method_id: str) -> None:
    """
    Make of a card at Stripe a way to pay that is none.
    """
    with twin.store.unit():
        method = twin.account.edit("payment_method", stripe_payment_method_id)
        method["type"], method["link"] = "link", {"email": "ada@example.com"}
        del method["card"]
