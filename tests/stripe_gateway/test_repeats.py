"""
A repeat of what was done already, because its answer was lost, is a success.
"""

from collections.abc import Awaitable, Callable

import pytest

from rsolv.stripe_gateway import GatewayMisused, GatewayUnavailable, StripeGateway
from stripe_gateway import objects
from stripe_gateway.stand_in import Prepared, StandIn

REPEATS = [
    pytest.param(
        lambda gateway: gateway.cancel_subscription("sub_1"),
        objects.subscription(status="canceled"),
        objects.subscription(),
        id="cancel_subscription",
    ),
    pytest.param(
        lambda gateway: gateway.cancel_payment("pi_1", key="k"),
        objects.payment(status="canceled"),
        objects.payment(status="succeeded"),
        id="cancel_payment",
    ),
    pytest.param(
        lambda gateway: gateway.detach_payment_method("pm_1", key="k"),
        objects.payment_method(customer=None),
        objects.payment_method(),
        id="detach_payment_method",
    ),
    pytest.param(
        lambda gateway: gateway.attach_payment_method("pm_1", stripe_customer_id="cus_1", key="k"),
        objects.payment_method(),
        objects.payment_method(customer="cus_of_somebody_else"),
        id="attach_payment_method",
    ),
    pytest.param(
        lambda gateway: gateway.pay_invoice("in_1", payment_method_id="pm_1", key="k"),
        objects.invoice(),
        objects.invoice(status="open"),
        id="pay_invoice",
    ),
]


@pytest.mark.parametrize(("call", "done", "not_done"), REPEATS)
async def test_what_is_done_already_is_success(
    stripe: StandIn,
    gateway: StripeGateway,
    call: Callable[[StripeGateway], Awaitable[object]],
    done: objects.Json,
    not_done: objects.Json,
) -> None:
    """
    Stripe refuses the second time; the object, read by its id, is as was asked for, and is returned.
    """
    stripe.answers = [Prepared(objects.error(code="resource_missing"), 404), Prepared(done)]

    assert getattr(await call(gateway), "id", None) == done["id"]
    assert len(stripe.asked) == 2


@pytest.mark.parametrize(("call", "done", "not_done"), REPEATS)
async def test_a_refusal_for_another_reason_stays_one(
    stripe: StandIn,
    gateway: StripeGateway,
    call: Callable[[StripeGateway], Awaitable[object]],
    done: objects.Json,
    not_done: objects.Json,
) -> None:
    """
    The first refusal is raised, because it is the one that says why.
    """
    stripe.answers = [Prepared(objects.error(code="the_reason"), 400), Prepared(not_done)]

    with pytest.raises(GatewayMisused) as caught:
        await call(gateway)

    assert caught.value.code == "the_reason"


@pytest.mark.parametrize(("call", "done", "not_done"), REPEATS)
async def test_an_outage_is_not_taken_for_done(
    stripe: StandIn,
    gateway: StripeGateway,
    call: Callable[[StripeGateway], Awaitable[object]],
    done: objects.Json,
    not_done: objects.Json,
) -> None:
    """
    Only a refusal is looked into.
    """
    stripe.answers = [Prepared(objects.error(), 429), Prepared(done)]

    with pytest.raises(GatewayUnavailable):
        await call(gateway)

    assert len(stripe.asked) == 1
