"""
Idempotency keys: the first answer after execution began is the answer, for a day of the twin's time.
"""

import asyncio

import pytest
import stripe

from stripe_twin.core.faults import Fault
from stripe_twin.twin import Twin

PAYMENT: stripe.params.PaymentIntentCreateParams = {
    "amount": 2900,
    "currency": "usd",
    "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
}
DAY_SECONDS = 24 * 3600


async def create(sdk: stripe.StripeClient, key: str, **more: object) -> stripe.PaymentIntent:
    return await sdk.v1.payment_intents.create_async({**PAYMENT, **more}, {"idempotency_key": key})


async def test_a_repeat_is_answered_as_the_first_time(sdk: stripe.StripeClient, twin: Twin) -> None:
    """
    One object, the same bytes, marked as a replay of the original request.
    """
    first = await create(sdk, "once")

    second = await create(sdk, "once")

    assert twin.store.count("payment_intent") == 1
    assert second.to_dict() == first.to_dict()
    assert second.last_response is not None
    assert second.last_response.headers["idempotent-replayed"] == "true"
    assert first.last_response is not None
    assert second.last_response.headers["original-request"] == first.last_response.headers["request-id"]


async def test_a_repeat_with_other_parameters_is_refused(sdk: stripe.StripeClient, twin: Twin) -> None:
    """
    Under one key there is one request; which order its parameters came in does not matter.
    """
    await create(sdk, "once")

    with pytest.raises(stripe.IdempotencyError) as caught:
        await create(sdk, "once", amount=3000)

    assert caught.value.http_status == 400
    assert twin.store.count("payment_intent") == 1


async def test_a_repeat_at_another_address_is_refused(sdk: stripe.StripeClient) -> None:
    """
    A key belongs to one endpoint.
    """
    await create(sdk, "once")

    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        await sdk.v1.customers.create_async({}, {"idempotency_key": "once"})


async def test_four_at_once_make_one_payment(sdk: stripe.StripeClient, twin: Twin) -> None:
    """
    While the first is being executed the others are told 409; repeated later they have its answer.
    """
    twin.faults.latency_seconds = 0.02

    answers = await asyncio.gather(*(create(sdk, "once") for _ in range(4)), return_exceptions=True)

    made = [answer for answer in answers if isinstance(answer, stripe.PaymentIntent)]
    refused = [answer for answer in answers if isinstance(answer, stripe.StripeError)]
    assert (len(made), twin.store.count("payment_intent")) == (1, 1)
    assert {(error.http_status, error.error and error.error.code) for error in refused} == {
        (409, "idempotency_key_in_use")
    }
    assert (await create(sdk, "once")).id == made[0].id


async def test_without_the_store_four_at_once_make_four(sdk: stripe.StripeClient, twin: Twin) -> None:
    """
    The planted bug: the store switched off, the test above would see it.
    """
    twin.api.keys.is_on = False
    twin.faults.latency_seconds = 0.02

    await asyncio.gather(*(create(sdk, "once") for _ in range(4)))

    assert twin.store.count("payment_intent") == 4


async def test_a_decline_is_replayed_too(sdk: stripe.StripeClient, twin: Twin) -> None:
    """
    The same key stays declined, with no second attempt at the card.
    """
    customer = await sdk.v1.customers.create_async({})
    card = await sdk.v1.payment_methods.attach_async("pm_card_chargeCustomerFail", {"customer": customer.id})
    declined = {"customer": customer.id, "payment_method": card.id, "confirm": True, "off_session": True}

    messages = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as caught:
            await create(sdk, "once", **declined)
        messages.append((caught.value.http_status, caught.value.http_body))

    assert messages[0] == messages[1]
    assert twin.store.count("charge") == 1


async def test_a_refusal_before_execution_leaves_the_key_free(sdk: stripe.StripeClient) -> None:
    """
    Bad parameters, 429 and 409 store nothing.
    """
    with pytest.raises(stripe.InvalidRequestError):
        await create(sdk, "once", amount="a lot")

    assert (await create(sdk, "once")).amount == 2900


async def test_a_key_is_forgotten_after_a_day(sdk: stripe.StripeClient, twin: Twin) -> None:
    """
    Then the same key executes again: it is no protection for ever.
    """
    first = await create(sdk, "once")
    twin.account.advance(twin.account.now + DAY_SECONDS - 1)
    assert (await create(sdk, "once")).id == first.id

    twin.account.advance(twin.account.now + 1)

    assert (await create(sdk, "once")).id != first.id


async def test_a_key_may_have_255_characters(sdk: stripe.StripeClient) -> None:
    """
    And not one more.
    """
    await create(sdk, "k" * 255)

    with pytest.raises(stripe.StripeError) as caught:
        await create(sdk, "k" * 256)

    assert caught.value.http_status == 400


@pytest.mark.parametrize("kind", ["timeout_after", "cut_body"])
async def test_a_lost_answer_leaves_exactly_one_charge(sdk: stripe.StripeClient, twin: Twin, kind: str) -> None:
    """
    An off-session payment is committed, its answer lost; repeated with its key it is found, not made again.
    """
    customer = await sdk.v1.customers.create_async({})
    card = await sdk.v1.payment_methods.attach_async("pm_card_visa", {"customer": customer.id})
    payment = {"customer": customer.id, "payment_method": card.id, "confirm": True, "off_session": True}
    twin.faults.plan([Fault(kind, template="/v1/payment_intents")])

    with pytest.raises(stripe.APIConnectionError):
        await create(sdk, "once", **payment)
    found = await create(sdk, "once", **payment)

    assert found.status == "succeeded"
    assert (twin.store.count("payment_intent"), twin.store.count("charge")) == (1, 1)
