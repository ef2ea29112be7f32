"""
Faults: each spoils a call as the real thing would, and what was done or not done is certain.
"""

import pytest
import stripe

from stripe_twin.core.faults import Fault, FaultKind
from stripe_twin.twin import Twin

OUTCOMES: list[tuple[FaultKind, int | None, int]] = [
    ("refused", None, 0),
    ("timeout_before", None, 0),
    ("timeout_after", None, 1),
    ("cut_body", None, 1),
    ("rate_limited", 429, 0),
    ("rate_limited_retry", 429, 0),
    ("rate_limited_stop", 429, 0),
    ("locked", 429, 0),
    ("conflict", 409, 0),
    ("error_stored", 500, 0),
    ("error_not_stored", 500, 0),
]


async def attempt(sdk: stripe.StripeClient, key: str = "once") -> stripe.StripeError | None:
    try:
        await sdk.v1.payment_intents.create_async({"amount": 2900, "currency": "usd"}, {"idempotency_key": key})
    except stripe.StripeError as error:
        return error
    return None


@pytest.mark.parametrize(("kind", "status", "done"), OUTCOMES, ids=[outcome[0] for outcome in OUTCOMES])
async def test_a_fault_spoils_one_call(
    sdk: stripe.StripeClient, twin: Twin, kind: FaultKind, status: int | None, done: int
) -> None:
    """
    The caller sees its status, or no answer at all; the payment exists only where the fault came after the commit.
    """
    twin.faults.plan([Fault(kind)])

    error = await attempt(sdk)

    assert error is not None
    assert error.http_status == status
    assert twin.store.count("payment_intent") == done
    assert await attempt(sdk, "another key") is None


@pytest.mark.parametrize(
    ("kind", "header"),
    [("rate_limited", None), ("rate_limited_retry", "true"), ("rate_limited_stop", "false")],
)
async def test_a_rate_limit_may_say_whether_to_retry(
    sdk: stripe.StripeClient, twin: Twin, kind: FaultKind, header: str | None
) -> None:
    """
    In the header that Stripe's own clients obey.
    """
    twin.faults.plan([Fault(kind)])

    error = await attempt(sdk)

    assert error is not None
    assert (error.headers or {}).get("stripe-should-retry") == header


async def test_a_stored_500_is_replayed_and_an_unstored_one_is_not(sdk: stripe.StripeClient, twin: Twin) -> None:
    """
    A 500 after execution began is the answer to that key for a day.
    """
    twin.faults.plan([Fault("error_stored")])
    stored = [await attempt(sdk, "first") for _ in range(2)]
    twin.faults.plan([Fault("error_not_stored")])
    unstored = [await attempt(sdk, "second") for _ in range(2)]

    assert [error and error.http_status for error in stored] == [500, 500]
    assert [error and error.http_status for error in unstored] == [500, None]


async def test_a_fault_may_wait_for_a_route_a_number_of_calls_and_a_number_of_times(
    sdk: stripe.StripeClient, twin: Twin
) -> None:
    """
    The second and third payment fail, a customer never.
    """
    twin.faults.plan([Fault("refused", method="POST", template="/v1/payment_intents", skip=1, times=2)])

    await sdk.v1.customers.create_async({})
    failed = [await attempt(sdk, f"key {number}") is not None for number in range(5)]

    assert failed == [False, True, True, False, False]


async def test_chance_is_the_same_for_the_same_seed(sdk: stripe.StripeClient, twin: Twin) -> None:
    """
    A run that found a bug can be run again.
    """
    draws = []
    for _ in range(2):
        twin.faults.clear()
        twin.faults.plan([Fault("refused", times=None, probability=0.5)])
        draws.append([await attempt(sdk, f"key {number}") is not None for number in range(20)])

    assert draws[0] == draws[1]
    assert 0 < sum(draws[0]) < 20
