"""
Customers at Stripe: one for each attempt, found again by address, and their default card.
"""

import asyncio

import pytest

from contracts.stripe.stand import Stand
from rsolv.stripe_gateway import GatewayMisused, StripeCustomer, StripeGateway

ADA = {"email": "ada@example.com", "name": "Ada", "metadata": {"rsolv_customer_id": "7"}}


async def test_a_created_customer_is_read_as_it_was_made(gateway: StripeGateway) -> None:
    """
    Address, name and our own id stand there; nothing else does yet.
    """
    made = await gateway.create_customer(**ADA, key="k")

    read = await gateway.read_customer(made.id)

    assert (read.email, read.name, read.customer_id) == ("ada@example.com", "Ada", 7)
    assert (read.default_payment_method_id, read.is_deleted) == (None, False)
    assert made.request_id.startswith("req_")
    assert read.request_id not in {made.request_id, ""}


async def test_the_same_attempt_makes_one_customer(stripe: Stand, gateway: StripeGateway) -> None:
    """
    A repeat with its key is answered with the first one's customer.
    """
    first = await gateway.create_customer(**ADA, key="k")
    again = await gateway.create_customer(**ADA, key="k")

    assert first.id == again.id
    assert await stripe.count("customer") == 1


async def test_the_same_attempt_in_parallel_makes_one_customer(stripe: Stand, gateway: StripeGateway) -> None:
    """
    Whoever comes while the first is at work is told to come again.
    """
    await stripe.control("POST", "latency", {"seconds": 0.1})

    answers = await asyncio.gather(*(gateway.create_customer(**ADA, key="k") for _ in range(4)), return_exceptions=True)
    again = await gateway.create_customer(**ADA, key="k")

    assert {answer.id for answer in answers if isinstance(answer, StripeCustomer)} == {again.id}
    assert {answer.code for answer in answers if isinstance(answer, Exception)} <= {"idempotency_key_in_use"}
    assert await stripe.count("customer") == 1


async def test_a_key_used_for_something_else_is_our_mistake(stripe: Stand, gateway: StripeGateway) -> None:
    """
    With other parameters, or at another endpoint: refused, and nothing is made.
    """
    made = await gateway.create_customer(**ADA, key="k")

    with pytest.raises(GatewayMisused) as other_parameters:
        await gateway.create_customer(**{**ADA, "name": "Bea"}, key="k")
    with pytest.raises(GatewayMisused) as other_endpoint:
        await gateway.set_default_payment_method(made.id, payment_method_id="pm_1", key="k")

    assert (other_parameters.value.code, other_parameters.value.status) == ("idempotency_error", 400)
    assert other_endpoint.value.code == "idempotency_error"
    assert await stripe.count("customer") == 1


async def test_a_key_is_forgotten_after_a_day(stripe: Stand, gateway: StripeGateway) -> None:
    """
    The same attempt a day later is another one, so an attempt must not be repeated for longer.
    """
    first = await gateway.create_customer(**ADA, key="k")
    await stripe.advance(24 * 3600)

    assert (await gateway.create_customer(**ADA, key="k")).id != first.id


async def test_customers_are_found_by_their_exact_address(stripe: Stand, gateway: StripeGateway) -> None:
    """
    The newest first, at once, and no others.
    """
    older = await gateway.create_customer(**ADA, key="1")
    await gateway.create_customer(**{**ADA, "email": "ada@example.community"}, key="2")
    newer = await gateway.create_customer(**ADA, key="3")

    assert [found.id for found in await gateway.find_customers(email="ada@example.com")] == [newer.id, older.id]
    assert await gateway.find_customers(email="bea@example.com") == []


async def test_a_deleted_customer_keeps_its_id(stripe: Stand, gateway: StripeGateway, acme: str) -> None:
    """
    It is read as deleted, and no longer found.
    """
    await stripe.api("DELETE", f"/v1/customers/{acme}")

    read = await gateway.read_customer(acme)

    assert (read.id, read.is_deleted, read.email) == (acme, True, None)
    assert await gateway.find_customers(email="acme@example.com") == []


async def test_a_default_card_stays_until_it_is_detached(gateway: StripeGateway, acme: str, visa: str) -> None:
    """
    Attaching alone makes no card the default; detaching takes it back.
    """
    before = await gateway.read_customer(acme)
    chosen = await gateway.set_default_payment_method(acme, payment_method_id=visa, key="default")
    await gateway.detach_payment_method(visa, key="detach")

    after = await gateway.read_customer(acme)

    assert before.default_payment_method_id is None
    assert chosen.default_payment_method_id == visa
    assert after.default_payment_method_id is None


async def test_a_card_of_another_customer_cannot_be_the_default(
    stripe: Stand, gateway: StripeGateway, visa: str
) -> None:
    """
    Nor one that is nobody's.
    """
    globex = await stripe.customer("globex")

    with pytest.raises(GatewayMisused):
        await gateway.set_default_payment_method(globex, payment_method_id=visa, key="default")

    assert (await gateway.read_customer(globex)).default_payment_method_id is None
