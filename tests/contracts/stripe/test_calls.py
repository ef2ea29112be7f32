"""
What holds for every call: keys that Stripe takes, and ids that nobody knows.
"""

from collections.abc import Awaitable, Callable

import pytest

from contracts.stripe.paying import paid_payment
from contracts.stripe.stand import Stand
from rsolv.kernel.secret import Secret
from rsolv.stripe_gateway import GatewayMisused, StripeGateway

UNKNOWN_IDS = {
    "read_customer": lambda gateway: gateway.read_customer("cus_nobody"),
    "read_card_setup": lambda gateway: gateway.read_card_setup("cs_test_nobody"),
    "read_payment_method": lambda gateway: gateway.read_payment_method("pm_nobody"),
    "detach_payment_method": lambda gateway: gateway.detach_payment_method("pm_nobody", key="k"),
    "read_payment": lambda gateway: gateway.read_payment("pi_nobody"),
    "confirm_payment": lambda gateway: gateway.confirm_payment("pi_nobody", payment_method_id="pm_card_visa", key="k"),
    "cancel_payment": lambda gateway: gateway.cancel_payment("pi_nobody", key="k"),
    "read_refund": lambda gateway: gateway.read_refund("re_nobody"),
    "read_dispute": lambda gateway: gateway.read_dispute("du_nobody"),
    "read_subscription": lambda gateway: gateway.read_subscription("sub_nobody"),
    "schedule_cancellation": lambda gateway: gateway.schedule_cancellation("sub_nobody", at_period_end=True, key="k"),
    "cancel_subscription": lambda gateway: gateway.cancel_subscription("sub_nobody"),
    "preview_renewal": lambda gateway: gateway.preview_renewal("sub_nobody"),
    "read_invoice": lambda gateway: gateway.read_invoice("in_nobody"),
}


@pytest.mark.parametrize("ask", UNKNOWN_IDS.values(), ids=UNKNOWN_IDS)
async def test_an_unknown_id_is_missing(
    gateway: StripeGateway, ask: Callable[[StripeGateway], Awaitable[object]]
) -> None:
    """
    That is a fact of its own, with Stripe's id of the call.
    """
    with pytest.raises(GatewayMisused) as misused:
        await ask(gateway)

    assert misused.value.is_missing
    assert misused.value.request_id.startswith("req_")


async def test_a_restricted_key_is_enough(stripe: Stand) -> None:
    """
    For making a customer, saving a card and charging it.
    """
    async with stripe.another_gateway(api_key=Secret("rk_test_ofthecontract")) as gateway:
        made = await gateway.create_customer(email="ada@example.com", name="Ada", metadata={}, key="k")
        card = await gateway.attach_payment_method("pm_card_visa", stripe_customer_id=made.id, key="card")
        paid = await paid_payment(gateway, made.id, card.id)

    assert paid.state == "succeeded"


async def test_a_key_that_stripe_does_not_know_is_our_mistake(stripe: Stand, acme: str) -> None:
    """
    Repeating would not help, and nothing is made.
    """
    async with stripe.another_gateway(api_key=Secret("sk_test_?")) as gateway:
        with pytest.raises(GatewayMisused) as misused:
            await gateway.create_customer(email="ada@example.com", name="Ada", metadata={}, key="k")

    assert (misused.value.status, misused.value.passes_by_itself) == (401, False)
    assert await stripe.count("customer") == 1


async def test_metadata_that_stripe_does_not_take_is_our_mistake(stripe: Stand, gateway: StripeGateway) -> None:
    """
    A name of more than forty characters is named.
    """
    with pytest.raises(GatewayMisused):
        await gateway.create_customer(email="ada@example.com", name="Ada", metadata={"n" * 41: "1"}, key="k")

    assert await stripe.count("customer") == 0
