"""
What selling a subscription asks besides: a price under a key of ours, a customer's subscriptions, its own card.
"""

import pytest

from contracts.stripe.stand import Stand
from contracts.stripe.subscribing import opened_subscription
from rsolv.stripe_gateway import GatewayMisused, StripeGateway

ASK = {"lookup_key": "rsolv_pro_usd_59900_monthly", "label": "Pro", "amount_cents": 59_900, "currency": "usd"}


async def test_a_price_is_found_by_its_lookup_key(gateway: StripeGateway) -> None:
    """
    And not by another; what is found is what was made.
    """
    before = await gateway.find_price(ASK["lookup_key"])

    made = await gateway.create_monthly_price(**ASK, key="price")
    found = await gateway.find_price(ASK["lookup_key"])

    assert before is None
    assert found is not None
    assert (found.id, found.amount_cents, found.currency, found.is_active) == (made.id, 59_900, "usd", True)
    assert await gateway.find_price("another") is None


async def test_a_lookup_key_belongs_to_one_price(gateway: StripeGateway) -> None:
    """
    A second attempt is refused, and has made nothing.
    """
    made = await gateway.create_monthly_price(**ASK, key="first")

    with pytest.raises(GatewayMisused):
        await gateway.create_monthly_price(**ASK, key="second")

    found = await gateway.find_price(ASK["lookup_key"])
    assert found is not None
    assert found.id == made.id


async def test_a_customers_subscriptions_are_listed_ended_ones_too(
    stripe: Stand, gateway: StripeGateway, acme: str, visa: str
) -> None:
    """
    The newest first, with their marks.
    """
    first = await opened_subscription(stripe, acme, visa)
    await gateway.cancel_subscription(first.id)
    await stripe.advance(60)
    second = await gateway.open_subscription(
        stripe_customer_id=acme,
        price_id=await stripe.price(),
        quantity=1,
        payment_method_id=visa,
        metadata={"plan": "pro"},
        key="again",
    )

    listed = [each async for each in gateway.list_subscriptions(stripe_customer_id=acme)]

    assert [(each.id, each.state) for each in listed] == [(second.id, "active"), (first.id, "canceled")]
    assert {each.metadata["plan"] for each in listed} == {"pro"}


async def test_a_subscription_can_have_another_card_of_its_own(
    stripe: Stand, gateway: StripeGateway, acme: str, visa: str
) -> None:
    """
    Of this customer.
    """
    opened = await opened_subscription(stripe, acme, visa)
    other = await stripe.card(acme, "mastercard")

    changed = await gateway.set_subscription_card(opened.id, payment_method_id=other, key="card")

    assert (changed.id, changed.default_payment_method_id) == (opened.id, other)
    with pytest.raises(GatewayMisused):
        await gateway.set_subscription_card(opened.id, payment_method_id="pm_none", key="none")
